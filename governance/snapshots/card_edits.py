"""One edit of a model card, in words."""

from collections.abc import Iterator, Mapping, Sequence

from governance.canonical import JSON, canonical_bytes
from governance.snapshots.glossary import PRESERVED
from governance.snapshots.inputs import ExportedEdit
from governance.snapshots.markup import code, number, table, words
from governance.snapshots.request_words import (
    PROPOSED,
    attribute,
    concept,
    inner,
    listed,
    objects,
    plain,
    said,
    sentence,
)

_MOST = 20
_LONG = 2000


def edit_section(edit: ExportedEdit) -> str:
    """Return the section about one edit.

    Args:
        edit: The edit; every text in it may be hostile.
    """
    metadata, spec = inner(edit.request, "metadata"), inner(edit.request, "spec")
    title = words(said(metadata, "title") or "untitled", 120)
    parts = [
        f"### {words(edit.id)}: {title}",
        f"{words(sentence(spec))} Proposed by {words(edit.proposer)}.",
        *_concepts(spec),
        *_attributes(spec),
        _facts(edit, metadata, spec),
        *_certificate(edit.certificate),
    ]
    return "\n\n".join(parts)


def _concepts(spec: Mapping[str, JSON]) -> Iterator[str]:
    concepts = listed(spec, "concepts")
    lines = [f"- {words(concept(item), _LONG)}" for item in concepts[:_MOST]]
    if len(concepts) > _MOST:
        lines.append(f"- and {len(concepts) - _MOST} more, see `governance/edits.json`")
    if lines:
        yield "\n".join(lines)


def _attributes(spec: Mapping[str, JSON]) -> Iterator[str]:
    lines = [
        f"- {words(attribute(item), _LONG)}"
        for item in objects(spec, "attributes")[:_MOST]
    ]
    if lines:
        yield "\n".join(["Attributes to balance:", "", *lines])


def _facts(
    edit: ExportedEdit, metadata: Mapping[str, JSON], spec: Mapping[str, JSON]
) -> str:
    rows = [
        ["Why", words(said(metadata, "rationale"), 1000)],
        ["Reference", words(said(metadata, "reference"))],
        ["Held still", f"{len(listed(spec, 'preserve'))} preserved prompts"],
        ["Parameters", code(canonical_bytes(edit.parameters).decode(), 1000)],
        [
            "Searches and seeds",
            code(canonical_bytes(edit.resolved.found).decode(), 1000),
        ],
        ["Request digest", code(edit.digest)],
        ["Resolved digest", code(edit.resolved.digest)],
        ["Proposer's key", code(edit.key) if edit.key else "the proposal is unsigned"],
        ["Proposal", PROPOSED if edit.signature else "nobody signed it"],
        ["Proposed", words(edit.time)],
    ]
    return table(["", ""], [row for row in rows if row[1]])


def _certificate(certificate: Sequence[Mapping[str, JSON]]) -> Iterator[str]:
    keys = ("residual", "drift", "condition")
    rows = [
        [words(plain(row.get("source"))), *(number(row.get(key)) for key in keys)]
        for row in certificate[:_MOST]
    ]
    if rows:
        yield table(["Source", "Residual", PRESERVED, "Condition"], rows)
