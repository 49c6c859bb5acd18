"""The record inside an export: what was changed, by whose leave, as documents."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import yaml

import governance
from governance.canonical import JSON, canonical_bytes, digest_of
from governance.domain.signoff import (
    ROLLBACK_NAMESPACE,
    SIGNOFF_NAMESPACE,
    Signed,
)
from governance.errors import IntegrityError, WrongStateError
from governance.pipeline.folder import FileRecord
from governance.snapshots.forms import Form
from governance.snapshots.inputs import ExportedEdit, ExportInputs, TensorNorm
from governance.snapshots.names import PAGES_FORM, RECORD, LeftOut

MANIFEST_FORMAT = "governance/manifest/v1"
EDITS_FORMAT = "governance/edits/v1"
POLICY = f"{RECORD}/policy.yaml"
EDITS = f"{RECORD}/edits.json"
SIGNERS = f"{RECORD}/allowed_signers"
EVIDENCE = f"{RECORD}/evidence"
SIGNOFFS = f"{RECORD}/signoffs"


@dataclass(frozen=True, slots=True)
class Derivation:
    """How an export's model files were derived from a signed snapshot.

    Args:
        form: Their form.
        facts: Whatever else is known of it, as JSON.
    """

    form: Form
    facts: Mapping[str, JSON]


def readable(value: JSON) -> bytes:
    """Return JSON that people can read, and that is the same for the same value."""
    text = json.dumps(
        value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    return f"{text}\n".encode()


def namespace_of(statement: Mapping[str, JSON]) -> str:
    """Return what a statement is signed for: a sign-off decides, a rollback acts."""
    return SIGNOFF_NAMESPACE if "decision" in statement else ROLLBACK_NAMESPACE


def check_inputs(inputs: ExportInputs) -> None:
    """Refuse inputs that do not belong together.

    Args:
        inputs: What an export would be made from.

    Raises:
        WrongStateError: If the snapshot has another base than the folder.
        IntegrityError: If a digest is not that of what it names.
    """
    snapshot, base = inputs.snapshot, inputs.folder.digest
    if snapshot.base != base:
        raise WrongStateError(
            f"snapshot {snapshot.digest} has another base: expected {base}, "
            f"found {snapshot.base}",
            "Export it with the model it was made from.",
        )
    resolved = sorted(edit.resolved.digest for edit in inputs.edits)
    if resolved != sorted(snapshot.edits):
        raise IntegrityError(
            f"snapshot {snapshot.digest}: expected the edits {list(snapshot.edits)}, "
            f"found {resolved}"
        )
    for edit in inputs.edits:
        if edit.digest != edit.resolved.request:
            raise IntegrityError(
                f"edit {edit.id}: its request has digest {edit.digest}, but "
                f"{edit.resolved.request} was resolved"
            )
    if digest_of(inputs.policy.document) != inputs.policy.digest:
        raise IntegrityError(f"policy {inputs.policy.digest}: its document is another")


def record_files(
    inputs: ExportInputs, norms: Sequence[TensorNorm]
) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of every document but manifest, card and evidence.

    Args:
        inputs: What the export is made from.
        norms: How far each tensor moved from the base.
    """
    yield EDITS, readable(_edits(inputs, norms))
    yield POLICY, policy_text(inputs.policy.document)
    yield SIGNERS, inputs.allowed_signers.encode()
    for number, signed in enumerate(inputs.signoffs, start=1):
        yield f"{SIGNOFFS}/{number}.json", canonical_bytes(signed.document)
        yield f"{SIGNOFFS}/{number}.json.sshsig", signed.signature.encode()


def manifest(
    inputs: ExportInputs,
    files: Iterable[FileRecord],
    left_out: Iterable[LeftOut],
    links: Mapping[str, str],
    derivation: Derivation | None = None,
) -> bytes:
    """Return ``manifest.json``.

    Args:
        inputs: What the export is made from.
        files: Every file of the export but the manifest.
        left_out: What stayed behind in the base folder.
        links: Base files that were links, and where to.
        derivation: How the model's files were derived; ``None`` where they are the
            very bytes that were signed.
    """
    ordered = sorted(files, key=lambda record: record.path)
    behind = sorted(left_out, key=lambda item: item.path)
    document: dict[str, JSON] = {
        "format": MANIFEST_FORMAT,
        "kind": "diffusers" if derivation is None else derivation.form.kind,
        "created": inputs.created,
        "pages": PAGES_FORM,
        "program": {"name": "governance", "version": governance.__version__},
        "snapshot": {
            **inputs.snapshot.document(),
            "digest": inputs.snapshot.digest,
        },
        "base": {
            "model": inputs.model,
            "source": inputs.source,
            "family": inputs.folder.family,
            "digest": inputs.folder.digest,
            "files": [asdict(record) for record in inputs.folder.files],
        },
        "ledger": {"origin": inputs.origin, "head": inputs.head.document()},
        "policy": {
            "name": inputs.policy.name,
            "version": inputs.policy.version,
            "digest": inputs.policy.digest,
        },
        "signoffs": [
            _signed(number, signed)
            for number, signed in enumerate(inputs.signoffs, start=1)
        ],
        "files": [asdict(record) for record in ordered],
        "left_out": [asdict(item) for item in behind],
        "links": [{"path": path, "target": target} for path, target in links.items()],
    }
    if derivation is not None:
        document["derived"] = {
            **derivation.facts,
            **derivation.form.document(),
            "from": inputs.snapshot.digest,
        }
    # Not a proof, anybody can compute it: it tells a damaged manifest from a whole one.
    return readable({**document, "digest": digest_of(document)})


def _signed(number: int, signed: Signed) -> dict[str, JSON]:
    return {
        "file": f"{SIGNOFFS}/{number}.json",
        "principal": signed.principal,
        "key": signed.key,
        "namespace": namespace_of(signed.document),
        "sequence": signed.sequence,
        "time": signed.time,
    }


def _edits(inputs: ExportInputs, norms: Sequence[TensorNorm]) -> dict[str, JSON]:
    return {
        "format": EDITS_FORMAT,
        "snapshot": inputs.snapshot.digest,
        "edits": [_edit(edit) for edit in inputs.edits],
        "results": [asdict(result) for result in inputs.results],
        "sites": [asdict(norm) for norm in norms],
    }


def _edit(edit: ExportedEdit) -> dict[str, JSON]:
    return {
        "id": edit.id,
        "digest": edit.digest,
        "request": edit.request,
        "resolved": edit.resolved.document(),
        "resolved_digest": edit.resolved.digest,
        "parameters": edit.parameters,
        "certificate": list(edit.certificate),
        "proposal": {
            "principal": edit.proposer,
            "key": edit.key,
            "signature": edit.signature,
            "time": edit.time,
        },
    }


def policy_text(document: Mapping[str, JSON]) -> bytes:
    """Return ``policy.yaml``: the policy, and no word beside it.

    Args:
        document: The policy's canonical document.
    """
    # Through JSON, so that no mapping or tuple class of ours becomes a YAML tag.
    plain = json.loads(canonical_bytes(document))
    return yaml.safe_dump(plain, allow_unicode=True, sort_keys=True).encode()
