"""What must hold between the fields of one request, compared as a reader sees them."""

from collections.abc import Sequence

from governance.documents.concepts import PlacedConcept
from governance.documents.fields import Field
from governance.domain.request import Action, Concept, EditRequest
from governance.text import normalise


def edited_phrase(concept: Concept) -> str:
    """Return the phrase whose meaning an edit changes."""
    return concept.prompt if concept.prompt is not None else concept.source


def check_request(
    request: EditRequest,
    concepts: Sequence[PlacedConcept],
    preserve: Sequence[tuple[str, Field]],
    spec: dict[str, Field],
) -> None:
    """Refuse a request that contradicts itself.

    Args:
        request: The request.
        concepts: Its concepts and where they stand.
        preserve: Its preserved texts and where they stand.
        spec: The fields of ``spec``.

    Raises:
        RequestError: Says which field contradicts which.
    """
    if not concepts:
        spec.get("concepts", spec.get("concepts_file", spec["action"])).refuse(
            "expected at least one concept, found none", "Name what to edit."
        )
    for placed in concepts:
        _check_destination(request.action, placed)
    edited = _check_unique(concepts)
    for text, field in preserve:
        if text and (other := edited.get(normalise(text))) is not None:
            field.refuse(
                f"'{text}' is edited by {other.path} (line {other.node.line}) "
                "and cannot be preserved as well",
                "Remove it from one of the two.",
            )


def _check_destination(action: Action, placed: PlacedConcept) -> None:
    concept, field = placed.concept, placed.field
    if action is Action.UPDATE and not (concept.destination or concept.images):
        field.refuse(
            f"update needs a destination for '{concept.source}', found none",
            "Add `destination:`, or use erase or moderate.",
        )
    if action is Action.DEBIAS and concept.destination is not None:
        field.refuse(
            "debias takes no destination: its attributes say where to go",
            "Remove `destination:`.",
        )
    if concept.destination is None:
        return
    destination = normalise(concept.destination)
    for source in (concept.source, edited_phrase(concept)):
        if normalise(source) == destination:
            field.refuse(
                f"source and destination are the same, '{source}'",
                "Name a destination that differs in more than spelling.",
            )


def _check_unique(concepts: Sequence[PlacedConcept]) -> dict[str, Field]:
    edited: dict[str, PlacedConcept] = {}
    for placed in concepts:
        phrase = normalise(edited_phrase(placed.concept))
        first = edited.setdefault(phrase, placed)
        if first is placed:
            continue
        same = target(first.concept) == target(placed.concept)
        what = "is listed twice" if same else "has two destinations"
        placed.field.refuse(
            f"'{edited_phrase(placed.concept)}' {what}, "
            f"first on line {first.field.node.line}",
            "Keep one of them.",
        )
    return {phrase: placed.field for phrase, placed in edited.items()}


def target(concept: Concept) -> tuple[str, tuple[str, ...]]:
    """Return where a concept is to go, as a reader sees it: a text, or images."""
    images = tuple(image.sha256 for image in concept.images)
    return normalise(concept.destination or ""), images
