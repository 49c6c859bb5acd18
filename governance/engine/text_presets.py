"""Published defaults of ReFACT and EMCID, and strict validation of what overrides them.

ReFACT, arXiv:2306.00738, edits one ``mlp.fc2`` of a text encoder; EMCID,
arXiv:2403.13807, spreads an edit over several. Layers are published for encoders of
twelve layers; for another depth the same share of it is taken.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from governance.canonical import JSON
from governance.domain import templates as shipped
from governance.engine.checked import choice, number, refuse, templates, whole
from governance.engine.edit import EditSpec
from governance.engine.prompts import Template

Prior = Literal["covariance", "identity"]
Residual = Literal["consistent", "published"]
DEEPEST = 1000
"""No text encoder has more layers than this."""
CONTRAST: tuple[str, ...] = (
    "a wooden chair by a window",
    "two children running along a beach",
    "a plate of pasta with tomatoes",
    "a black cat asleep on a sofa",
    "an old stone bridge over a river",
    "a yellow bus in heavy rain",
    "a woman reading a newspaper",
    "a bowl of ripe cherries",
    "a lighthouse during a storm",
    "a bicycle leaning on a wall",
    "a snowy street at night",
    "a man repairing a watch",
    "a field of sunflowers",
    "a glass of water on a table",
    "an airplane above the clouds",
    "a crowded market square",
    "a dog catching a ball",
    "a small house in the mountains",
    "a violin in an open case",
    "a train crossing a desert",
)
"""Captions that a ReFACT target must be told from, where a request names none."""

REFACT: Mapping[str, JSON] = {
    "layer": None,  # 9 of 12
    "templates": list(shipped.REFACT),
    "learning_rate": 0.05,
    "max_steps": 100,
    "probability": 0.99,
    "clamp": 4.0,
    "contrast": list(CONTRAST),
    "seed": 0,
    "prior": "covariance",
}
EMCID: Mapping[str, JSON] = {
    "layers": None,  # 0 to 10 of 12
    "lambda": 4000.0,
    "alpha": 0.5,
    "templates": list(shipped.EMCID),
    "steps": 200,
    "learning_rate": 0.2,
    "weight_decay": 5e-4,
    "clamp": 1.5,
    "text_weight": 0.01,
    "residual": "consistent",
    "seed": 0,
    "prior": "covariance",
}


@dataclass(frozen=True)
class RefactParameters:
    """Validated parameters of a ReFACT edit.

    Args:
        layer: Which layer's ``mlp.fc2``; None is 9 of 12 in proportion.
        templates: What a concept is said in for its key.
        learning_rate: Adam's step size.
        max_steps: Most steps.
        probability: Stop above this.
        clamp: Longest delta over the length of the unedited output.
        contrast: Captions the target must be told from.
        seed: What orders anything random.
        prior: Key covariance, or the identity where asked for.
    """

    layer: int | None
    templates: tuple[Template, ...]
    learning_rate: float
    max_steps: int
    probability: float
    clamp: float
    contrast: tuple[str, ...]
    seed: int
    prior: Prior


@dataclass(frozen=True)
class EmcidParameters:
    """Validated parameters of an EMCID edit.

    Args:
        layers: Edited layers, ascending; None is 0 to 10 of 12 in proportion.
        ridge: Lambda, the weight of the covariance.
        alpha: Strength of the edit against the covariance, between 0 and 1.
        templates: What a concept is said in.
        steps: Adam steps of stage one.
        learning_rate: Adam's step size.
        weight_decay: Weight of the squared length of delta in the loss.
        clamp: Longest delta over the length of the unedited state.
        text_weight: Weight of the text alignment in the loss.
        residual: How stage two measures its gap.
        seed: What latents, times and noise come from.
        prior: Key covariance, or the identity where asked for.
    """

    layers: tuple[int, ...] | None
    ridge: float
    alpha: float
    templates: tuple[Template, ...]
    steps: int
    learning_rate: float
    weight_decay: float
    clamp: float
    text_weight: float
    residual: Residual
    seed: int
    prior: Prior


def _layers(field: str, value: JSON) -> tuple[int, ...]:
    check = whole(0, DEEPEST)
    if not isinstance(value, list | tuple) or not value:
        raise refuse(field, "a list of layer numbers", value)
    found = tuple(check(field, item) for item in value)
    if list(found) != sorted(set(found)):
        raise refuse(field, "every layer once, ascending", value)
    return found


def _captions(field: str, value: JSON) -> tuple[str, ...]:
    expected = "a list of 1 to 1,000 captions, each once"
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 1000:
        raise refuse(field, expected, value)
    texts = [item for item in value if isinstance(item, str)]
    sound = all(t.strip() and len(t) <= 300 and t.isprintable() for t in texts)
    if not sound or len(set(texts)) != len(value):
        raise refuse(field, expected, value)
    return tuple(texts)


def _phrases(field: str, value: JSON) -> tuple[Template, ...]:
    return tuple(Template.parse(text) for text in templates(field, value))


def _between(low: float, high: float) -> Callable[[str, JSON], float]:
    inside = number(low, high, open_low=True)

    def check(field: str, value: JSON) -> float:
        found = inside(field, value)
        if found == high:
            raise refuse(field, f"a number above {low:g} and below {high:g}", value)
        return found

    return check


_CHECKS: Mapping[str, Callable[[str, JSON], Any]] = {
    "layer": whole(0, DEEPEST),
    "layers": _layers,
    "lambda": number(0, 1e9, open_low=True),
    "alpha": _between(0, 1),
    "templates": _phrases,
    "learning_rate": number(0, 10, open_low=True),
    "max_steps": whole(1, 100_000),
    "steps": whole(1, 100_000),
    "probability": _between(0, 1),
    "clamp": number(0, 1000, open_low=True),
    "contrast": _captions,
    "weight_decay": number(0, 10),
    "text_weight": number(0, 1000),
    "residual": choice("consistent", "published"),
    "seed": whole(0, 2**31 - 1),
    "prior": choice("covariance", "identity"),
}


def _checked(spec: EditSpec, published: Mapping[str, JSON]) -> dict[str, Any]:
    values = {**published}
    for name in published:
        if name in spec.parameters:
            values[name] = spec.parameters[name]
    return {
        name: None
        if value is None and name not in spec.parameters
        else _CHECKS[name](f"spec.parameters.{name}", value)
        for name, value in values.items()
    }


def refact_parameters(spec: EditSpec) -> RefactParameters:
    """Validate a ReFACT edit's parameters, the published defaults filled in.

    Args:
        spec: The edit; names it does not know are refused elsewhere.

    Raises:
        RequestError: A value is wrong; the field is named.
    """
    return RefactParameters(**_checked(spec, REFACT))


def emcid_parameters(spec: EditSpec) -> EmcidParameters:
    """Validate an EMCID edit's parameters, the published defaults filled in.

    Args:
        spec: The edit; names it does not know are refused elsewhere.

    Raises:
        RequestError: A value is wrong; the field is named.
    """
    found = _checked(spec, EMCID)
    return EmcidParameters(ridge=found.pop("lambda"), **found)


def refact_layer(parameters: RefactParameters, depth: int) -> int:
    """Return the edited layer of an encoder: 9 of 12 in proportion, never the last.

    Args:
        parameters: Validated parameters.
        depth: How many layers the encoder has.

    Raises:
        RequestError: The encoder has no such layer.
    """
    layer = parameters.layer
    if layer is None:
        # The end token sees an edited token only through a layer above the edit.
        layer = max(0, min(9 * depth // 12, depth - 2))
    if layer >= depth:
        expected = f"a layer below {depth}, the depth of the text encoder"
        raise refuse("spec.parameters.layer", expected, layer)
    return layer


def emcid_layers(parameters: EmcidParameters, depth: int) -> tuple[int, ...]:
    """Return the edited layers of an encoder, ascending.

    Args:
        parameters: Validated parameters.
        depth: How many layers the encoder has.

    Raises:
        RequestError: The encoder has no such layer.
    """
    if parameters.layers is None:
        return tuple(range(max(1, 11 * depth // 12)))
    if parameters.layers[-1] >= depth:
        expected = f"layers below {depth}, the depth of the text encoder"
        raise refuse("spec.parameters.layers", expected, parameters.layers[-1])
    return parameters.layers
