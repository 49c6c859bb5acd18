"""One edit of a report: who wanted what, why, and how it was done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON, canonical_bytes
from governance.snapshots.glossary import PRESERVED
from governance.snapshots.html import (
    Html,
    bullets,
    facts,
    join,
    mono,
    paragraph,
    table,
    tag,
    words,
)
from governance.snapshots.inputs import ExportedEdit
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

_MOST = 40


@dataclass(frozen=True, slots=True)
class EditFacts:
    """What a report says of one edit.

    Args:
        id: Edit id.
        request: Canonical request document.
        digest: Its digest.
        resolved: Digest of the resolved edit; ``None`` before it was applied.
        found: What its searches found.
        proposer: Who proposed it.
        key: Proposer's public key; ``None`` for an unsigned proposal.
        time: When it was proposed.
        parameters: Effective parameters, defaults included.
        certificate: ``{source, residual, drift, condition}`` per concept.
    """

    id: str
    request: Mapping[str, JSON]
    digest: str
    resolved: str | None
    found: Mapping[str, JSON]
    proposer: str
    key: str | None
    time: str
    parameters: Mapping[str, JSON]
    certificate: Sequence[Mapping[str, JSON]] = ()


def facts_of(edit: ExportedEdit) -> EditFacts:
    """Return what an export knows of an edit."""
    return EditFacts(
        id=edit.id,
        request=edit.request,
        digest=edit.digest,
        resolved=edit.resolved.digest,
        found=edit.resolved.found,
        proposer=edit.proposer,
        key=edit.key,
        time=edit.time,
        parameters=edit.parameters,
        certificate=edit.certificate,
    )


def title_of(edit: EditFacts) -> str:
    """Return an edit's id and title."""
    return f"{edit.id}: {said(inner(edit.request, 'metadata'), 'title') or 'untitled'}"


def edit_section(edit: EditFacts, proposed: str = PROPOSED) -> Html:
    """Return what a report says of one edit.

    Args:
        edit: The edit; every text in it may be hostile.
        proposed: How its proposal was signed, and where the signature lies.
    """
    spec = inner(edit.request, "spec")
    return join(
        (
            tag("h3", words(title_of(edit), 140)),
            paragraph(words(f"{sentence(spec)} Proposed by {edit.proposer}.")),
            *_concepts(spec),
            *_attributes(spec),
            _facts(edit, spec, proposed),
            *_certificate(edit.certificate),
        )
    )


def _concepts(spec: Mapping[str, JSON]) -> Iterator[Html]:
    concepts = listed(spec, "concepts")
    items = [words(concept(item)) for item in concepts[:_MOST]]
    if len(concepts) > _MOST:
        items.append(words(f"and {len(concepts) - _MOST} more, in the request itself"))
    yield bullets(items)


def _attributes(spec: Mapping[str, JSON]) -> Iterator[Html]:
    items = [words(attribute(item)) for item in objects(spec, "attributes")[:_MOST]]
    if items:
        yield paragraph(words("Attributes to balance:"))
        yield bullets(items)


def _facts(edit: EditFacts, spec: Mapping[str, JSON], proposed: str) -> Html:
    metadata = inner(edit.request, "metadata")
    preserved = [plain(item) for item in listed(spec, "preserve")]
    shown = ", ".join(f"\u201c{item}\u201d" for item in preserved[:_MOST])
    more = f" and {len(preserved) - _MOST} more" if len(preserved) > _MOST else ""
    found = canonical_bytes(edit.found).decode()
    return facts(
        (
            ("Why", words(said(metadata, "rationale"), 2000)),
            ("Reference", words(said(metadata, "reference"))),
            ("Proposed by", words(f"{edit.proposer}, {edit.time}")),
            ("Proposer\u2019s key", _key(edit.key)),
            ("Proposal", words(proposed if edit.key else "")),
            ("Method", words(said(spec, "method"))),
            ("Parameters", mono(canonical_bytes(edit.parameters).decode(), 2000)),
            (
                "Searches and seeds",
                mono(found, 2000) if edit.found else words("nothing was searched"),
            ),
            (
                "Held still",
                words(f"{len(preserved)} preserved prompts: {shown}{more}", 4000)
                if preserved
                else words("no preserved prompts"),
            ),
            ("Request digest", mono(edit.digest)),
            (
                "Resolved digest",
                mono(edit.resolved) if edit.resolved else words("not applied yet"),
            ),
        )
    )


def _key(key: str | None) -> Html:
    return mono(key, 1000) if key else words("the proposal is unsigned")


def _certificate(certificate: Sequence[Mapping[str, JSON]]) -> Iterator[Html]:
    if not certificate:
        return
    rows = [
        [
            words(plain(row.get("source"))),
            *(figure(row.get(key)) for key in ("residual", "drift", "condition")),
        ]
        for row in certificate[:_MOST]
    ]
    more = len(certificate) - _MOST
    yield table(
        words(
            "How exactly each concept was solved: what is left of the distance to the "
            "destination, how far preserved prompts moved, and the condition number"
            + (f"; {more} more rows in the record" if more > 0 else "")
        ),
        ("Source", "Residual", PRESERVED, "Condition"),
        rows,
    )


def figure(value: object) -> Html:
    """Return a number in four significant digits, anything else as words."""
    if isinstance(value, float):
        return tag("span", words(f"{value:.4g}"), class_="number")
    return words("" if value is None else str(value), 40)
