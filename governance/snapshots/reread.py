"""What an export was made from, read back from the export.

Everything that card and report state stands in the other files of an export, so both
can be written again and compared.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from governance.canonical import JSON
from governance.domain.signoff import Head, Signed
from governance.domain.snapshot import ResolvedEdit
from governance.errors import IntegrityError
from governance.ledger.entry import parse_entry
from governance.ledger.note import parse_note_key
from governance.pipeline.folder import FileRecord, PipelineFolder
from governance.snapshots.bill import BILL, stated
from governance.snapshots.compose import snapshot_of
from governance.snapshots.forms import Form, form_from
from governance.snapshots.inputs import (
    CitedEntry,
    CitedHead,
    ExportedEdit,
    ExportedEvidence,
    ExportedLog,
    ExportedPolicy,
    ExportedResult,
    ExportInputs,
    Measured,
    TensorNorm,
)
from governance.snapshots.measured import images_of
from governance.snapshots.names import MANIFEST, LeftOut
from governance.snapshots.parts import Exporting
from governance.snapshots.proofs import CHECKPOINT, POLICIES, PROOFS
from governance.snapshots.reading import (
    EDITS_MARKS_LIMIT,
    SIGNERS_LIMIT,
    read_document,
    read_limited,
)
from governance.snapshots.record import EDITS, EVIDENCE, SIGNERS, Derivation

# Somebody else has seen by now that these are what they should be.
_Document = Mapping[str, Any]


def reread(folder: Path) -> Exporting:
    """Return what an export's parts were written from.

    Args:
        folder: The export; everything in it was verified, but card and report.

    Raises:
        IntegrityError: A file cannot be read.
        LookupError: A document is not what an export holds.
    """
    manifest: _Document = read_document(folder, MANIFEST)
    edits: _Document = read_document(folder, EDITS, EDITS_MARKS_LIMIT)
    signoffs = tuple(_signed(folder, item) for item in manifest["signoffs"])
    base = manifest["base"]
    described = {k: v for k, v in manifest["snapshot"].items() if k != "digest"}
    inputs = ExportInputs(
        folder=PipelineFolder(folder, base["family"], _files(base["files"]), ()),
        model=base["model"],
        source=base["source"],
        snapshot=snapshot_of(described),
        edits=tuple(_edit(item) for item in edits["edits"]),
        policy=_policy(folder, manifest["policy"]),
        origin=manifest["ledger"]["origin"],
        head=Head(**manifest["ledger"]["head"]),
        created=manifest["created"],
        evidence=tuple(_evidence(folder, signoffs)),
        signoffs=signoffs,
        results=tuple(_result(item) for item in edits["results"]),
        allowed_signers=_text(folder, SIGNERS, SIGNERS_LIMIT),
        log=_log(folder),
        licence=stated(read_document(folder, BILL))[0],
    )
    return Exporting(
        inputs=inputs,
        norms=tuple(TensorNorm(**item) for item in edits["sites"]),
        left_out=tuple(LeftOut(**item) for item in manifest["left_out"]),
        links={item["path"]: item["target"] for item in manifest["links"]},
        derivation=_derivation(manifest),
        files=_files(manifest["files"]),
        version=manifest["program"]["version"],
    )


def _files(listed: list[_Document]) -> tuple[FileRecord, ...]:
    return tuple(FileRecord(**item) for item in listed)


def _text(folder: Path, path: str, limit: int) -> str:
    return read_limited(folder / path, path, limit).decode()


def _signed(folder: Path, item: _Document) -> Signed:
    path = item["file"]
    return Signed(
        principal=item["principal"],
        key=item["key"],
        document=read_document(folder, path),
        signature=_text(folder, f"{path}.sshsig", SIGNERS_LIMIT),
        sequence=item["sequence"],
        time=item["time"],
    )


def _edit(item: _Document) -> ExportedEdit:
    proposal, resolved = item["proposal"], item["resolved"]
    return ExportedEdit(
        id=item["id"],
        request=item["request"],
        resolved=ResolvedEdit(resolved["request"], resolved["found"]),
        proposer=proposal["principal"],
        key=proposal["key"],
        signature=proposal["signature"],
        time=proposal["time"],
        parameters=item["parameters"],
        certificate=tuple(item["certificate"]),
    )


def _result(item: _Document) -> ExportedResult:
    shares = {
        key: None if item[key] is None else Measured(**item[key])
        for key in ("before", "after")
    }
    return ExportedResult(**{**item, **shares})


def _policy(folder: Path, item: _Document) -> ExportedPolicy:
    document = read_document(folder, f"{POLICIES}/{item['digest']}.json")
    return ExportedPolicy(item["name"], item["version"], item["digest"], document)


def _evidence(folder: Path, signoffs: tuple[Signed, ...]) -> Iterator[ExportedEvidence]:
    named = dict.fromkeys(str(one.document.get("evidence", "")) for one in signoffs)
    for digest in filter(None, named):
        document = read_document(folder, f"{EVIDENCE}/{digest}.json")
        yield ExportedEvidence(digest, images_of(document))


def _log(folder: Path) -> ExportedLog:
    proofs: _Document = read_document(folder, PROOFS)
    entries = tuple(
        CitedEntry(parse_entry(item["payload"].encode()), tuple(item["proof"]))
        for item in proofs["entries"]
    )
    return ExportedLog(
        checkpoint=_text(folder, CHECKPOINT, SIGNERS_LIMIT),
        key=parse_note_key(str(entries[0].entry.data["ledger_key"])).text,
        entries=entries,
        heads=tuple(
            CitedHead(Head(item["size"], item["root"]), tuple(item["proof"]))
            for item in proofs["heads"]
        ),
    )


def _derivation(manifest: _Document) -> Derivation | None:
    found: Mapping[str, JSON] | None = manifest.get("derived")
    if found is None:
        return None
    names = Form().document()
    form = form_from({key: found[key] for key in names})
    if form is None:
        raise IntegrityError("derived names no form an export can have")
    facts = {k: v for k, v in found.items() if k not in names and k != "from"}
    return Derivation(form, facts)
