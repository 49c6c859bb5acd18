"""The model card: what an export is, in words a lawyer reads to the end."""

import re
from collections.abc import Iterator, Sequence

import yaml

from governance.canonical import JSON
from governance.pipeline.folder import FileRecord
from governance.snapshots.card_edits import edit_section
from governance.snapshots.card_evidence import evidence_sections
from governance.snapshots.card_form import form_section
from governance.snapshots.card_record import decisions, ledger, policy
from governance.snapshots.glossary import shown
from governance.snapshots.inputs import ExportInputs, Measured, TensorNorm
from governance.snapshots.limits import DEMO, DEMO_ORIGIN, LIMITS
from governance.snapshots.markup import code, number, table, words
from governance.snapshots.names import MANIFEST, RECORD, LeftOut
from governance.snapshots.record import Derivation
from governance.snapshots.report_evidence import EvidenceFacts
from governance.snapshots.request_words import BOUNDS, inner

_MOST = 40
_REPOSITORY = re.compile(
    r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII
)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}", re.ASCII)


def model_card(
    inputs: ExportInputs,
    norms: Sequence[TensorNorm],
    left_out: Sequence[LeftOut],
    derivation: Derivation | None = None,
    files: Sequence[FileRecord] = (),
    evidence: Sequence[EvidenceFacts] = (),
) -> bytes:
    """Return ``README.md``.

    Args:
        inputs: What the export is made from.
        norms: How far each tensor moved from the base.
        left_out: What stayed behind in the base folder.
        derivation: How the model's files were derived; ``None`` where they are the
            very bytes that were signed.
        files: What the export holds beside this card.
        evidence: What the sign-offs name, read.
    """
    sections = [
        _title(inputs),
        form_section(inputs, derivation),
        _identity(inputs, files),
        _left_out(left_out),
        _base(inputs),
        *_edits(inputs),
        _weights(norms),
        _results(inputs, evidence),
        *decisions(inputs),
        policy(inputs.policy),
        ledger(inputs),
        "## 8. Limits: what this record does not prove\n\n"
        + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    body = "\n\n".join(section for section in sections if section)
    return f"---\n{_front_matter(inputs, derivation)}---\n\n{body}\n".encode()


def _front_matter(inputs: ExportInputs, derivation: Derivation | None) -> str:
    adapter = derivation is not None and derivation.form.kind == "lora"
    fields: dict[str, JSON] = {
        "library_name": "diffusers",
        "pipeline_tag": "text-to-image",
        "tags": [
            *("text-to-image", "concept-editing", "governance"),
            *(["lora"] if adapter else []),
        ],
    }
    repository = (inputs.source or inputs.model).partition("@")[0]
    if _REPOSITORY.fullmatch(repository):
        fields["base_model"] = repository
        # The hub knows finetune, adapter, merge and quantized; changed weights of
        # the same shapes are the first. An unedited copy is none of them.
        if inputs.edits:
            fields["base_model_relation"] = "adapter" if adapter else "finetune"
    if inputs.licence and _LICENCE.fullmatch(inputs.licence):
        fields["license"] = inputs.licence
    return yaml.safe_dump(fields, allow_unicode=False, sort_keys=False)


def _title(inputs: ExportInputs) -> str:
    count = len(inputs.edits)
    name = words(inputs.model, 120)
    what = f"{name} with {count} concept edit{'s' * (count != 1)}"
    lines = [
        f"# {what if count else f'{name}, unedited'}",
        (
            f"Snapshot {code(inputs.snapshot.digest)}, exported {words(inputs.created)} from "
            f"the ledger {code(inputs.origin)}."
        ),
        (
            "What follows states who changed what, why, how well it works, who signed, "
            "and what none of it proves. `governance/report.html` says the same with "
            "pictures."
        ),
    ]
    standing = inputs.standing
    if standing is not None:
        said = words(standing.words)
        lines.insert(1, said if standing.live else f"**{said}**")
    if inputs.origin == DEMO_ORIGIN:
        lines.insert(1, f"**{DEMO}**")
    return "\n\n".join(lines)


def _identity(inputs: ExportInputs, files: Sequence[FileRecord]) -> str:
    ours = [item for item in files if not item.path.startswith(f"{RECORD}/")]
    parts = [
        "## 1. Identity and files",
        (
            f"Snapshot digest {code(inputs.snapshot.digest)}. `{MANIFEST}` names every "
            "file of this folder with its SHA-256."
        ),
    ]
    if ours:
        parts.append(_files(ours))
    return "\n\n".join(parts)


def _files(files: Sequence[FileRecord]) -> str:
    rows = [
        [code(item.path), str(item.size), code(item.sha256)] for item in files[:_MOST]
    ]
    if len(files) > _MOST:
        rows.append([f"and {len(files) - _MOST} more, see `{MANIFEST}`", "", ""])
    return table(["Path", "Bytes", "SHA-256"], rows)


def _base(inputs: ExportInputs) -> str:
    repository, _, revision = (inputs.source or "").partition("@")
    licence = inputs.licence
    rows = [
        ["Registered name", words(inputs.model, 120)],
        ["Repository", words(repository or "none: a local folder")],
        ["Revision", words(revision or "none")],
        ["Architecture", words(inputs.folder.family)],
        ["Model digest", code(inputs.folder.digest)],
        [
            "Licence",
            f"{words(licence)}, as its own card says; nobody checked"
            if licence
            else "not stated in the base folder",
        ],
        [
            "Files",
            f"{len(inputs.folder.files)}, each with its SHA-256 in `{MANIFEST}`",
        ],
    ]
    return f"## 2. Base model\n\n{table(['', ''], rows)}"


def _edits(inputs: ExportInputs) -> Iterator[str]:
    yield "## 3. Edits"
    if not inputs.edits:
        yield "Nothing: these are the base model's own bytes."
    for edit in inputs.edits:
        yield edit_section(edit)


def _weights(norms: Sequence[TensorNorm]) -> str:
    if not norms:
        return ""
    rows = [
        [code(norm.name), number(norm.norm), _digest(norm.before), _digest(norm.after)]
        for norm in norms[:_MOST]
    ]
    if len(norms) > _MOST:
        more = f"and {len(norms) - _MOST} more, see `governance/edits.json`"
        rows.append([more, "", "", ""])
    return (
        "### Weights that changed\n\nAll edits are solved together, from the untouched base. "
        f"{len(norms)} tensors differ from it; every other byte is the base's.\n\n"
        + table(["Tensor", "Frobenius norm of the change", "Before", "After"], rows)
    )


def _digest(found: str) -> str:
    return code(found) if found else ""


def _results(inputs: ExportInputs, evidence: Sequence[EvidenceFacts]) -> str:
    parts = ["## 4. Evaluation"]
    if not inputs.results:
        parts.append("Nothing was measured.")
        return "\n\n".join(parts) if inputs.edits else ""
    rows = [
        [
            words(result.edit),
            words(shown(result.metric)),
            _share(result.before),
            _share(result.after, result.value),
            words(f"{result.limit} {BOUNDS.get(result.bound, result.bound)}".strip()),
            words(result.outcome),
        ]
        for result in inputs.results
    ]
    head = ["Edit", "Metric", "Before", "After", "Policy wants", "Outcome"]
    suite = inner(inputs.policy.document, "spec").get("suite")
    if isinstance(suite, str):
        parts.append(f"Data set: the suite {code(suite)} that the policy names.")
    parts.append(
        "Shares with their intervals, and the number of images behind them (n); before "
        "is the base model, same prompts and seeds. An edit was measured on the "
        "candidate its reviewers signed."
    )
    parts.append(table(head, rows))
    parts += evidence_sections(inputs, evidence)
    return "\n\n".join(part for part in parts if part)


def _share(measured: Measured | None, value: float | None = None) -> str:
    if measured is None:
        return "" if value is None else number(value)
    interval = f"{measured.low:.3f} to {measured.high:.3f}"
    return f"{measured.value:.3f} ({interval}, n = {measured.n})"


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return ""
    ordered = sorted(left_out, key=lambda item: item.path)
    rows = [[words(item.path), words(item.reason)] for item in ordered]
    return "### Left out of the base folder\n\n" + table(["Path", "Why"], rows)
