"""Every text of a request that can reach a prompt."""

from collections.abc import Iterator, Sequence

from governance.canonical import JSON
from governance.domain.request import Attribute, Concept, EditRequest
from governance.domain.templates import implied_destination


def edited_phrase(concept: Concept) -> str:
    """Return the phrase whose meaning an edit changes."""
    return concept.source if concept.prompt is None else concept.prompt


def texts_of(request: EditRequest) -> Iterator[tuple[str, str]]:
    """List a request's texts with the field each stands in.

    Args:
        request: The request.

    Yields:
        Field path and text: prompts, sources, destinations, attributes, preserved
        texts and every string among the parameters (templates, contrast). Check
        prompts are left out: they are drawn, never learned. So are templates and
        captions that a method brings along: no request asks for what they say, only
        for what they say with its own phrases in them.
    """
    parameters = request.parameters
    for index, concept in enumerate(request.concepts):
        yield from _of_concept(f"spec.concepts.{index}", concept)
        if concept.destination is None and (implied := implied_destination(parameters)):
            yield f"spec.concepts.{index}.destination", implied
    for index, attribute in enumerate(request.attributes):
        yield from _of_attribute(f"spec.attributes.{index}", attribute, request)
    for index, text in enumerate(request.preserve):
        yield f"spec.preserve.{index}", text
    yield from _strings("spec.parameters", dict(request.parameters))


def _of_concept(path: str, concept: Concept) -> Iterator[tuple[str, str]]:
    for name in ("prompt", "source", "destination"):
        text = getattr(concept, name)
        if text is not None:
            yield f"{path}.{name}", text


def _of_attribute(
    path: str, attribute: Attribute, request: EditRequest
) -> Iterator[tuple[str, str]]:
    yield f"{path}.name", attribute.name
    yield f"{path}.prompt", attribute.prompt
    # A protected phrase must not hide by being put together only when it is used.
    if "{}" in attribute.prompt:
        for concept in request.concepts:
            yield f"{path}.prompt", attribute.prompt.replace("{}", concept.source)


def _strings(path: str, value: JSON) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(f"{path}.{key}", item)
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _strings(f"{path}.{index}", item)
