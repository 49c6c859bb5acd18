"""What somebody asks for: an edit request, frozen and canonical."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from governance.canonical import JSON, digest_of


class Action(StrEnum):
    """The four kinds of concept edit."""

    DEBIAS = "debias"
    ERASE = "erase"
    MODERATE = "moderate"
    UPDATE = "update"


class Method(StrEnum):
    """The published closed-form methods, by the name a request uses."""

    TIME = "time"
    UCE = "uce"
    UCE_2023 = "uce-2023"
    REFACT = "refact"
    EMCID = "emcid"


TEXT_METHODS = frozenset({Method.REFACT, Method.EMCID})
"""Methods that edit text encoders, after a stage one, against key covariances."""


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file a request names: only its bytes' digest is part of the request.

    Args:
        name: Name as written in the request, for messages only.
        sha256: Digest of the bytes that were read.
        size: Length in bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept to edit.

    Args:
        source: Prompt that shows the concept now; never empty.
        destination: Prompt it should behave like; ``None`` where omitted.
        prompt: ReFACT and EMCID: the edited phrase.
        images: EMCID: destination images instead of a destination prompt.
    """

    source: str
    destination: str | None = None
    prompt: str | None = None
    images: tuple[FileReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute value a debias edit balances.

    Args:
        name: Attribute value, such as ``female``.
        prompt: Prompt that shows it; may hold ``{}`` for the concept.
        ratio: Wanted share among generated images, 0..1.
        alpha: Given strengths in concept order; ``None`` means search.
    """

    name: str
    prompt: str
    ratio: float
    alpha: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class LabelledPrompt:
    """A prompt and what a judge should still see in its images.

    Args:
        prompt: Prompt to draw.
        label: Label of the judge's vocabulary, or ``None``: as on the base model.
    """

    prompt: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class RequestedChecks:
    """Prompts a proposer adds to the policy's suite."""

    efficacy: tuple[str, ...] = ()
    generality: tuple[str, ...] = ()
    specificity: tuple[LabelledPrompt, ...] = ()


@dataclass(frozen=True, slots=True)
class EditRequest:
    """A validated ``ConceptEdit`` document, with every file's content read.

    Args:
        title: At most 120 characters.
        model: Registered model name.
        rationale: Why.
        reference: Ticket or case, if any.
        action: Kind of edit.
        method: Editing method.
        concepts: Concepts from the document and its concepts file, in order.
        attributes: Debias only.
        preserve: Concepts to hold still; may hold the empty prompt.
        parameters: Parameters exactly as written.
        checks: Extra check prompts.
        values: Stage-one results to import, if any.
        document: The canonical document: as written, with file digests for paths.
    """

    title: str
    model: str
    rationale: str
    action: Action
    method: Method
    concepts: tuple[Concept, ...]
    reference: str | None = None
    attributes: tuple[Attribute, ...] = ()
    preserve: tuple[str, ...] = ()
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    checks: RequestedChecks = RequestedChecks()
    values: FileReference | None = None
    document: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical document: what the proposer signs."""
        return digest_of(self.document)
