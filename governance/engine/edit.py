"""What the engine is asked to do: concepts in words, parameters as given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from governance.canonical import JSON

if TYPE_CHECKING:
    # Edits are read and validated where nobody computes anything.
    from torch import Tensor


@dataclass(frozen=True)
class Concept:
    """One thing to edit.

    Args:
        source: What to edit, never empty.
        destination: What it becomes; None where the request omits it.
        prompt: ReFACT and EMCID: the edited phrase; None is the source itself.
        images: EMCID: digests of destination images, instead of a destination.
    """

    source: str
    destination: str | None = None
    prompt: str | None = None
    images: tuple[str, ...] = ()

    @property
    def phrase(self) -> str:
        """Return the words whose encoding is edited."""
        return self.source if self.prompt is None else self.prompt


@dataclass(frozen=True)
class Attribute:
    """One value a debiased concept should show in a given share of images.

    Args:
        name: How people call it.
        prompt: Text that shows it; may hold ``{}`` for the concept.
        ratio: Wanted share, 0 to 1.
    """

    name: str
    prompt: str
    ratio: float


@dataclass(frozen=True)
class EditSpec:
    """One edit as the engine sees it.

    Args:
        digest: What orders edits canonically; unique among edits composed together.
        action: erase, moderate, update or debias.
        method: time, uce, uce-2023, refact or emcid.
        concepts: What is edited.
        attributes: What a debias balances.
        alphas: Found or given strength per concept and attribute.
        preserve: Texts whose meaning the edit protects.
        parameters: As the request gives them, not yet validated.
        values: ReFACT and EMCID: stage-one results by name, each [n_concepts,
            d_model], as found or imported; None before stage one ran.
        statistics: ReFACT and EMCID: digest of the key covariances the edit is solved
            against; None with an identity prior.
    """

    digest: str
    action: str
    method: str
    concepts: tuple[Concept, ...]
    attributes: tuple[Attribute, ...] = ()
    alphas: tuple[tuple[float, ...], ...] | None = None
    preserve: tuple[str, ...] = ()
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    values: "Mapping[str, Tensor] | None" = None
    statistics: str | None = None
