"""The report of an export: one page for people, that needs nothing but itself."""

from collections.abc import Iterator, Sequence

from governance.snapshots.card_record import check_lines
from governance.snapshots.html import (
    Html,
    facts,
    join,
    lines,
    mono,
    paragraph,
    table,
    tag,
    words,
)
from governance.snapshots.inputs import ExportInputs, TensorNorm
from governance.snapshots.limits import DEMO, DEMO_ORIGIN
from governance.snapshots.names import MANIFEST, RECORD
from governance.snapshots.parts import Exporting
from governance.snapshots.report_base import BaseFacts, base_section, files_table
from governance.snapshots.report_edit import edit_section, facts_of, figure, title_of
from governance.snapshots.report_evidence import (
    EvidenceFacts,
    evidence_section,
    measured_elsewhere,
)
from governance.snapshots.report_page import page
from governance.snapshots.report_record import decisions, ledger, limits, policy
from governance.snapshots.report_results import meanings, results

_MOST = 400


def report_page(about: Exporting, evidence: Sequence[EvidenceFacts]) -> bytes:
    """Return ``report.html``.

    Args:
        about: What the export holds.
        evidence: What the sign-offs name, read.
    """
    inputs = about.inputs
    standing = inputs.standing
    count = len(inputs.edits)
    changed = f"{count} concept edit{'s' * (count != 1)}" if count else "no edit"
    return page(
        kicker="Audit report of an exported model",
        title=f"{inputs.model} with {changed}",
        lead=(
            facts(
                (
                    ("Snapshot", mono(inputs.snapshot.digest)),
                    ("Exported", words(inputs.created)),
                    ("Standing", words(standing.words if standing else "")),
                    ("Signed by", words(_signers(inputs), 2000)),
                    ("Results", words(_tally(inputs, evidence), 2000)),
                )
            ),
        ),
        version=about.version,
        notice=_notice(inputs),
        sections=(
            ("Identity and files", _identity(about)),
            ("Base model", _base(inputs)),
            ("Edits", _edits(about)),
            ("Evaluation", _evaluation(inputs, evidence)),
            ("Decisions and signatures", decisions(inputs.signoffs)),
            ("Policy", policy(inputs.policy)),
            ("Ledger and proofs", _ledger(inputs)),
            ("Limits: what this record does not prove", limits()),
        ),
    )


def _notice(inputs: ExportInputs) -> str:
    """Return what stands above everything: what a reader must not overlook."""
    standing = inputs.standing
    demo = [DEMO] if inputs.origin == DEMO_ORIGIN else []
    return " ".join(demo + ([standing.words] if standing and not standing.live else []))


def _ledger(inputs: ExportInputs) -> Html:
    commands = lines("\n".join(check_lines(inputs)))
    return join(
        (
            ledger(inputs.origin, inputs.head, inputs.log),
            tag("h3", words("Check it yourself")),
            paragraph(words("In the folder of the export, with tools of others:")),
            tag("pre", commands),
        )
    )


def _signers(inputs: ExportInputs) -> str:
    names = dict.fromkeys(one.principal for one in inputs.signoffs)
    return ", ".join(names) or "nobody"


def _tally(inputs: ExportInputs, evidence: Sequence[EvidenceFacts]) -> str:
    judged = [item.outcome for item in inputs.results if item.outcome]
    if not judged:
        return "nothing was judged by policy"
    passed = judged.count("PASS")
    said = f"{passed} of {len(judged)} thresholds of the policy hold"
    edits = [one.id for one in inputs.edits]
    elsewhere = measured_elsewhere(evidence, inputs.snapshot.digest, edits)
    return f"{said}; {elsewhere}" if elsewhere else said


def _identity(about: Exporting) -> Html:
    inputs, derivation = about.inputs, about.derivation
    ours = [item for item in about.files if not item.path.startswith(f"{RECORD}/")]
    parts = [
        facts(
            (
                ("Snapshot digest", mono(inputs.snapshot.digest)),
                (
                    "Form",
                    words(
                        "the very tensors that were signed"
                        if derivation is None
                        else f"derived from them: {derivation.form.words}"
                    ),
                ),
                ("Exported", words(inputs.created)),
                ("Written by", words(f"governance {about.version}")),
            )
        ),
        paragraph(
            words(
                f"{MANIFEST} names every file of the folder with its SHA-256, this page "
                "too. The files of the model are:"
            )
        ),
        files_table("Files of the model in this export", ours),
    ]
    if about.left_out:
        parts.append(_left_out(about))
    return join(parts)


def _left_out(about: Exporting) -> Html:
    rows = [
        [mono(item.path), words(item.reason)]
        for item in sorted(about.left_out, key=lambda item: item.path)[:_MOST]
    ]
    caption = f"Left behind in the base folder, {len(about.left_out)} in all"
    return table(words(caption), ("Path", "Why"), rows)


def _base(inputs: ExportInputs) -> Html:
    return base_section(
        BaseFacts(
            name=inputs.model,
            source=inputs.source,
            family=inputs.folder.family,
            digest=inputs.folder.digest,
            licence=inputs.licence,
            files=inputs.folder.files,
        )
    )


def _edits(about: Exporting) -> Html:
    if not about.inputs.edits:
        return paragraph(
            words("Nothing was changed: these are the base model's bytes.")
        )
    return join(
        (
            *(edit_section(facts_of(edit)) for edit in about.inputs.edits),
            *_weights(about.norms),
        )
    )


def _weights(norms: Sequence[TensorNorm]) -> Iterator[Html]:
    if not norms:
        return
    yield tag("h3", words("Weights that changed"))
    yield paragraph(
        words(
            "All edits are solved together, from the untouched base. "
            f"{len(norms)} tensors differ from it; every other byte is the base's."
        )
    )
    rows = [
        [mono(item.name), figure(item.norm), mono(item.before), mono(item.after)]
        for item in norms[:_MOST]
    ]
    more = f"; {len(norms) - _MOST} more in edits.json" if len(norms) > _MOST else ""
    yield table(
        words(f"Frobenius norm of each change, SHA-256 of the bytes{more}"),
        ("Tensor", "Norm", "Before", "After"),
        rows,
    )


def _evaluation(inputs: ExportInputs, evidence: Sequence[EvidenceFacts]) -> Html:
    titles = {edit.id: title_of(facts_of(edit)) for edit in inputs.edits}
    told = {edit for found in evidence for edit in found.edits}
    parts = [
        evidence_section(found, inputs.results, titles, inputs.snapshot.digest)
        for found in evidence
    ]
    rest = [item for item in inputs.results if item.edit not in told]
    if rest or not parts:
        parts.append(results(rest))
    return join((*parts, meanings()) if inputs.results else parts)
