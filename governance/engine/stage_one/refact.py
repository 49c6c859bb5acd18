"""ReFACT's stage one, arXiv:2306.00738, section 3: what the edited layer should say.

The wanted fc2 output v* is v0 + delta, where delta makes prompts of the edited phrase
look like the destination among captions: it minimises -log p of the destination, p the
softmax of negative L2 distances between the end token's features of the edited prompt
and those of destination, source and contrast captions. Everything up to the edited
layer is run once; a step runs what lies above.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from governance.engine.checked import refuse
from governance.engine.edit import Concept
from governance.engine.prompts import Template
from governance.engine.stage_one.descent import Objective, descend, placed
from governance.engine.stage_one.protocols import Tail
from governance.engine.stage_one.texts import features, say
from governance.engine.text_presets import CONTRAST, RefactParameters, refact_layer
from governance.errors import RequestError

BARE = (Template("", ""),)
_EXACT = "donot_use_mm_for_euclid_dist"
"""Differences, not products of matrices: these lose digits, and only in large batches."""


def refact_values(
    tail: Tail,
    concepts: Sequence[Concept],
    parameters: RefactParameters,
    on_step: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Optimise what the edited layer should say for some concepts.

    Args:
        tail: The untouched text encoder.
        concepts: Each with a destination.
        parameters: Validated parameters.
        on_step: Called with steps done and steps in all; it may raise to stop.

    Returns:
        v* [n, d_model], float64, bias included.

    Raises:
        RequestError: A prompt is too long, or no layer lies above the edited one.
        EngineError: The loss is not finite.
    """
    layer = refact_layer(parameters, tail.depth)
    if layer == tail.depth - 1:
        expected = "a layer below the encoder's last, which alone can carry the edit on"
        raise refuse("spec.parameters.layer", expected, layer)
    phrases = [concept.phrase for concept in concepts]
    bare = say(phrases, BARE, tail)
    first = tail.outputs(
        list(zip(bare.texts, bare.places.tolist(), strict=True)), layer
    ).float()
    delta = descend(
        _objective(tail, concepts, parameters, layer),
        parameters.clamp * torch.linalg.norm(first, dim=1, keepdim=True),
        (first.shape[1],),
        steps=parameters.max_steps,
        learning_rate=parameters.learning_rate,
        names=phrases,
        on_step=on_step,
    )
    return (first.double() + delta.double()).cpu()


def _objective(
    tail: Tail, concepts: Sequence[Concept], parameters: RefactParameters, layer: int
) -> Callable[[Tensor, int], Objective]:
    templates = parameters.templates
    edited = say([concept.phrase for concept in concepts], templates, tail)
    states = tail.states(edited.texts, layer, padded=False)
    wanted = _seen(tail, [c.destination or "" for c in concepts], templates, layer)
    shown = _seen(tail, [concept.source for concept in concepts], templates, layer)
    refuse_long_captions(tail, parameters.contrast)
    others = _seen(tail, parameters.contrast, BARE, layer)
    repeats = len(templates)

    def objective(delta: Tensor, step: int) -> Objective:
        del step
        moved = placed(delta, states, edited.places, repeats)
        found = features(tail, moved, layer, edited.ends)
        near = torch.stack((_apart(found, wanted), _apart(found, shown)), dim=1)
        far = torch.cdist(found, others, compute_mode=_EXACT)
        chances = torch.log_softmax(-torch.cat((near, far), dim=1), dim=1)[:, 0]
        chances = chances.reshape(-1, repeats).mean(dim=1)
        return Objective(-chances, chances.exp() > parameters.probability)

    return objective


def refuse_long_captions(tail: Tail, captions: Sequence[str]) -> None:
    """Refuse a contrast caption that the text encoder cannot read as a whole.

    Raises:
        RequestError: There is one; it is named, and where to give others.
    """
    for number, caption in enumerate(captions):
        try:
            tail.tokens(caption)
        except RequestError as error:
            whose = "published default" if caption in CONTRAST else "given"
            raise RequestError(
                f"spec.parameters.contrast: the {whose} caption {number} does not fit "
                f"the model: {error.message}",
                "Give `contrast` captions of your own, short enough for this model.",
                field="spec.parameters.contrast",
            ) from error


def _apart(one: Tensor, other: Tensor) -> Tensor:
    # Where a prompt is its own source their distance is rounding noise. The small
    # term, far below any distance between texts, keeps noise out of the gradient.
    return ((one - other).square().sum(dim=1) + 1e-6).sqrt()


def _seen(
    tail: Tail, phrases: Sequence[str], templates: Sequence[Template], layer: int
) -> Tensor:
    said = say(phrases, templates, tail)
    with torch.no_grad():
        states = tail.states(said.texts, layer, padded=False)
        return features(tail, states, layer, said.ends)
