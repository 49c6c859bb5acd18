"""A ledger made of the very entries an export needs, without a database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.canonical import JSON, canonical_bytes
from governance.domain.events import (
    EditProposed,
    EditReverted,
    EditsApplied,
    EditsChecked,
    Event,
    ModelRegistered,
    SignOffGiven,
    SnapshotActivated,
    WorkspaceCreated,
)
from governance.domain.roster import Reviewer, Roster
from governance.domain.signing_key import SigningKeyRecorded
from governance.domain.signoff import Head, Signed
from governance.domain.snapshot import Snapshot
from governance.identity.allowed_signers import parse_allowed_signers
from governance.identity.model_key import ModelKey
from governance.identity.roster_copy import allowed_signers_text
from governance.ledger.checkpoint import checkpoint_text
from governance.ledger.entry import Entry
from governance.ledger.merkle import leaf_hash, root_of
from governance.ledger.note import NoteKey, sign_note
from governance.ledger.proofs import (
    make_consistency_proof,
    make_inclusion_proof,
    subtrees_of,
)
from governance.policy.files import find_policy, load_policy
from governance.snapshots.inputs import (
    CitedEntry,
    CitedHead,
    ExportedLog,
    ExportedPolicy,
    ExportInputs,
)

LEDGER = Ed25519PrivateKey.generate()
_Row = tuple[str, float, float | None, float | None, int | None, str, str]
MEASURED: tuple[_Row, ...] = (
    ("efficacy", 0.91, 0.80, 0.97, 64, ">= 0.7", "ci_lower"),
    ("generality", 0.85, 0.75, 0.92, 64, ">= 0.5", "ci_lower"),
    ("specificity", 0.93, 0.86, 0.97, 96, ">= 0.7", "ci_lower"),
    ("interference", 0.01, None, None, None, "<= 0.5", "point"),
    ("condition", 12.5, None, None, None, "<= 1e+12", "point"),
)
"""Metric, value, interval, trials, limit, bound: what every edit's check found."""
SIGNER = ModelKey.generate()
SUITE = load_policy(find_policy("default")).suite


SOLVED: dict[str, list[dict[str, JSON]]] = {}
"""Snapshot digest to the norm of every tensor it moves, as its solve recorded it."""


@dataclass
class Chronicle:
    """A log in memory, and whose it is."""

    origin: str
    key: Ed25519PrivateKey = LEDGER
    policies: list[ExportedPolicy] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def add(self, event: Event, actor: str, time: str) -> Entry:
        entry = Entry(len(self.entries) + 1, time, event.name, actor, event.data())
        self.entries.append(entry)
        return entry

    def head(self, size: int | None = None) -> Head:
        leaves = [leaf_hash(entry.payload) for entry in self.entries[:size]]
        return Head(len(leaves), root_of(leaves).hex())

    def proven(self, cited: Sequence[int] = (), *, long: bool = False) -> ExportedLog:
        """Cite entries (all where none are named), as an honest export does."""
        leaves = [leaf_hash(entry.payload) for entry in self.entries]
        subtree, size = subtrees_of(leaves), len(leaves)
        note = sign_note(
            checkpoint_text(self.origin, self.head()), self.origin, self.key
        )
        chosen = [e for e in self.entries if not cited or e.sequence in cited]
        return ExportedLog(
            checkpoint=note,
            key=NoteKey(self.origin, self.key.public_key()).text,
            entries=tuple(
                CitedEntry(
                    entry,
                    _hex(make_inclusion_proof(subtree, entry.sequence - 1, size)),
                )
                for entry in chosen
            ),
            heads=tuple(
                CitedHead(self.head(n), _hex(make_consistency_proof(subtree, n, size)))
                for n in sorted({_seen(entry) for entry in chosen})
                if 0 < n <= size
            ),
            leaves=() if long else tuple(leaf.hex() for leaf in leaves),
            policies=tuple(canonical_bytes(item.document) for item in self.policies),
            suites=(SUITE.canonical,),
        )


def _hex(nodes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(node.hex() for node in nodes)


def _seen(entry: Entry) -> int:
    match entry.data:
        case {"statement": {"head": {"size": int(size)}}}:
            return size
        case _:
            return 0


def roster_of(allowed_signers: str) -> Roster:
    return Roster(
        tuple(
            Reviewer(one.principal, one.key.text, ("reviewer",), 1)
            for one in parse_allowed_signers(allowed_signers)
        )
    )


def begun(inputs: ExportInputs, key: Ed25519PrivateKey = LEDGER) -> Chronicle:
    """Everything before the first sign-off: genesis, model, proposals, check."""
    policy, time = inputs.policy, inputs.created
    log = Chronicle(inputs.origin, key, [policy])
    reviewers: list[dict[str, JSON]] = [
        {"principal": who.principal, "key": who.key, "roles": list(who.roles)}
        for who in roster_of(inputs.allowed_signers).reviewers
    ]
    log.add(
        WorkspaceCreated(
            inputs.origin,
            {"name": policy.name, "version": policy.version, "digest": policy.digest},
            {SUITE.name: SUITE.digest},
            reviewers,
            NoteKey(inputs.origin, key.public_key()).text,
        ),
        "governance",
        time,
    )
    folder, base = inputs.folder, Snapshot(inputs.folder.digest, (), {}).digest
    log.add(
        ModelRegistered(
            inputs.model,
            str(folder.root.name),
            folder.digest,
            folder.family,
            [asdict(record) for record in folder.files],
            inputs.source,
            base,
        ),
        "governance",
        time,
    )
    if inputs.edits:
        propose(log, inputs)
    return log


def propose(log: Chronicle, inputs: ExportInputs) -> None:
    """Propose, apply and check the inputs' edits as one candidate."""
    ids = [edit.id for edit in inputs.edits]
    for edit in inputs.edits:
        event = EditProposed(
            edit.id,
            inputs.model,
            edit.digest,
            edit.request,
            [],
            edit.key,
            edit.signature,
        )
        log.add(event, edit.proposer, edit.time)
    log.add(
        EditsApplied(
            edits=ids,
            model=inputs.model,
            candidate=inputs.snapshot.digest,
            parent=Snapshot(inputs.folder.digest, (), {}).digest,
            resolved={edit.id: edit.resolved.document() for edit in inputs.edits},
            certificate=[row for edit in inputs.edits for row in edit.certificate],
            sites=SOLVED.get(inputs.snapshot.digest, []),
            conflicts=[],
            seconds={},
        ),
        "governance",
        inputs.created,
    )
    log.add(
        EditsChecked(
            edits=ids,
            candidate=inputs.snapshot.digest,
            evidence=inputs.evidence[0].digest,
            suite=SUITE.digest,
            policy=inputs.policy.digest,
            outcome="PASS",
            rules=judged(inputs),
        ),
        "governance",
        inputs.created,
    )


def judged(inputs: ExportInputs) -> list[dict[str, JSON]]:
    """What the default policy makes of the evidence of the inputs' edits."""
    prefix = "" if len(inputs.edits) == 1 else "{} "
    return [
        {
            "edit": edit.id,
            "rule": prefix.format(edit.id) + metric,
            "outcome": "PASS",
            "value": value,
            "limit": limit,
            "bound": bound,
            "n": n,
            "low": low,
            "high": high,
            "message": "as it should be",
        }
        for edit in inputs.edits
        for metric, value, low, high, n, limit, bound in MEASURED
    ]


def sign(
    log: Chronicle, inputs: ExportInputs, candidate: str | None = None
) -> tuple[Signed, ...]:
    """Record the inputs' sign-offs, and that the snapshot went live by them."""
    if not inputs.edits:
        return ()
    ids = [edit.id for edit in inputs.edits]
    given = []
    for signed in inputs.signoffs:
        said = signed.document
        event = SignOffGiven(
            ids,
            candidate or str(said.get("candidate")),
            str(said.get("decision")),
            signed.key,
            said,
            signed.signature,
        )
        entry = log.add(event, signed.principal, signed.time)
        given.append(replace(signed, sequence=entry.sequence))
    activated = SnapshotActivated(inputs.model, inputs.snapshot.digest, "0" * 64, ids)
    log.add(activated, "governance", inputs.created)
    return tuple(given)


def revert(log: Chronicle, now: ExportInputs, left: str, signed: Signed) -> Signed:
    """Record that an edit was taken out, with the statement signed for it."""
    entry = log.add(
        EditReverted(
            edit=left,
            model=now.model,
            snapshot=now.snapshot.digest,
            previous="0" * 64,
            live=[edit.id for edit in now.edits],
            reason=str(signed.document["reason"]),
            certificate=[],
            key=signed.key,
            statement=signed.document,
            signature=signed.signature,
        ),
        signed.principal,
        signed.time,
    )
    return replace(signed, sequence=entry.sequence)


def record_key(log: Chronicle, signer: ModelKey = SIGNER) -> None:
    """Record the model signing key, once."""
    key = signer.public.pem.decode()
    if all(entry.data.get("key") != key for entry in log.entries):
        log.add(SigningKeyRecorded(key), "governance", log.entries[-1].time)


def cited(
    inputs: ExportInputs, log: Chronicle, signoffs: tuple[Signed, ...]
) -> ExportInputs:
    """The inputs with their log, and what follows from it."""
    record_key(log)
    return replace(
        inputs,
        signer=SIGNER,
        head=log.head(),
        signoffs=signoffs,
        allowed_signers=allowed_signers_text(roster_of(inputs.allowed_signers)),
        log=log.proven(),
    )


def logged(inputs: ExportInputs, key: Ed25519PrivateKey = LEDGER) -> ExportInputs:
    """The inputs with a ledger in which everything they say happened."""
    log = begun(inputs, key)
    return cited(inputs, log, sign(log, inputs))
