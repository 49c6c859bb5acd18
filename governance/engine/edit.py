"""What the engine is asked to do: concepts in words, parameters as given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from governance.canonical import JSON


@dataclass(frozen=True)
class Concept:
    """One thing to edit.

    Args:
        source: What to edit, never empty.
        destination: What it becomes; None where the request omits it.
    """

    source: str
    destination: str | None = None


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
        method: time, uce or uce-2023.
        concepts: What is edited.
        attributes: What a debias balances.
        alphas: Found or given strength per concept and attribute.
        preserve: Texts whose meaning the edit protects.
        parameters: As the request gives them, not yet validated.
    """

    digest: str
    action: str
    method: str
    concepts: tuple[Concept, ...]
    attributes: tuple[Attribute, ...] = ()
    alphas: tuple[tuple[float, ...], ...] | None = None
    preserve: tuple[str, ...] = ()
    parameters: Mapping[str, JSON] = field(default_factory=dict)
