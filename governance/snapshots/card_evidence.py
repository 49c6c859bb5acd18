"""What a model card says of each evidence document: on what, by what, with what."""

from collections.abc import Iterator, Sequence

from governance.canonical import canonical_bytes
from governance.snapshots.glossary import glossary
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.markup import code, number, table, words
from governance.snapshots.report_evidence import EvidenceFacts, measured_elsewhere

_MOST = 20


def evidence_sections(
    inputs: ExportInputs, read: Sequence[EvidenceFacts]
) -> Iterator[str]:
    """Yield one table for each evidence document, and what its figures mean.

    Args:
        inputs: What the export is made from.
        read: The evidence it names, read; none where nobody read it.
    """
    snapshot = inputs.snapshot.digest
    elsewhere = measured_elsewhere(read, snapshot, [one.id for one in inputs.edits])
    if elsewhere:
        yield f"**{words(elsewhere, 2000)}.**"
    for item in inputs.evidence:
        yield f"- Evidence {code(item.digest)}, with {len(item.images)} pictures"
        for found in read:
            if found.digest == item.digest:
                yield from _evidence(found, snapshot)
    yield "### What the figures mean\n\n" + "\n".join(
        f"- {line}" for line in glossary()
    )


def _evidence(found: EvidenceFacts, snapshot: str) -> Iterator[str]:
    same = found.candidate == snapshot
    which = "this snapshot" if same else "another set of edits than this snapshot"
    judge = code(found.judge) if found.judge else "none recorded"
    sampler = canonical_bytes(found.sampler).decode() if found.sampler else "{}"
    rows = [
        ["Edits", words(", ".join(found.edits), 400)],
        ["Measured on", f"{which}: {code(found.candidate)}"],
        ["Judge", judge],
        ["Sampler", code(sampler, 400)],
        ["Seeds", f"{found.trials} draws; the evidence lists them"],
    ]
    yield table(["", ""], rows)
    if found.silent:
        yield "What no judge could tell:\n\n" + "\n".join(
            f"- {words(line, 400)}" for line in found.silent[:_MOST]
        )
    if found.moved:
        yield (
            "Prompts that moved most, of a list of captions, by how far what the model "
            "reads of them moved, as a share of its size:"
        )
        moved = [
            [words(prompt, 80), number(far)] for prompt, far in found.moved[:_MOST]
        ]
        yield table(["Prompt", "Moved"], moved)
