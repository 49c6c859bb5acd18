"""Does an export say what its ledger says: base, edits, sign-offs, roster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from governance.canonical import JSON, canonical_bytes
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.events import (
    EditProposed,
    EditReverted,
    Event,
    ModelRegistered,
    SignOffGiven,
    SnapshotActivated,
    SnapshotRestored,
    WorkspaceCreated,
    parse_event,
)
from governance.domain.fold import fold
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import Signed
from governance.domain.snapshot import Snapshot
from governance.domain.state import WorkspaceState
from governance.errors import IntegrityError
from governance.identity.roster_copy import allowed_signers_text
from governance.ledger.entry import Entry
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import MANIFEST
from governance.snapshots.proofs import PROOFS
from governance.snapshots.reading import SIGNERS_LIMIT, read_limited
from governance.snapshots.record import EDITS, POLICY, SIGNERS, SIGNOFFS, namespace_of
from governance.snapshots.request_words import inner
from governance.snapshots.verify_proofs import ProvenLog
from governance.snapshots.verify_record import ProposedEdit
from governance.snapshots.verify_signatures import Vouched
from governance.text import safe

_RULING = (WorkspaceCreated, ChangeProposed, ChangeSigned, ChangeActivated)
WentLive = ModelRegistered | SnapshotActivated | EditReverted | SnapshotRestored


@dataclass(frozen=True, slots=True)
class Told:
    """The cited entries, read as events.

    Args:
        events: Each entry with its event, in their order.
        states: Policy and roster after each entry that decides on them.
    """

    events: tuple[tuple[Entry, Event], ...]
    states: tuple[WorkspaceState, ...]

    def before(self, sequence: int) -> WorkspaceState:
        """Return policy and roster as they were when an entry was appended."""
        earlier = [state for state in self.states if state.size < sequence]
        return earlier[-1] if earlier else WorkspaceState()

    @property
    def proposals(self) -> Mapping[str, tuple[Entry, EditProposed]]:
        """Every cited proposal, by edit id."""
        return {
            event.edit: (entry, event)
            for entry, event in self.events
            if isinstance(event, EditProposed)
        }


def tell(log: ProvenLog) -> Told:
    """Read a log's entries as events, and fold those on policy and roster.

    Args:
        log: The proven entries.

    Raises:
        IntegrityError: If one is no event, or cannot follow on the others.
    """
    events = tuple(
        (entry, parse_event(entry.event, entry.data)) for entry in log.entries
    )
    state, states = WorkspaceState(), []
    for entry, event in events:
        if isinstance(event, _RULING):
            state = fold((entry,), state)
            states.append(state)
    return Told(events, tuple(states))


def signed_in(entry: Entry) -> Signed | None:
    """Return the signed statement an entry holds, if it holds one."""
    match entry.data:
        case {"statement": dict(said), "signature": str(signature), "key": str(key)}:
            return Signed(
                principal=entry.actor,
                key=key,
                document=said,
                signature=signature,
                sequence=entry.sequence,
                time=entry.time,
            )
        case _:
            return None


def verify_agreement(
    folder: Path,
    manifest: Manifest,
    told: Told,
    edits: Sequence[ProposedEdit],
    vouched: Sequence[Vouched],
) -> Iterator[ExportFinding]:
    """Compare what an export says with what its ledger says.

    Args:
        folder: The export.
        manifest: What it says of itself.
        told: What the ledger says.
        edits: The snapshot's edits, as the export has them.
        vouched: Statements whose signatures verify.
    """
    yield from _verify_base(manifest, told)
    yield from _verify_live(manifest, told, edits)
    for edit in edits:
        yield from _verify_proposal(edit, told, manifest.model)
    yield from _verify_signoffs(manifest, told, vouched)
    yield from _verify_roster(folder, manifest, told)


def _verify_base(manifest: Manifest, told: Told) -> Iterator[ExportFinding]:
    begins = Snapshot(manifest.snapshot.base, (), {}).digest
    files = {path: asdict(record) for path, record in manifest.base_files.items()}
    for _, event in told.events:
        if isinstance(event, ModelRegistered):
            found = {str(f["path"]): f for f in event.files}
            said = (event.model, event.digest, event.family, event.source)
            if (*said, event.base, found) == (
                manifest.model,
                manifest.snapshot.base,
                manifest.family,
                manifest.source,
                begins,
                files,
            ):
                return
    yield finding(MANIFEST, "proof", "no entry of the ledger registers its base model")


def went_live(manifest: Manifest, told: Told) -> tuple[Entry, WentLive] | None:
    """Return the last cited entry that made the snapshot live, if one is cited."""
    found = None
    for entry, event in told.events:
        match event:
            case ModelRegistered(base=snapshot):
                same = snapshot == manifest.digest
            case SnapshotActivated() | EditReverted() | SnapshotRestored():
                same = event.snapshot == manifest.digest
            case _:
                continue
        if same and event.model == manifest.model:
            found = (entry, event)
    return found


def _verify_live(
    manifest: Manifest, told: Told, edits: Sequence[ProposedEdit]
) -> Iterator[ExportFinding]:
    found = went_live(manifest, told)
    if found is None:
        yield finding(PROOFS, "proof", "no cited entry made this snapshot live")
        return
    entry, event = found
    live = () if isinstance(event, ModelRegistered) else event.live
    if sorted(live) != sorted(edit.id for edit in edits):
        message = f"entry {entry.sequence} made other edits live"
        yield finding(EDITS, "proof", message)
    if isinstance(event, ModelRegistered):
        # Nobody signed for the base: an export of it names the policy of its day.
        rule, when = told.states[-1].policy, "at the head of the ledger"
    else:
        rule = told.before(entry.sequence).policy
        when = f"when entry {entry.sequence} made this live"
    if rule.get("digest") != manifest.policy:
        yield finding(POLICY, "proof", f"it was not in force {when}")


def _verify_proposal(
    edit: ProposedEdit, told: Told, model: str
) -> Iterator[ExportFinding]:
    found = told.proposals.get(edit.id)
    if found is None:
        yield finding(EDITS, "proof", f"edit {edit.id}: its proposal is not cited")
        return
    entry, event = found
    said = (entry.actor, entry.time, event.digest, event.key, event.signature)
    if said != (edit.proposer, edit.time, edit.digest, edit.key, edit.signature):
        message = f"edit {edit.id}: entry {entry.sequence} proposes something else"
        yield finding(EDITS, "proof", message)
    asked = inner(event.request, "metadata").get("model")
    if (event.model, asked) != (model, model):
        message = f"edit {edit.id}: it was proposed for another model"
        yield finding(EDITS, "proof", message)


def _verify_signoffs(
    manifest: Manifest, told: Told, vouched: Sequence[Vouched]
) -> Iterator[ExportFinding]:
    held = {}
    for entry, event in told.events:
        signed = signed_in(entry)
        if signed is not None and isinstance(
            event, SignOffGiven | RollbackSigned | EditReverted | SnapshotRestored
        ):
            held[canonical_bytes(signed.document), signed.signature] = signed
    yield from _verify_listed(manifest)
    seen = set()
    for one in vouched:
        given = held.get((one.message, one.signature))
        if given is None:
            yield finding(one.path, "proof", "no cited entry of the ledger holds it")
        elif manifest.signoffs.get(one.path) != _listed(one.path, given):
            message = f"the manifest says otherwise than entry {given.sequence}"
            yield finding(one.path, "proof", message)
        elif given.sequence in seen:
            message = f"entry {given.sequence} was signed once, and stands here twice"
            yield finding(one.path, "proof", message)
        else:
            seen.add(given.sequence)


def _verify_listed(manifest: Manifest) -> Iterator[ExportFinding]:
    """See that statements lie where the manifest lists them, and nothing beside."""
    found = {path for path in manifest.files if path.startswith(f"{SIGNOFFS}/")}
    there = {path for path in found if path.endswith(".json")}
    for path in sorted(there ^ manifest.signoffs.keys()):
        message = f"signoffs: {safe(path, 200)} is listed, or lies there, alone"
        yield finding(MANIFEST, "proof", message)
    # Card and report tell whoever checks a signature to look there.
    for number, path in enumerate(manifest.signoffs, 1):
        if path != f"{SIGNOFFS}/{number}.json":
            message = f"signoffs: number {number} has another name: {safe(path, 200)}"
            yield finding(MANIFEST, "proof", message)
    for path in sorted(found - there - {f"{path}.sshsig" for path in there}):
        yield finding(path, "added", "there is no statement that it signs")


def _listed(path: str, signed: Signed) -> Mapping[str, JSON]:
    """Return what a manifest says of a sign-off."""
    return {
        "file": path,
        "principal": signed.principal,
        "key": signed.key,
        "namespace": namespace_of(signed.document),
        "sequence": signed.sequence,
        "time": signed.time,
    }


def _verify_roster(
    folder: Path, manifest: Manifest, told: Told
) -> Iterator[ExportFinding]:
    try:
        found = read_limited(folder / SIGNERS, SIGNERS, SIGNERS_LIMIT)
        wanted = allowed_signers_text(told.states[-1].roster)
    except IntegrityError as error:
        yield finding(SIGNERS, "proof", error.message)
        return
    if SIGNERS in manifest.files and found != wanted.encode():
        yield finding(SIGNERS, "proof", "it is not the roster the ledger holds")
