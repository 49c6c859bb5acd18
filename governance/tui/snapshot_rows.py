"""Snapshots as lines under their model, and what one of them holds."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from governance.service.views import (
    ModelView,
    SnapshotDetail,
    SnapshotDiff,
    SnapshotSummary,
)
from governance.tui.desk import Desk
from governance.tui.evidence import heading
from governance.tui.grid import Column, FixedRows, Row
from governance.tui.names import shared_ends, without_ends
from governance.tui.paint import (
    age,
    cell,
    hanging,
    line,
    middle,
    number,
    own,
    short,
    shown,
)
from governance.tui.words import Tone

COLUMNS = (
    Column("state", 8),
    Column("snapshot", 12),
    Column("edits"),
    Column("age", 4, right=True),
)
_MOST_TENSORS = 400


def standing(snapshot: SnapshotSummary | SnapshotDetail) -> str:
    """Say in a word how a snapshot stands."""
    if snapshot.live:
        return "LIVE"
    if snapshot.is_base:
        return "BASE"
    return "WAS LIVE" if snapshot.was_live else "CANDIDATE"


def snapshot_rows(
    models: Sequence[ModelView],
    snapshots: Sequence[SnapshotSummary],
    marked: str | None,
    desk: Desk,
) -> FixedRows:
    """Group snapshots under their model.

    Args:
        models: Registered models.
        snapshots: Newest first.
        marked: Digest that differences are counted from, if one is marked.
        desk: Glyphs and the wall clock.
    """
    rows: list[Row] = []
    for model in models:
        group = [item for item in snapshots if item.model == model.name]
        if rows:
            rows.append(Row(None, (Content(""), Content(""))))
        name = shown(model.name, Tone.STRONG) + own(f"  {model.family}", Tone.DIM)
        rows.append(Row(None, (name, own(str(len(group)), Tone.DIM))))
        rows += [_row(item, marked, desk) for item in group]
    return FixedRows(rows)


def row_key(snapshot: SnapshotSummary) -> str:
    """Return the key of a snapshot's line: bases of two models may be equal."""
    return f"{snapshot.model}\n{snapshot.digest}"


def _row(snapshot: SnapshotSummary, marked: str | None, desk: Desk) -> Row:
    word = standing(snapshot)
    glyph = desk.glyph("●", "*") if snapshot.live else " "
    state = (
        own(f"{glyph} LIVE", Tone.GOOD)
        if snapshot.live
        else own({"WAS LIVE": "was live", "BASE": "base"}.get(word, "-"), Tone.DIM)
    )
    edits = shown(" ".join(snapshot.edits)) if snapshot.edits else own("none", Tone.DIM)
    if snapshot.waiting:
        state = own(f"{desk.glyph('○', 'o')} waits", Tone.WAIT)
    elif snapshot.released:
        state = own("freed", Tone.DIM)
    if marked == row_key(snapshot):
        edits = line(own("A ", "bold $wait"), edits)
    return Row(
        row_key(snapshot),
        (
            state,
            shown(short(snapshot.digest)),
            edits,
            own(age(snapshot.created, desk.now()), Tone.DIM),
        ),
    )


def snapshot_lines(
    snapshot: SnapshotDetail,
    titles: dict[str, str],
    model: ModelView | None,
    width: int,
) -> list[Content]:
    """Lay out one snapshot: standing, edits with titles, model, tensors."""
    rows = [
        line(own(standing(snapshot), "bold $good"), "  ", shown(snapshot.model)),
        shown(snapshot.digest),
        own(f"created {snapshot.created}", Tone.DIM),
        *_pending(snapshot, width),
        Content(""),
        heading(f"Edits it holds ({len(snapshot.edits)})"),
    ]
    rows += [
        line("  ", cell(shown(edit, Tone.DIM), 8), shown(titles.get(edit, "")))
        for edit in snapshot.edits
    ]
    if not snapshot.edits:
        rows.append(own("  none: this is the untouched base", Tone.DIM))
    if model is not None:
        rows += [Content(""), heading("Model"), *_model_lines(model)]
    tensors = list(snapshot.tensors.items())
    rows += [Content(""), heading(f"Tensors it replaces ({len(tensors)})")]
    ends = shared_ends([name for name, _ in tensors])
    rows += _shared(ends, width)
    rows += [
        line(
            "  ",
            shown(digest[:8], Tone.DIM),
            "  ",
            middle(without_ends(name, ends), width - 12),
        )
        for name, digest in tensors[:_MOST_TENSORS]
    ]
    if len(tensors) > _MOST_TENSORS:
        rows.append(own(f"  and {len(tensors) - _MOST_TENSORS} more", Tone.DIM))
    return rows


def _pending(snapshot: SnapshotDetail, width: int) -> Iterator[Content]:
    """Say what waits for signatures, who signed, and whether tensors are kept."""
    if snapshot.released:
        yield own("tensors given back: apply its edits again to decide", Tone.DIM)
    for rollback in snapshot.waiting:
        who = ", ".join(item.principal for item in rollback.signoffs)
        words = f"waits, signed by {who}; missing: {'; '.join(rollback.missing)}"
        head = own(f"{rollback.action}  ", Tone.WAIT)
        yield from hanging(head, shown(words, Tone.WAIT), width)


def _shared(ends: tuple[str, str], width: int) -> list[Content]:
    if not any(ends):
        return []
    return hanging(Content("  "), shown("{}".join(ends), Tone.DIM), width)


def diff_lines(
    first: str, second: str, diff: SnapshotDiff, width: int
) -> list[Content]:
    """Lay out what differs from the marked snapshot to the chosen one."""
    rows = [
        line(
            own("A ", "bold $wait"),
            shown(first[:12]),
            own("  to  ", Tone.DIM),
            shown(second[:12]),
        )
    ]
    rows += [line(own("  added    ", Tone.GOOD), shown(edit)) for edit in diff.added]
    rows += [line(own("  removed  ", Tone.WAIT), shown(edit)) for edit in diff.removed]
    if not diff.added and not diff.removed:
        rows.append(own("  the same edits", Tone.DIM))
    rows.append(own(f"  {len(diff.tensors)} tensors differ", Tone.DIM))
    ends = shared_ends([item.name for item in diff.tensors])
    rows += _shared(ends, width)
    rows += [
        line(
            cell(own(number(item.norm), Tone.STRONG), 9, right=True),
            "  ",
            middle(without_ends(item.name, ends), width - 11),
        )
        for item in diff.tensors[:_MOST_TENSORS]
    ]
    return [*rows, Content("")]


def _model_lines(model: ModelView) -> list[Content]:
    size = sum(item.size for item in model.files) / 2**20
    return [
        line("  ", shown(model.path)),
        line("  ", shown(model.digest, Tone.DIM)),
        own(f"  {len(model.files)} files, {size:.1f} MiB", Tone.DIM),
    ]
