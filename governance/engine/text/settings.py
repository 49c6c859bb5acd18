"""Parameters of a text-encoder edit as one encoder of a given depth takes them."""

from dataclasses import dataclass

from governance.engine.edit import EditSpec
from governance.engine.prompts import Template
from governance.engine.text_presets import (
    Prior,
    emcid_layers,
    emcid_parameters,
    refact_layer,
    refact_parameters,
)


@dataclass(frozen=True)
class TextSettings:
    """How one edit acts on one encoder.

    Args:
        layers: Edited layers, shallow to deep, counted from 0.
        templates: What a phrase is said in for its key.
        hard: Whether values must be met exactly (ReFACT) or weigh against the prior.
        weight: Weight of a soft row against a unit prior, a/((1-a) lambda); the
            published code's prior is lambda C0 (1-a)/a against rows of weight one,
            which is the same.
        published: Whether gaps are measured as the published EMCID code does.
        prior: What the change is weighed by.
    """

    layers: tuple[int, ...]
    templates: tuple[Template, ...]
    hard: bool
    weight: float
    published: bool
    prior: Prior


def settings_of(spec: EditSpec, depth: int) -> TextSettings:
    """Read an edit's parameters for one encoder.

    Args:
        spec: The edit.
        depth: Number of layers of the encoder.

    Raises:
        RequestError: A parameter is wrong, or the encoder has no such layer.
    """
    if spec.method == "refact":
        refact = refact_parameters(spec)
        return TextSettings(
            layers=(refact_layer(refact, depth),),
            templates=refact.templates,
            hard=True,
            weight=0.0,
            published=False,
            prior=refact.prior,
        )
    emcid = emcid_parameters(spec)
    return TextSettings(
        layers=emcid_layers(emcid, depth),
        templates=emcid.templates,
        hard=False,
        weight=emcid.alpha / ((1 - emcid.alpha) * emcid.ridge),
        published=emcid.residual == "published",
        prior=emcid.prior,
    )
