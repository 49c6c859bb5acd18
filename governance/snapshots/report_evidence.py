"""What was measured, by what, and what it looked like."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from governance.canonical import JSON, canonical_bytes
from governance.snapshots.html import (
    Html,
    bullets,
    facts,
    join,
    mono,
    paragraph,
    tag,
    words,
)
from governance.snapshots.inputs import ExportedResult
from governance.snapshots.report_pictures import Gallery, Read, choose, gallery
from governance.snapshots.report_results import results
from governance.snapshots.request_words import inner, listed, objects, plain, said

_MOST = 20


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """What a report says of one evidence document.

    Args:
        digest: The digest that reviewers signed.
        suite: Digest of the suite: prompts, counts and metrics.
        candidate: Snapshot that was measured.
        edits: Ids of the edits it measured.
        judge: Digest of the judge; empty where none judged.
        sampler: How pictures were drawn.
        trials: Pairs of prompt and seed that were drawn.
        silent: What no judge could tell, in words.
        moved: Prompts that moved most, with how far.
        galleries: Edit id to its pictures.
    """

    digest: str
    suite: str
    candidate: str
    edits: tuple[str, ...]
    judge: str
    sampler: Mapping[str, JSON]
    trials: int
    silent: tuple[str, ...]
    moved: tuple[tuple[str, float], ...]
    galleries: Mapping[str, Gallery]


def evidence_facts(digest: str, read: Read, *, pictures: bool = True) -> EvidenceFacts:
    """Read an evidence document and choose its pictures.

    Args:
        digest: Its digest.
        read: Reads an object; it is the one the digest names, but of any shape.
        pictures: Whether to choose and read pictures at all.
    """
    found = json.loads(read(digest))
    document: Mapping[str, JSON] = found if isinstance(found, Mapping) else {}
    details = inner(document, "details")
    rows, judged = objects(document, "images"), objects(details, "rows")
    edits = tuple(sorted(inner(document, "edits")))
    return EvidenceFacts(
        digest=digest,
        suite=said(document, "suite"),
        candidate=said(document, "candidate"),
        edits=edits,
        judge=said(details, "judge"),
        sampler=inner(details, "sampler"),
        trials=sum(
            len(listed(inner(details, "seeds"), p)) for p in inner(details, "seeds")
        ),
        silent=tuple(plain(line) for line in listed(details, "silent")),
        moved=tuple(
            (plain(row.get("prompt")), float(far))
            for row in objects(details, "blast_radius")
            if isinstance(far := row.get("moved"), int | float)
        ),
        galleries={
            edit: choose(
                [row for row in rows if row.get("edit") == edit],
                read,
                [row for row in judged if row.get("edit") == edit],
            )
            for edit in (edits if pictures else ())
        },
    )


def measured_elsewhere(
    evidence: Sequence[EvidenceFacts], snapshot: str, edits: Collection[str]
) -> str:
    """Say which edits were measured within another set of edits; nothing if none was.

    Args:
        evidence: Every evidence document.
        snapshot: Digest of what the page is about.
        edits: Ids of the edits it holds; evidence may speak of others too.
    """
    others = dict.fromkeys(
        edit
        for one in evidence
        if one.candidate != snapshot
        for edit in one.edits
        if edit in edits
    )
    if not others:
        return ""
    was = "were" if len(others) > 1 else "was"
    return (
        f"{', '.join(others)} {was} measured on another set of edits than this snapshot, "
        "the one that reviewers signed for"
    )


def evidence_section(
    found: EvidenceFacts,
    measured: Sequence[ExportedResult],
    titles: Mapping[str, str],
    snapshot: str,
    *,
    only: str | None = None,
) -> Html:
    """Return figures and pictures of one evidence document.

    Args:
        found: The evidence.
        measured: Figures of all edits; those of its own are shown.
        titles: Edit id to what it is called.
        snapshot: Digest of what the report is about.
        only: The one edit to show; all of them where omitted.
    """
    edits = ", ".join(found.edits)
    parts = [tag("h3", words(f"Evidence on {edits}")), _facts(found, snapshot)]
    for edit in found.edits if only is None else (only,):
        mine = [item for item in measured if item.edit == edit]
        parts.append(tag("h4", words(titles.get(edit, edit), 140)))
        parts.append(results(mine))
        parts.append(gallery(found.galleries.get(edit, Gallery((), 0))))
    parts += _untested(found)
    return join(parts)


def _facts(found: EvidenceFacts, snapshot: str) -> Html:
    same = found.candidate == snapshot
    which = (
        "this snapshot"
        if same
        else "another set of edits than this snapshot, the one reviewers saw and signed"
    )
    return facts(
        (
            ("Evidence", mono(found.digest)),
            ("Data set (suite)", mono(found.suite) if found.suite else Html("")),
            (
                "Measured on",
                join((words(f"{which}: "), mono(found.candidate)))
                if found.candidate
                else Html(""),
            ),
            ("Judge", mono(found.judge) if found.judge else words("none recorded")),
            (
                "Sampler",
                mono(canonical_bytes(found.sampler).decode())
                if found.sampler
                else Html(""),
            ),
            (
                "Seeds",
                words(
                    f"{found.trials} draws; seeds follow from candidate and suite, and "
                    "are listed in the evidence"
                )
                if found.trials
                else Html(""),
            ),
        )
    )


def _untested(found: EvidenceFacts) -> list[Html]:
    parts = []
    if found.silent:
        parts.append(tag("h4", words("What no judge could tell")))
        parts.append(bullets(words(line) for line in found.silent[:_MOST]))
    if found.moved:
        listing = ", ".join(
            f"\u201c{prompt[:80]}\u201d {far:.3f}"
            for prompt, far in found.moved[:_MOST]
        )
        parts.append(tag("h4", words("Prompts that moved most")))
        parts.append(
            paragraph(
                words(
                    "Of a list of captions, by how far what the model reads of them "
                    f"moved, as a share of its size: {listing}.",
                    4000,
                )
            )
        )
    return parts
