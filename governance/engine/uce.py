"""UCE, arXiv:2308.14761: subject rows become destination rows, or lean to attributes.

``uce`` is the form the authors' current code takes (one row per prompt), ``uce-2023``
that of the paper's tables (subject, end and padding rows); they differ in parameters
only. On SD3 and FLUX the rows are those of every text stream, and the pooled vector is
edited as one more row, as the authors' code for FLUX does; unlike it, targets leave the
bias out, which would otherwise be added to every target and shift what is preserved.
"""

from collections.abc import Iterator, Sequence

from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.plan import (
    ConceptPlan,
    EditPlan,
    Pick,
    Target,
    cut,
    destination_of,
    picks,
    plan_of,
)
from governance.engine.presets import Parameters
from governance.engine.prompts import Template, spoken
from governance.engine.protocols import Encoder
from governance.errors import EngineError


def plan(spec: EditSpec, parameters: Parameters, encoder: Encoder) -> EditPlan:
    """Turn a UCE edit into rows.

    Args:
        spec: The edit; a debias needs its alphas.
        parameters: Its validated parameters.
        encoder: Tells where tokens stand.

    Returns:
        The plan.

    Raises:
        RequestError: A prompt is too long or a subject has no token.
        EngineError: A debias has no alphas yet.
    """
    if spec.action == "debias" and spec.alphas is None:
        raise EngineError(
            f"debias edit {spec.digest[:12]} has no alphas; expected one per concept "
            "and attribute",
            "Resolve the edit first, or give alpha in the request.",
        )
    concepts = tuple(
        _concept(spec, number, concept, parameters, encoder)
        for number, concept in enumerate(spec.concepts)
    )
    return plan_of(spec, parameters, concepts, encoder)


def _concept(
    spec: EditSpec,
    number: int,
    concept: Concept,
    parameters: Parameters,
    encoder: Encoder,
) -> ConceptPlan:
    source = concept.source.strip()
    if spec.action == "debias":
        alphas = (spec.alphas or ())[number]
        pairs = tuple(
            pair
            for template in parameters.templates
            for pair in _leaning(
                source, spec.attributes, alphas, template, parameters, encoder
            )
        )
        shown = " and ".join(attribute.name for attribute in spec.attributes)
        told = ", ".join(attribute.name for attribute in spec.attributes)
        names = (_first(source, pairs[0][0], encoder), told)
        return ConceptPlan(source, shown, names, pairs)
    destination = destination_of(concept, spec.parameters).strip()
    pairs = tuple(
        pair
        for template in parameters.templates
        for pair in _replacing(source, destination, template, parameters, encoder)
    )
    names = (
        _first(source, pairs[0][0], encoder),
        _first(destination, pairs[0][1][0][1], encoder),
    )
    return ConceptPlan(source, destination, names, pairs)


def _replacing(
    source: str,
    destination: str,
    template: Template,
    parameters: Parameters,
    encoder: Encoder,
) -> Iterator[tuple[Pick, Target]]:
    olds = picks(template.say(source), parameters.tokens, encoder)
    news = picks(template.say(destination), parameters.tokens, encoder)
    for pair in zip(olds, news, strict=True):
        old, new = cut(pair)
        yield old, ((1.0, new),)


def _leaning(
    source: str,
    attributes: Sequence[Attribute],
    alphas: Sequence[float],
    template: Template,
    parameters: Parameters,
    encoder: Encoder,
) -> Iterator[tuple[Pick, Target]]:
    """Build c + sum alpha_j a_j, UCE eq. 9, by rows."""
    said = [attribute.prompt.replace("{}", source).strip() for attribute in attributes]
    olds = picks(template.say(source), parameters.tokens, encoder)
    leans = [picks(template.say(text), parameters.tokens, encoder) for text in said]
    for group in zip(olds, *leans, strict=True):
        old, *others = cut(group)
        yield old, ((1.0, old), *zip(alphas, others, strict=True))


def _first(text: str, chosen: Pick, encoder: Encoder) -> str:
    return spoken(Template("", "").say(text), chosen.rows[0], encoder)
