"""Edits as rows still in words: which row of which prompt becomes which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from governance.engine.edit import Concept, EditSpec
from governance.engine.presets import Parameters, Rows, preserved
from governance.engine.prompts import Phrase, last_token
from governance.engine.protocols import Encoder, Projection
from governance.errors import EngineError


@dataclass(frozen=True, order=True)
class Pick:
    """Some rows of one encoded prompt.

    Args:
        text: The prompt.
        rows: Which of its T rows, in the order they are used; may repeat.
        prefix: Whether it is one row that needs only the prompt's beginning.
    """

    text: str
    rows: tuple[int, ...]
    prefix: bool = False


Target: TypeAlias = tuple[tuple[float, Pick], ...]
"""A sum of weighted picks, c* of the shared multiplier."""


@dataclass(frozen=True)
class ConceptPlan:
    """The edit rows of one concept.

    Args:
        source: What is edited.
        destination: What it becomes, as it is reported.
        tokens: The token each key starts at, in words, the bare text's first.
        pairs: Key rows and what they shall be read as.
        weight: Weight of its rows, times the edit's own.
    """

    source: str
    destination: str
    tokens: tuple[str, str]
    pairs: tuple[tuple[Pick, Target], ...]
    weight: float = 1.0


@dataclass(frozen=True)
class EditPlan:
    """Everything one edit adds to the joint system, still in words.

    Args:
        digest: The edit's digest.
        projections: Which matrices it edits.
        weight: Weight of its edit rows against a unit ridge.
        concepts: Its edit rows.
        preserve: Rows it protects, or only measures where their weight is 0.
        preserve_weight: Weight of its preserve rows against a unit ridge.
    """

    digest: str
    projections: tuple[Projection, ...]
    weight: float
    concepts: tuple[ConceptPlan, ...]
    preserve: tuple[Pick, ...]
    preserve_weight: float


def destination_of(concept: Concept, parameters: Mapping[str, object]) -> str:
    """Return what a concept becomes where the request omits it.

    Args:
        concept: The concept.
        parameters: The request's own parameters.
    """
    if concept.destination is None:
        return "art" if parameters.get("templates") == "art" else ""
    return concept.destination if concept.destination.strip() else ""


def pick(phrase: Phrase, rows: Rows, encoder: Encoder) -> Pick:
    """Choose rows of a prompt: its last subject token, its tail, or all of it.

    Args:
        phrase: The prompt and where its subject stands.
        rows: ``last`` is one row; ``tail`` runs from it to the end of the padding.
        encoder: Tells where tokens stand.

    Returns:
        The rows.

    Raises:
        RequestError: The prompt is too long, or its subject has no token.
    """
    index = last_token(phrase, encoder.tokens(phrase.text))
    if rows == "last":
        return Pick(phrase.text, (index,), prefix=True)
    first = index if rows == "tail" else 0
    return Pick(phrase.text, tuple(range(first, encoder.length)))


def cut(picks: tuple[Pick, ...]) -> tuple[Pick, ...]:
    """Cut picks to the length of the shortest, keeping their beginnings."""
    shortest = min(len(p.rows) for p in picks)
    return tuple(Pick(p.text, p.rows[:shortest], p.prefix) for p in picks)


def plan_of(
    spec: EditSpec,
    parameters: Parameters,
    concepts: tuple[ConceptPlan, ...],
    encoder: Encoder,
) -> EditPlan:
    """Add an edit's weights and preserve rows to its edit rows.

    Dividing an edit's own system by its lambda makes every edit's ridge one, so
    that edits with different lambdas can share a system and each one alone is its
    published solution.

    Args:
        spec: The edit.
        parameters: Its validated parameters.
        concepts: Its edit rows.
        encoder: Tells where tokens stand.

    Returns:
        The plan.

    Raises:
        RequestError: A preserved text is too long.
        EngineError: It has no concept.
    """
    if not concepts:
        raise EngineError(f"edit {spec.digest[:12]} has no concept to edit")
    kept = tuple(
        pick(Phrase(text, 0, len(text)), parameters.preserve_tokens, encoder)
        for text in preserved(spec)
    )
    return EditPlan(
        digest=spec.digest,
        projections=parameters.projections,
        weight=parameters.edit_scale / parameters.ridge,
        concepts=concepts,
        preserve=kept,
        preserve_weight=parameters.preserve_scale / parameters.ridge,
    )
