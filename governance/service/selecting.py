"""From what a person types to the one thing it names."""

from governance.domain.change import ChangeRecord
from governance.domain.lifecycle import EditState
from governance.domain.state import EditRecord, ModelRecord, WorkspaceState
from governance.errors import NotFoundError, UsageError
from governance.service.book import Book, SnapshotRecord

_SHOWN = 40
_SHORTEST_PREFIX = 4
_LONGEST_NUMBER = 9


def over_hint(state: EditState) -> str:
    """Say what can be done about an edit on which nothing is decided any more."""
    if state is EditState.LIVE:
        return "A live edit is taken back with `governance edit revert`."
    return "That is final: propose the request anew where it is wanted still."


def the_edit(state: WorkspaceState, name: str) -> EditRecord:
    """Return the edit an id, or an unambiguous part of it, names.

    Args:
        state: Where to look.
        name: ``E-0001``, ``e-1``, ``1`` or the beginning of a request digest.

    Raises:
        NotFoundError: There is none, or more than one.
    """
    wanted = name.strip()
    if wanted in state.edits:
        return state.edits[wanted]
    number = wanted.upper().removeprefix("E-")
    if number.isascii() and number.isdigit() and len(number) <= _SHORTEST_PREFIX:
        record = state.edits.get(f"E-{int(number):04d}")
        if record is not None:
            return record
    found = [
        record
        for record in state.edits.values()
        if len(wanted) >= _SHORTEST_PREFIX and record.digest.startswith(wanted.lower())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous("edit", wanted, [record.id for record in found])
    raise NotFoundError(
        f"edit {wanted[:_SHOWN]!r} does not exist",
        "`governance edit list` shows every edit.",
    )


def the_change(state: WorkspaceState, name: str) -> ChangeRecord:
    """Return the change an id names.

    Args:
        state: Where to look.
        name: ``C-0001``, ``c-1`` or ``1``.

    Raises:
        NotFoundError: There is none.
    """
    number = name.strip().upper().removeprefix("C-")
    if number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER:
        record = state.changes.get(f"C-{int(number):04d}")
        if record is not None:
            return record
    raise NotFoundError(
        f"change {name.strip()[:_SHOWN]!r} does not exist",
        "`governance change list` shows every change.",
    )


def the_model(state: WorkspaceState, name: str | None) -> ModelRecord:
    """Return a model by name, or the only one there is.

    Args:
        state: Where to look.
        name: Its name; ``None`` for the only one.

    Raises:
        NotFoundError: There is none of that name.
        UsageError: No name was given and there are several.
    """
    if name is not None:
        record = state.models.get(name)
        if record is None:
            raise NotFoundError(
                f"model {name[:_SHOWN]!r} is not registered",
                "`governance model list` shows every model.",
            )
        return record
    if not state.models:
        raise NotFoundError(
            "no model is registered", "Register one with `governance model add`."
        )
    if len(state.models) > 1:
        raise UsageError(
            f"several models are registered: {', '.join(sorted(state.models))}",
            "Name one with --model.",
        )
    return next(iter(state.models.values()))


def the_snapshot(book: Book, name: str, model: str | None) -> SnapshotRecord:
    """Return a snapshot by digest prefix, ``live``, ``base`` or a live edit's id.

    Args:
        book: Where to look.
        name: What was typed.
        model: Model name, where it is needed.

    Raises:
        NotFoundError: There is none, or more than one.
        UsageError: The model must be named.
    """
    wanted = name.strip()
    if wanted in ("live", "base"):
        record = the_model(book.state, model)
        return book.snapshots[(record.name, getattr(record, wanted))]
    if wanted.upper().startswith("E-"):
        return _of_edit(book, wanted)
    found = [
        record
        for record in book.snapshots.values()
        if len(wanted) >= _SHORTEST_PREFIX
        and record.digest.startswith(wanted.lower())
        and model in (None, record.model)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        shown = [f"{record.model} {record.digest[:16]}" for record in found]
        raise _ambiguous("snapshot", wanted, shown)
    raise NotFoundError(
        f"snapshot {wanted[:_SHOWN]!r} does not exist",
        "`governance snapshot list` shows every snapshot.",
    )


def _of_edit(book: Book, name: str) -> SnapshotRecord:
    edit = the_edit(book.state, name)
    model = book.state.models[edit.model]
    live = book.snapshots[(model.name, model.live)]
    digest = live.digest if edit.id in live.edits else edit.candidate
    if digest is None:
        raise NotFoundError(
            f"{edit.id} has no snapshot: it was never applied",
            f"Run `governance edit apply {edit.id}`.",
        )
    return book.snapshots[(model.name, digest)]


def _ambiguous(kind: str, wanted: str, found: list[str]) -> NotFoundError:
    return NotFoundError(
        f"{kind} {wanted[:_SHOWN]!r} is ambiguous: {', '.join(sorted(found)[:5])}",
        "Give more characters.",
    )
