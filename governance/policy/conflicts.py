"""What a proposal and the live edits want of the same words."""

from collections.abc import Iterator, Mapping

from governance.domain.request import Concept, EditRequest
from governance.policy.outcome import Finding, Outcome
from governance.policy.texts import edited_phrase
from governance.text import normalise, safe


def conflict_findings(
    rule: str, request: EditRequest, live: Mapping[str, EditRequest]
) -> tuple[Finding, ...]:
    """Compare a request with every live edit.

    Args:
        rule: ``refuse`` or ``drop_preserve``.
        request: The proposal.
        live: Live edits of the same model, by id.

    Returns:
        A finding per conflict, or one that says there is none.
    """
    found = (
        *_edited_twice(request, live),
        *_preserved_here(rule, request, live),
        *_preserved_there(request, live),
    )
    return found or (Finding("conflicts", Outcome.PASS, "no live edit is touched"),)


def dropped_preserve(
    request: EditRequest, live: Mapping[str, EditRequest]
) -> tuple[str, ...]:
    """List the preserved texts that a live edit changes.

    Args:
        request: The proposal.
        live: Live edits of the same model, by id.

    Returns:
        The texts as written, in order.
    """
    edited = {phrase for other in live.values() for phrase in _phrases(other)}
    return tuple(text for text in request.preserve if normalise(text) in edited)


def _edited_twice(
    request: EditRequest, live: Mapping[str, EditRequest]
) -> Iterator[Finding]:
    for edit_id, other in live.items():
        theirs = _phrases(other)
        for phrase, concept in _phrases(request).items():
            if phrase not in theirs:
                continue
            same = _aim(request, concept) == _aim(other, theirs[phrase])
            how = "in the same way" if same else "to another destination"
            shown = safe(edited_phrase(concept), 120)
            message = f"'{shown}' is already edited {how} by live edit {edit_id}"
            yield Finding("conflicts.source", Outcome.FAIL, message)


def _preserved_here(
    rule: str, request: EditRequest, live: Mapping[str, EditRequest]
) -> Iterator[Finding]:
    for edit_id, other in live.items():
        for text in dropped_preserve(request, {edit_id: other}):
            what = f"preserved '{safe(text, 120)}' is changed by live edit {edit_id}"
            if rule == "drop_preserve":
                message = f"{what}; it is left out of the preserve set"
                yield Finding("conflicts.preserve", Outcome.PASS, message)
            else:
                message = f"{what}; remove it from the preserve set"
                yield Finding("conflicts.preserve", Outcome.FAIL, message)


def _preserved_there(
    request: EditRequest, live: Mapping[str, EditRequest]
) -> Iterator[Finding]:
    """Tell reviewers about live edits that hold still what this one moves."""
    for edit_id, other in live.items():
        preserved = {normalise(text) for text in other.preserve if text}
        for phrase, concept in _phrases(request).items():
            if phrase in preserved:
                shown = safe(edited_phrase(concept), 120)
                message = (
                    f"live edit {edit_id} preserves '{shown}' and pulls against it"
                )
                yield Finding("conflicts.preserved_by_live", Outcome.PASS, message)


def _phrases(request: EditRequest) -> dict[str, Concept]:
    return {normalise(edited_phrase(item)): item for item in request.concepts}


def _aim(request: EditRequest, concept: Concept) -> tuple[object, ...]:
    images = tuple(image.sha256 for image in concept.images)
    attributes = tuple(
        (normalise(item.prompt), item.ratio, item.alpha) for item in request.attributes
    )
    return normalise(concept.destination or ""), images, attributes
