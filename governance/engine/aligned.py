"""TIME, arXiv:2303.08084: every row of a prompt becomes its aligned counterpart.

The paper edits a U-Net's keys and values. On SD3 and FLUX the same is done to what
reads text there: rows of each text stream are aligned by that stream's own tokens, and
the pooled vector of the source becomes that of the destination.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from governance.engine.edit import Concept, EditSpec
from governance.engine.plan import (
    ConceptPlan,
    EditPlan,
    Pick,
    Target,
    plan_of,
    pooled_pick,
)
from governance.engine.presets import Parameters
from governance.engine.prompts import Template
from governance.engine.protocols import Encoder, Reading, Tokens
from governance.engine.readings import readings_of
from governance.errors import EngineError, RequestError


def plan(spec: EditSpec, parameters: Parameters, encoder: Encoder) -> EditPlan:
    """Turn a TIME edit into rows.

    Args:
        spec: The edit; a debias needs its alphas.
        parameters: Its validated parameters.
        encoder: Tells where tokens stand.

    Returns:
        The plan.

    Raises:
        RequestError: A prompt is too long, or a source is not a subsequence of its
            destination.
        EngineError: A debias has no alphas yet, or leans to several attributes.
    """
    concepts = tuple(
        _leaning(spec, number, parameters, encoder)
        if spec.action == "debias"
        else _concept(number, concept, parameters.templates, encoder)
        for number, concept in enumerate(spec.concepts)
    )
    return plan_of(spec, parameters, concepts, encoder)


def check_aligned(
    spec: EditSpec,
    templates: Sequence[Template],
    read: Callable[[str], Sequence[Reading]],
) -> None:
    """Refuse a TIME edit whose sources cannot be aligned, by tokens alone.

    Args:
        spec: The edit; a debias needs no alphas yet.
        templates: What its concepts are said in.
        read: Splits a text with every tokenizer of the model.

    Raises:
        RequestError: A source is not a subsequence of what it becomes.
    """
    for number, concept in enumerate(spec.concepts):
        source = concept.source.strip()
        place = f"spec.concepts.{number}.destination"
        wanted = [(place, (concept.destination or "").strip())]
        if spec.action == "debias":
            wanted = [
                (f"spec.attributes.{at}.prompt", one.prompt.replace("{}", source))
                for at, one in enumerate(spec.attributes)
            ]
        for field, destination in wanted:
            for template in templates:
                old, new = template.say(source).text, template.say(destination).text
                if not _aligned(read, old, new):
                    raise _unaligned(old, new, field)


def _aligned(read: Callable[[str], Sequence[Reading]], old: str, new: str) -> bool:
    return all(
        align(_labels(old, here.tokens), _labels(new, there.tokens), here.length)
        is not None
        for here, there in zip(read(old), read(new), strict=True)
    )


def _unaligned(old: str, new: str, field: str) -> RequestError:
    return RequestError(
        f"{field}: method time needs every word of the source in the destination, in "
        f"order; {ascii(old)[:60]} is not within {ascii(new)[:60]}",
        "Use method refact or uce, or a destination that repeats the source, such as "
        "source 'a rose' and destination 'a blue rose'.",
        field=field,
    )


def _leaning(
    spec: EditSpec, number: int, parameters: Parameters, encoder: Encoder
) -> ConceptPlan:
    """Turn a debiased concept into the one attribute that it leans to.

    The alpha of that attribute is 1/lambda, the weight of the concept's own rows; a
    concept without one is balanced as it is, and held where it is.
    """
    source = spec.concepts[number].source.strip()
    chosen = [
        (attribute.prompt.replace("{}", source).strip(), alpha)
        for attribute, alpha in zip(spec.attributes, _alphas(spec, number), strict=True)
        if alpha
    ]
    if len(chosen) > 1 or any(alpha < 0 for _, alpha in chosen):
        raise EngineError(
            f"edit {spec.digest[:12]} leans to {len(chosen)} attributes; expected at "
            "most one alpha above 0 (method time: 1/lambda) and none below",
            "Apply the edit to search lambda, or use method uce.",
        )
    if not chosen:
        chosen = [(source, 1.0)]
    [(destination, alpha)] = chosen
    concept = Concept(source, destination)
    planned = _concept(number, concept, parameters.templates, encoder)
    # The edit's rows weigh 1/lambda, and these must weigh alpha.
    return replace(planned, weight=alpha * parameters.ridge)


def _alphas(spec: EditSpec, number: int) -> Sequence[float]:
    if spec.alphas is None:
        raise EngineError(
            f"debias edit {spec.digest[:12]} has no alphas; expected 1/lambda per "
            "concept and attribute",
            "Resolve the edit first, or give alpha in the request.",
        )
    return spec.alphas[number]


def _concept(
    number: int, concept: Concept, templates: Sequence[Template], encoder: Encoder
) -> ConceptPlan:
    source, destination = concept.source.strip(), (concept.destination or "").strip()
    pairs: list[tuple[Pick, Target]] = []
    for template in templates:
        old, new = template.say(source).text, template.say(destination).text
        found = _pairs(old, new, encoder)
        if found is None:
            raise _unaligned(old, new, f"spec.concepts.{number}.destination")
        pairs += found
    return ConceptPlan(source, destination, ("every token",) * 2, tuple(pairs))


def _pairs(
    old: str, new: str, encoder: Encoder
) -> tuple[tuple[Pick, Target], ...] | None:
    pairs: list[tuple[Pick, Pick]] = []
    for here, there in zip(
        readings_of(old, encoder), readings_of(new, encoder), strict=True
    ):
        rows = align(_labels(old, here.tokens), _labels(new, there.tokens), here.length)
        if rows is None:
            return None
        every = tuple(range(here.first, here.first + here.length))
        matched = tuple(there.first + row for row in rows)
        pairs.append((Pick(old, every), Pick(new, matched)))
    pairs += zip(pooled_pick(old, encoder), pooled_pick(new, encoder), strict=True)
    return tuple((key, ((1.0, target),)) for key, target in pairs)


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


def _labels(text: str, tokens: Tokens) -> tuple[object, ...]:
    return tuple(_each(text, tokens))


def _each(text: str, tokens: Tokens) -> Iterator[object]:
    for token, span in zip(tokens.ids, tokens.spans, strict=True):
        if span is None:
            yield token
            continue
        word = text[span[0] : span[1]].lower()
        before = text[span[0] - 1 : span[0]] if span[0] else ""
        whole = not before.isalpha() and not text[span[1] : span[1] + 1].isalpha()
        yield "a" if whole and word in {"a", "an"} else token
