"""Text-encoder edits as rows still in words, one plan per edit and encoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from governance.engine.edit import Concept, EditSpec
from governance.engine.presets import preserved, validate
from governance.engine.prompts import Phrase, Template, last_token
from governance.engine.text.protocols import Place, TextProbe
from governance.engine.text.settings import TextSettings, settings_of
from governance.engine.text.values import stage_one_values

BARE = Template("", "")


@dataclass(frozen=True)
class TextConcept:
    """One concept in one encoder.

    Args:
        source: What the edited phrase shows now.
        destination: What it becomes, as it is reported.
        tokens: The bare phrase's last token, and the destination, in words.
        places: Last subject token of the phrase in each template.
        bare: Last token of the phrase alone.
    """

    source: str
    destination: str
    tokens: tuple[str, str]
    places: tuple[Place, ...]
    bare: Place


@dataclass(frozen=True)
class TextPlan:
    """Everything one edit adds to one encoder.

    Args:
        digest: The edit's digest.
        component: The encoder.
        settings: Layers, weight and prior.
        statistics: Digest of the key covariances; None with an identity prior.
        concepts: Its rows, in the order of its concepts.
        targets: Wanted fc2 outputs (ReFACT) or wanted outputs of the last edited layer
            (EMCID) [n, d_model], float64.
        measured: Where its drift is measured: the last token of every preserved text,
            or the beginning token where it preserves none.
    """

    digest: str
    component: str
    settings: TextSettings
    statistics: str | None
    concepts: tuple[TextConcept, ...]
    targets: Tensor
    measured: tuple[Place, ...]


def plan_text(spec: EditSpec, probe: TextProbe) -> TextPlan:
    """Turn one text-encoder edit into rows of one encoder.

    Args:
        spec: The edit, with its stage-one values.
        probe: The encoder; only its tokens and sizes are read.

    Returns:
        The plan.

    Raises:
        RequestError: A parameter is wrong or a prompt is too long.
        EngineError: Stage-one values are missing, misshapen or not finite.
    """
    validate(spec)
    settings = settings_of(spec, probe.depth)
    values = stage_one_values(spec, probe, settings)
    return TextPlan(
        digest=spec.digest,
        component=probe.component,
        settings=settings,
        statistics=spec.statistics,
        concepts=tuple(
            _concept(spec, concept, settings.templates, probe)
            for concept in spec.concepts
        ),
        targets=values.to("cpu", torch.float64),
        measured=tuple(_whole(text, probe) for text in preserved(spec) or ("",)),
    )


def _concept(
    spec: EditSpec, concept: Concept, templates: Sequence[Template], probe: TextProbe
) -> TextConcept:
    phrase = concept.phrase.strip()
    bare = _place(BARE.say(phrase), probe)
    shown = _destination(spec, concept)
    return TextConcept(
        source=concept.source.strip(),
        destination=shown,
        tokens=(_spoken(bare, probe), shown),
        places=tuple(_place(template.say(phrase), probe) for template in templates),
        bare=bare,
    )


def _destination(spec: EditSpec, concept: Concept) -> str:
    if spec.attributes:
        return " and ".join(attribute.name for attribute in spec.attributes)
    if concept.images:
        count = len(concept.images)
        return f"{count} image{'' if count == 1 else 's'}"
    return (concept.destination or "").strip()


def _whole(text: str, probe: TextProbe) -> Place:
    return _place(Phrase(text, 0, len(text)), probe)


def _place(phrase: Phrase, probe: TextProbe) -> Place:
    return phrase.text, last_token(phrase, probe.tokens(phrase.text))


def _spoken(place: Place, probe: TextProbe) -> str:
    span = probe.tokens(place[0]).spans[place[1]]
    return "beginning of text" if span is None else place[0][span[0] : span[1]]
