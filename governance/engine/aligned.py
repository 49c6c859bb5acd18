"""TIME, arXiv:2303.08084: every row of a prompt becomes its aligned counterpart."""

from collections.abc import Iterator, Sequence

from governance.engine.edit import Concept, EditSpec
from governance.engine.plan import ConceptPlan, EditPlan, Pick, plan_of
from governance.engine.presets import Parameters
from governance.engine.prompts import Template
from governance.engine.protocols import Encoder
from governance.errors import RequestError


def plan(spec: EditSpec, parameters: Parameters, encoder: Encoder) -> EditPlan:
    """Turn a TIME edit into rows.

    Args:
        spec: The edit.
        parameters: Its validated parameters.
        encoder: Tells where tokens stand.

    Returns:
        The plan.

    Raises:
        RequestError: A prompt is too long, or a source is not a subsequence of its
            destination.
    """
    concepts = tuple(
        _concept(number, concept, parameters.templates, encoder)
        for number, concept in enumerate(spec.concepts)
    )
    return plan_of(spec, parameters, concepts, encoder)


def _concept(
    number: int, concept: Concept, templates: Sequence[Template], encoder: Encoder
) -> ConceptPlan:
    source, destination = concept.source.strip(), (concept.destination or "").strip()
    pairs = []
    for template in templates:
        old, new = template.say(source).text, template.say(destination).text
        every = tuple(range(encoder.length))
        rows = align(_labels(old, encoder), _labels(new, encoder), encoder.length)
        if rows is None:
            raise RequestError(
                f"method time needs every word of the source in the destination, in "
                f"order; {ascii(old)[:60]} is not within {ascii(new)[:60]}",
                "Use method uce, or a destination that repeats the source, such as "
                "source 'a rose' and destination 'a blue rose'.",
                field=f"spec.concepts.{number}.destination",
            )
        pairs.append((Pick(old, every), ((1.0, Pick(new, rows)),)))
    return ConceptPlan(source, destination, ("every token",) * 2, tuple(pairs))


def align(
    source: Sequence[object], destination: Sequence[object], length: int
) -> tuple[int, ...] | None:
    """Match source tokens left to right inside the destination, pads to pads.

    Args:
        source: What each source token is compared by, beginning and end included.
        destination: The same for the destination.
        length: Rows T of a padded prompt.

    Returns:
        For each of the T source rows, the destination row it becomes; None if the
        source is not a subsequence of the destination.
    """
    rows: list[int] = []
    place = 0
    for label in source:
        while place < len(destination) and destination[place] != label:
            place += 1
        if place == len(destination):
            return None
        rows.append(place)
        place += 1
    rows += range(place, length)
    rows = rows[:length]
    return (*rows, *[length - 1] * (length - len(rows)))


def _labels(text: str, encoder: Encoder) -> tuple[object, ...]:
    return tuple(_each(text, encoder))


def _each(text: str, encoder: Encoder) -> Iterator[object]:
    tokens = encoder.tokens(text)
    for token, span in zip(tokens.ids, tokens.spans, strict=True):
        if span is None:
            yield token
            continue
        word = text[span[0] : span[1]].lower()
        before = text[span[0] - 1 : span[0]] if span[0] else ""
        whole = not before.isalpha() and not text[span[1] : span[1] + 1].isalpha()
        yield "a" if whole and word in {"a", "an"} else token
