"""Whether a snapshot was live at an export's head, as the cited entries tell it.

A function of the entries alone: the same at export and at verification.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from governance.domain.events import (
    EditReverted,
    Event,
    ModelRegistered,
    SnapshotActivated,
    SnapshotRestored,
    parse_event,
)
from governance.ledger.entry import Entry


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a snapshot was live when an export of it was written.

    Args:
        base: Whether it is the base model, unedited.
        since: The entry that last made it live; ``None`` where none is cited.
        until: The entry that made another snapshot of the model live after that.
        taken_back: Whether that took an edit, or everything since, back.
    """

    base: bool
    since: Entry | None
    until: Entry | None
    taken_back: bool

    @property
    def live(self) -> bool:
        """Whether it was live at the head of the export's ledger."""
        return self.since is not None and self.until is None

    @property
    def words(self) -> str:
        """Say it in one sentence or two."""
        what = "The base model, unedited," if self.base else "This snapshot"
        if self.since is None:
            return f"{what} has never been live."
        if self.until is None:
            return (
                f"{what} was live when this was written, since {self.since.time} "
                f"(entry {self.since.sequence})."
            )
        how = "taken back" if self.taken_back else "replaced by another set of edits"
        return (
            f"{what} was {how} on {self.until.time} (entry {self.until.sequence}); "
            "it was not live when this was written."
        )


def standing_of(entries: Iterable[Entry], model: str, snapshot: str) -> Standing:
    """Find out whether a snapshot was live after the last of the cited entries.

    Args:
        entries: The cited entries, in their order.
        model: Name of the model.
        snapshot: Digest of the snapshot.

    Raises:
        IntegrityError: An entry is no event.
    """
    base = taken_back = False
    since: Entry | None = None
    until: Entry | None = None
    for entry in entries:
        event = parse_event(entry.event, entry.data)
        found = _made_live(event, model)
        if found is None:
            continue
        if found == snapshot:
            base = base or isinstance(event, ModelRegistered)
            since, until = entry, None
        elif since is not None and until is None:
            until = entry
            taken_back = not isinstance(event, SnapshotActivated)
    return Standing(base, since, until, taken_back)


def _made_live(event: Event, model: str) -> str | None:
    """Return the snapshot that an event made live, if it made one of a model live."""
    match event:
        case ModelRegistered(base=snapshot):
            found = snapshot
        case SnapshotActivated() | EditReverted() | SnapshotRestored():
            found = event.snapshot
        case _:
            return None
    return found if event.model == model else None
