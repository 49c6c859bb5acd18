"""The Diff tab: what is asked for, with which parameters, and what moved."""

from collections.abc import Iterator, Mapping, Sequence

from textual.content import Content

from governance.canonical import JSON
from governance.service.views import EditDetail, SiteNorm
from governance.tui.evidence import heading, scalar, tree
from governance.tui.names import shared_ends, without_ends
from governance.tui.paint import (
    cell,
    hanging,
    line,
    lines,
    middle,
    number,
    own,
    paragraph,
    shown,
)
from governance.tui.words import Tone, badge

_MOST_CONCEPTS = 200
_MOST_PRESERVED = 60
_BAR = 10


def changes_content(detail: EditDetail, width: int, *, ascii_only: bool) -> Content:
    """Lay out request, effective parameters, findings, conflicts and sites.

    Args:
        detail: The edit.
        width: Cells available.
        ascii_only: No glyph beyond ASCII.
    """
    spec = _mapping(detail.request.get("spec"))
    metadata = _mapping(detail.request.get("metadata"))
    rows = [*_rationale(metadata), *_concepts(spec), *_attributes(spec)]
    rows += [*_preserve(spec, width), *_parameters(detail, width)]
    rows += [*_checks(spec, width), *_findings(detail, width, ascii_only=ascii_only)]
    rows += [*_conflicts(detail), *_sites(detail.sites, width, ascii_only=ascii_only)]
    rows += [Content(""), heading("Digests"), *_digests(detail)]
    return lines(rows)


def _digests(detail: EditDetail) -> Iterator[Content]:
    named = {
        "request": detail.digest,
        "candidate": detail.candidate,
        "evidence": detail.evidence_digest,
    }
    for name, digest in named.items():
        if digest:
            yield own(f"  {name}", Tone.DIM)
            yield line("  ", shown(digest))


def _rationale(metadata: Mapping[str, JSON]) -> Iterator[Content]:
    if metadata.get("rationale"):
        yield from paragraph(metadata["rationale"])
    if metadata.get("reference"):
        yield line(own("reference  ", Tone.DIM), shown(metadata["reference"]))


def _concepts(spec: Mapping[str, JSON]) -> Iterator[Content]:
    concepts = _sequence(spec.get("concepts"))
    yield Content("")
    yield heading(f"Concepts ({len(concepts)})")
    for concept in concepts[:_MOST_CONCEPTS]:
        yield _concept(_mapping(concept))
    if len(concepts) > _MOST_CONCEPTS:
        yield own(f"and {len(concepts) - _MOST_CONCEPTS} more", Tone.DIM)
    if spec.get("concepts_file") is not None:
        yield line(own("concepts file  ", Tone.DIM), scalar(spec["concepts_file"]))


def _concept(concept: Mapping[str, JSON]) -> Content:
    parts = []
    if concept.get("prompt"):
        parts.append(line(shown(concept["prompt"], Tone.DIM), ": "))
    parts.append(shown(concept.get("source", "")))
    destination = concept.get("destination")
    if destination is not None:
        parts.append(own(" -> ", "$wait"))
        parts.append(
            shown(destination, Tone.STRONG)
            if destination
            else own("the empty prompt", Tone.DIM)
        )
    return line("  ", *parts)


def _attributes(spec: Mapping[str, JSON]) -> Iterator[Content]:
    attributes = [_mapping(item) for item in _sequence(spec.get("attributes"))]
    if not attributes:
        return
    yield Content("")
    yield heading("Wanted shares")
    for item in attributes:
        yield line(
            "  ",
            cell(shown(item.get("name", "")), 14),
            cell(scalar(item.get("ratio")), 6, right=True),
            "  ",
            shown(item.get("prompt", ""), Tone.DIM),
        )


def _preserve(spec: Mapping[str, JSON], width: int) -> Iterator[Content]:
    preserved = _sequence(spec.get("preserve"))
    yield Content("")
    yield heading(f"Held still ({len(preserved)})")
    if not preserved:
        yield own("  nothing: neighbours of the concept are free to move", Tone.BAD)
        return
    names = [
        shown(name) if name else own("the empty prompt", Tone.DIM)
        for name in preserved[:_MOST_PRESERVED]
    ]
    more = len(preserved) - _MOST_PRESERVED
    tail = own(f" and {more} more", Tone.DIM) if more > 0 else Content("")
    yield from hanging(Content("  "), Content(", ").join(names) + tail, width)


def _parameters(detail: EditDetail, width: int) -> Iterator[Content]:
    if not detail.effective_parameters:
        return
    written = _mapping(_mapping(detail.request.get("spec")).get("parameters"))
    yield Content("")
    yield heading("Effective parameters")
    for name, value in detail.effective_parameters.items():
        mark = Content("") if name in written else own("  default", Tone.DIM)
        head = line("  ", cell(shown(name, Tone.DIM), 18))
        yield from hanging(head, scalar(value) + mark, width)


def _checks(spec: Mapping[str, JSON], width: int) -> Iterator[Content]:
    checks = _mapping(spec.get("checks"))
    if checks:
        yield Content("")
        yield heading("Checks the proposer added")
        yield from (line("  ", row) for row in tree(checks, width - 2))


def _findings(detail: EditDetail, width: int, *, ascii_only: bool) -> Iterator[Content]:
    if not detail.findings:
        return
    yield Content("")
    yield heading("Policy on the proposal")
    for finding in detail.findings:
        head = line(
            "  ",
            cell(badge(finding.outcome, ascii_only=ascii_only), 10),
            cell(shown(finding.rule), 26),
            " ",
        )
        yield from hanging(head, shown(finding.message, Tone.DIM), width)


def _conflicts(detail: EditDetail) -> Iterator[Content]:
    if detail.conflicts:
        yield Content("")
        yield heading("Conflicts with live edits")
    for conflict in detail.conflicts:
        yield line("  ", shown(conflict, Tone.BAD))


def _sites(
    sites: Sequence[SiteNorm], width: int, *, ascii_only: bool
) -> Iterator[Content]:
    if not sites:
        return
    yield Content("")
    yield heading(f"Weights that moved ({len(sites)})")
    ends = shared_ends([site.name for site in sites])
    if any(ends):
        yield from hanging(Content("  "), shown("{}".join(ends), Tone.DIM), width)
    largest = max(site.norm for site in sites) or 1.0
    stroke = "=" if ascii_only else "━"
    for site in sites:
        length = round(_BAR * site.norm / largest) if site.norm == site.norm else 0
        yield line(
            cell(own(number(site.norm), Tone.STRONG), 9, right=True),
            " ",
            cell(own(stroke * max(length, 0), Tone.GOOD), _BAR + 1),
            middle(without_ends(site.name, ends), width - _BAR - 11),
        )


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: JSON) -> Sequence[JSON]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return ()
    return value
