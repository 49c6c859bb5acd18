"""The model card: what an export is, in words a lawyer reads to the end."""

import re
import shlex
from collections.abc import Iterator, Sequence

import yaml

from governance.canonical import JSON
from governance.domain.signoff import Signed
from governance.snapshots.card_edits import edit_section
from governance.snapshots.card_form import form_section
from governance.snapshots.inputs import ExportInputs, Measured, TensorNorm
from governance.snapshots.limits import DEMO, DEMO_ORIGIN, LIMITS
from governance.snapshots.markup import code, number, table, words
from governance.snapshots.names import LeftOut
from governance.snapshots.record import SIGNERS, SIGNOFFS, Derivation, namespace_of
from governance.text import safe

_MOST = 40
_REPOSITORY = re.compile(
    r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII
)


def model_card(
    inputs: ExportInputs,
    norms: Sequence[TensorNorm],
    left_out: Sequence[LeftOut],
    derivation: Derivation | None = None,
) -> bytes:
    """Return ``README.md``.

    Args:
        inputs: What the export is made from.
        norms: How far each tensor moved from the base.
        left_out: What stayed behind in the base folder.
        derivation: How the model's files were derived; ``None`` where they are the
            very bytes that were signed.
    """
    sections = [
        _title(inputs),
        form_section(inputs, derivation),
        *_edits(inputs),
        _weights(norms),
        _results(inputs),
        *_decisions(inputs),
        _record(inputs),
        _left_out(left_out),
        _checking(inputs),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
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
        table(
            ["Base model", ""],
            [
                ["Registered name", name],
                ["Source", words(inputs.source or "a local folder")],
                ["Architecture", words(inputs.folder.family)],
                ["Model digest", code(inputs.folder.digest)],
                [
                    "Files",
                    (
                        f"{len(inputs.folder.files)}, each with its SHA-256 in "
                        "`governance/manifest.json`"
                    ),
                ],
            ],
        ),
    ]
    if inputs.origin == DEMO_ORIGIN:
        lines.insert(1, f"**{DEMO}**")
    return "\n\n".join(lines)


def _edits(inputs: ExportInputs) -> Iterator[str]:
    yield "## What was changed"
    if not inputs.edits:
        yield "Nothing: these are the base model's own bytes."
    for edit in inputs.edits:
        yield edit_section(edit)


def _weights(norms: Sequence[TensorNorm]) -> str:
    if not norms:
        return ""
    rows = [[code(norm.name), number(norm.norm)] for norm in norms[:_MOST]]
    if len(norms) > _MOST:
        more = f"and {len(norms) - _MOST} more, see `governance/edits.json`"
        rows.append([more, ""])
    return (
        "## Weights\n\nAll edits are solved together, from the untouched base. "
        f"{len(norms)} tensors differ from it; every other byte is the base's.\n\n"
        + table(["Tensor", "Frobenius norm of the change"], rows)
    )


def _results(inputs: ExportInputs) -> str:
    if not inputs.results:
        return "## Results\n\nNothing was measured." if inputs.edits else ""
    rows = [
        [
            words(result.edit),
            words(result.metric),
            _share(result.before),
            _share(result.after),
            words(f"{result.limit} {result.bound}".strip()),
            words(result.outcome),
        ]
        for result in inputs.results
    ]
    head = ["Edit", "Metric", "Before", "After", "Policy wants", "Outcome"]
    return (
        "## Results\n\nShares with their intervals, and the number of images behind "
        "them; before is the base model, same prompts and seeds.\n\n"
        + table(head, rows)
    )


def _share(measured: Measured | None) -> str:
    if measured is None:
        return ""
    interval = f"{measured.low:.3f} to {measured.high:.3f}"
    return f"{measured.value:.3f} ({interval}, n = {measured.n})"


def _decisions(inputs: ExportInputs) -> Iterator[str]:
    policy = inputs.policy
    if not inputs.edits and not inputs.signoffs:
        return
    yield (
        f"## Decisions\n\nUnder policy {words(policy.name)}, version {policy.version}, "
        f"digest {code(policy.digest)}; its text is `governance/policy.yaml`."
    )
    for index, signed in enumerate(inputs.signoffs, start=1):
        yield _decision(index, signed)
    if not inputs.signoffs:
        yield "Nobody signed."


def _decision(index: int, signed: Signed) -> str:
    said = signed.document
    rows = [
        [name, _words(said[key])]
        for name, key in (
            ("Decision", "decision"),
            ("Action", "action"),
            ("Role", "role"),
            ("Comment", "comment"),
            ("Reason", "reason"),
            ("Time", "time"),
        )
        if said.get(key)
    ]
    rows += [
        [name, code(str(said[key]))]
        for name, key in (
            ("Candidate", "candidate"),
            ("Snapshot", "snapshot"),
            ("Evidence", "evidence"),
            ("Policy", "policy"),
        )
        if said.get(key)
    ]
    rows.append(["Key", code(signed.key)])
    rows.append(["Ledger entry", str(signed.sequence)])
    head = [f"{index}. {words(signed.principal)}", f"`{SIGNOFFS}/{index}.json`"]
    return table(head, rows)


def _words(value: JSON) -> str:
    return words(value if isinstance(value, str) else str(value))


def _record(inputs: ExportInputs) -> str:
    return (
        f"## Record\n\nLedger {code(inputs.origin)}, {inputs.head.size} entries, root "
        f"{code(inputs.head.root)} at the time of the export."
    )


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return ""
    rows = [[words(item.path), words(item.reason)] for item in left_out]
    return "## Left out of the base folder\n\n" + table(["Path", "Why"], rows)


def _checking(inputs: ExportInputs) -> str:
    lines = [
        "governance snapshot verify . --allowed-signers FILE_YOU_TRUST",
        (
            "jq -r '.files[] | \"\\(.sha256)  \\(.path)\"' governance/manifest.json "
            "| sha256sum -c --strict --quiet"
        ),
        *(_verify_line(index, one) for index, one in enumerate(inputs.signoffs, 1)),
    ]
    block = "\n".join(lines)
    return f"## Check it yourself\n\n```sh\n{block}\n```"


def _verify_line(index: int, signed: Signed) -> str:
    principal = shlex.quote(safe(signed.principal, 200).replace("`", ""))
    file = f"{SIGNOFFS}/{index}.json"
    return (
        f"ssh-keygen -Y verify -f {SIGNERS} -I {principal} "
        f"-n {namespace_of(signed.document)} -s {file}.sshsig < {file}"
    )
