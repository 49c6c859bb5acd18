"""People with keys, and what they sign."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.canonical import JSON, canonical_bytes, digest_of
from governance.domain.signoff import (
    PROPOSAL_NAMESPACE,
    ROLLBACK_NAMESPACE,
    SIGNOFF_NAMESPACE,
    Decision,
    Head,
    RollbackStatement,
    Signed,
    Statement,
)
from governance.domain.snapshot import ResolvedEdit
from governance.identity.allowed_signers import AllowedSigner, format_allowed_signers
from governance.identity.public import PublicKey, parse_public_key
from governance.identity.sshsig import sign_with_key
from governance.policy.files import find_policy, load_policy
from governance.snapshots.inputs import ExportedEdit, ExportedPolicy, ExportInputs
from tests.snapshots.logs import begun

TIME = "2026-03-01T12:00:00Z"
ORIGIN = "governance/test"


@dataclass(frozen=True)
class Person:
    """Somebody with a key made on the spot."""

    name: str
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> PublicKey:
        line = self.private.public_key().public_bytes(
            Encoding.OpenSSH, PublicFormat.OpenSSH
        )
        return parse_public_key(line.decode())

    def sign(self, message: bytes, namespace: str) -> str:
        return sign_with_key(self.private, message, namespace)


ADA = Person("ada@example.org")
BOB = Person("bob@example.org")
EVE = Person("eve@example.org")


def signers(*people: Person) -> str:
    return format_allowed_signers(AllowedSigner(p.name, p.key) for p in people)


def request(title: str = "Stop imitating Kora") -> dict[str, JSON]:
    return {
        "apiVersion": "governance/v1",
        "kind": "ConceptEdit",
        "metadata": {
            "title": title,
            "model": "miniature",
            "rationale": "Takedown request by the artist",
        },
        "spec": {
            "action": "erase",
            "method": "uce",
            "concepts": [{"source": "kora", "destination": "art"}],
            "preserve": ["lume", "mondo"],
            "parameters": {"lambda": 0.5},
        },
    }


def edit(
    document: Mapping[str, JSON], proposer: Person = ADA, name: str = "E-0001"
) -> ExportedEdit:
    digest = digest_of(document)
    return ExportedEdit(
        id=name,
        request=document,
        resolved=ResolvedEdit(digest, {"lambda": 0.5}),
        proposer=proposer.name,
        key=proposer.key.text,
        signature=proposer.sign(digest.encode(), PROPOSAL_NAMESPACE),
        time=TIME,
        parameters={
            "lambda": 0.5,
            "edit_scale": 1.0,
            "preserve_scale": 1.0,
            "tokens": "last",
            "preserve_tokens": "last",
            "projections": ["k", "v"],
            "templates": False,
        },
        certificate=(
            {
                "edit": name,
                "source": "kora",
                "residual": 0.01,
                "drift": 0.02,
                "condition": 12.5,
                "note": "",
            },
        ),
    )


def policy(approvals: int = 1) -> ExportedPolicy:
    """The shipped policy in its third version, asking for so many approvals."""
    shipped = load_policy(find_policy("default")).document
    metadata, spec = shipped["metadata"], shipped["spec"]
    assert isinstance(metadata, Mapping)
    assert isinstance(spec, Mapping)
    note = "12:30:00 is no time, no is no boolean: ünicode"
    document: dict[str, JSON] = {
        **shipped,
        "metadata": {**metadata, "version": 3, "description": note},
        "spec": {**spec, "required_approvals": approvals},
    }
    return ExportedPolicy("default", 3, digest_of(document), document)


def approval(inputs: ExportInputs, person: Person, **changes: object) -> Signed:
    """What somebody signs to approve the inputs' snapshot."""
    statement = Statement(
        origin=inputs.origin,
        head=begun(inputs).head(),
        edits=[one.digest for one in inputs.edits],
        candidate=inputs.snapshot.digest,
        evidence=inputs.evidence[0].digest,
        policy=inputs.policy.digest,
        decision=Decision.APPROVE,
        role="reviewer",
        comment="The numbers hold.",
        principal=person.name,
        time=TIME,
    )
    return signed(person, replace(statement, **changes), SIGNOFF_NAMESPACE)  # type: ignore[arg-type]


def rollback(
    inputs: ExportInputs,
    person: Person,
    head: Head | None = None,
    left: ExportedEdit | None = None,
    **changes: object,
) -> Signed:
    """What somebody signs to take an edit out, down to the inputs' snapshot."""
    statement = RollbackStatement(
        origin=inputs.origin,
        head=head or begun(inputs).head(),
        action="revert",
        edits=[] if left is None else [left.digest],
        snapshot=inputs.snapshot.digest,
        policy=inputs.policy.digest,
        reason="It was enough.",
        principal=person.name,
        time=TIME,
    )
    statement = replace(statement, **changes)  # type: ignore[arg-type]
    return signed(person, statement, ROLLBACK_NAMESPACE)


def signed(
    person: Person, statement: Statement | RollbackStatement, namespace: str
) -> Signed:
    document = statement.document()
    return Signed(
        principal=person.name,
        key=person.key.text,
        document=document,
        signature=person.sign(canonical_bytes(document), namespace),
        sequence=8,
        time=TIME,
    )
