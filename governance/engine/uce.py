"""UCE, arXiv:2308.14761: subject rows become destination rows, or lean to attributes.

``uce`` is the form the authors' current code takes (one row per prompt), ``uce-2023``
that of the paper's tables (subject, end and padding rows); they differ in parameters
only.
"""

from collections.abc import Sequence

from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.plan import (
    ConceptPlan,
    EditPlan,
    Pick,
    Target,
    cut,
    destination_of,
    pick,
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
            _leaning(source, spec.attributes, alphas, template, parameters, encoder)
            for template in parameters.templates
        )
        shown = " and ".join(attribute.name for attribute in spec.attributes)
        told = ", ".join(attribute.name for attribute in spec.attributes)
        names = (_first(source, pairs[0][0], encoder), told)
        return ConceptPlan(source, shown, names, pairs)
    destination = destination_of(concept, spec.parameters).strip()
    pairs = tuple(
        _replacing(source, destination, template, parameters, encoder)
        for template in parameters.templates
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
) -> tuple[Pick, Target]:
    old = pick(template.say(source), parameters.tokens, encoder)
    new = pick(template.say(destination), parameters.tokens, encoder)
    old, new = cut((old, new))
    return old, ((1.0, new),)


def _leaning(
    source: str,
    attributes: Sequence[Attribute],
    alphas: Sequence[float],
    template: Template,
    parameters: Parameters,
    encoder: Encoder,
) -> tuple[Pick, Target]:
    """Build c + sum alpha_j a_j, UCE eq. 9, by rows."""
    said = [attribute.prompt.replace("{}", source).strip() for attribute in attributes]
    old = pick(template.say(source), parameters.tokens, encoder)
    leans = (pick(template.say(text), parameters.tokens, encoder) for text in said)
    old, *others = cut((old, *leans))
    return old, ((1.0, old), *zip(alphas, others, strict=True))


def _first(text: str, chosen: Pick, encoder: Encoder) -> str:
    return spoken(Template("", "").say(text), chosen.rows[0], encoder)
