"""Who signed what: every statement and every proposal of an export."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.domain.signoff import PROPOSAL_NAMESPACE, ROLLBACK_NAMESPACE, Decision
from governance.errors import GovernanceError, IntegrityError, UsageError
from governance.identity.allowed_signers import (
    AllowedSigner,
    parse_allowed_signers,
    verify_principal,
)
from governance.identity.public import PublicKey, parse_public_key
from governance.identity.sshsig import verify
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.reading import parse_json, read_limited
from governance.snapshots.record import EDITS, EVIDENCE, SIGNOFFS, namespace_of
from governance.snapshots.verify_record import ProposedEdit
from governance.text import safe

_LIMIT = 1024 * 1024
_TEXTS = ("origin", "policy", "principal", "time")


@dataclass(frozen=True, slots=True)
class Vouched:
    """A statement whose signature verifies.

    Args:
        path: Where it lies.
        key: Who signed.
        principal: Whose key that is.
        said: The statement.
        message: Its bytes.
        signature: The signature over them.
    """

    path: str
    key: PublicKey
    principal: str
    said: Mapping[str, JSON]
    message: bytes
    signature: str

    @property
    def approves(self) -> bool:
        """Whether it approves a candidate."""
        return self.said.get("decision") == Decision.APPROVE

    @property
    def returns(self) -> bool:
        """Whether it takes an edit back or returns to an earlier snapshot."""
        return namespace_of(self.said) == ROLLBACK_NAMESPACE

    @property
    def subject(self) -> JSON:
        """The snapshot it is about."""
        return self.said.get("candidate", self.said.get("snapshot"))


def read_signers(data: bytes, shown: str) -> tuple[AllowedSigner, ...]:
    """Read an ``allowed_signers`` file.

    Raises:
        IntegrityError: If it is malformed.
    """
    try:
        return parse_allowed_signers(data.decode())
    except (UsageError, ValueError) as error:
        raise IntegrityError(f"{shown} is malformed: {error}") from error


def verify_statements(
    folder: Path,
    intact: frozenset[str],
    manifest: Manifest,
    signers: Sequence[AllowedSigner],
) -> tuple[tuple[Vouched, ...], tuple[ExportFinding, ...]]:
    """Check every signed statement.

    Args:
        folder: The export.
        intact: Files whose bytes are as the manifest says.
        manifest: What the export says of itself.
        signers: Whose keys count.

    Returns:
        The statements that hold, and what is wrong with the others.
    """
    vouched: list[Vouched] = []
    findings: list[ExportFinding] = []
    # Whatever a manifest may list as one: what is not looked at here, nobody signed.
    for path in sorted(p for p in manifest.files if _is_statement(p)):
        if not {path, f"{path}.sshsig"} <= intact:
            if f"{path}.sshsig" not in manifest.files:
                findings.append(finding(path, "signature", "nobody signed it"))
            continue
        try:
            one = _statement(folder, path, signers)
            _check_said(one, manifest)
        except IntegrityError as error:
            findings.append(finding(path, "signature", error.message))
        else:
            vouched.append(one)
    return tuple(vouched), tuple(findings)


def _is_statement(path: str) -> bool:
    return path.startswith(f"{SIGNOFFS}/") and path.endswith(".json")


def _statement(folder: Path, path: str, signers: Sequence[AllowedSigner]) -> Vouched:
    message = read_limited(folder / path, path, _LIMIT)
    signature = read_limited(
        folder / f"{path}.sshsig", f"{path}.sshsig", _LIMIT
    ).decode("ascii", "replace")
    said = parse_json(message, path)
    if not isinstance(said, Mapping):
        raise IntegrityError("it is no statement")
    texts = {key: said.get(key) for key in _TEXTS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise IntegrityError(f"it is no statement: expected {', '.join(_TEXTS)}")
    principal, time = str(texts["principal"]), str(texts["time"])
    key = verify_principal(
        signers,
        principal,
        signature,
        message,
        namespace_of(said),
        time,
    )
    return Vouched(path, key, principal, said, message, signature)


def _check_said(one: Vouched, manifest: Manifest) -> None:
    """Refuse a statement that is genuine, but speaks of something else.

    Raises:
        IntegrityError: If so.
    """
    said, named = one.said, one.subject == manifest.snapshot.digest
    if said["origin"] != manifest.origin:
        raise IntegrityError("it is about another ledger")
    head = said.get("head")
    size = head.get("size") if isinstance(head, Mapping) else None
    if type(size) is not int or size > manifest.head.size:
        raise IntegrityError("its signer saw a head the export's ledger does not reach")
    if named and said["policy"] != manifest.policy:
        raise IntegrityError("it was signed under another policy")
    if named and said.get("decision") == Decision.REJECT:
        raise IntegrityError("it rejects this very snapshot")
    evidence = f"{EVIDENCE}/{said.get('evidence')}.json"
    if one.approves and evidence not in manifest.files:
        raise IntegrityError("the evidence it names is not in the export")


def names(vouched: Iterable[Vouched], snapshot: str) -> bool:
    """Say whether somebody approved a snapshot, or signed for returning to it."""
    return any(
        one.subject == snapshot and (one.approves or one.returns) for one in vouched
    )


def verify_proposals(
    edits: Iterable[ProposedEdit], signers: Sequence[AllowedSigner]
) -> Iterator[ExportFinding]:
    """Check the signature of every signed proposal.

    Args:
        edits: The snapshot's edits.
        signers: Known keys; a proposer who is among them must have used theirs.
    """
    for edit in edits:
        if edit.key is None or edit.signature is None:
            continue
        try:
            key = parse_public_key(edit.key)
            verify(edit.signature, edit.digest.encode(), PROPOSAL_NAMESPACE, key)
        except GovernanceError as error:
            yield finding(EDITS, "signature", f"edit {edit.id}: {error.message}")
            continue
        known = [one.key for one in signers if one.principal == edit.proposer]
        if known and key not in known:
            message = f"edit {edit.id}: {key.fingerprint} is not its proposer's key"
            yield finding(EDITS, "signature", message)


def unknown_proposers(
    edits: Iterable[ProposedEdit], pinned: Sequence[AllowedSigner]
) -> Iterator[str]:
    """Say of which proposers a verifier brought no key.

    Whoever could write the first roster could put a second name of their own on it,
    and approve under the other.

    Args:
        edits: The snapshot's edits.
        pinned: Keys that the verifier brought.
    """
    known = {one.principal for one in pinned}
    for edit in edits:
        if edit.proposer not in known:
            yield (
                f"{edit.id} was proposed by {safe(edit.proposer, 80)}, of whom the "
                "signers you gave hold no key: that this is nobody who approved it "
                "rests on the ledger's own roster"
            )
