"""Edits as rows still in words: which row of which prompt becomes which."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from governance.domain.templates import implied_destination
from governance.engine.edit import Concept, EditSpec
from governance.engine.presets import Parameters, Rows, preserved
from governance.engine.prompts import Phrase, last_token
from governance.engine.protocols import Encoder, Projection, Reading, Space
from governance.engine.readings import ATTENTION, projections_of, readings_of
from governance.errors import EngineError, RequestError


@dataclass(frozen=True, order=True)
class Pick:
    """Some rows of one encoded prompt.

    Args:
        text: The prompt.
        rows: Which of its T rows, in the order they are used; may repeat.
        prefix: Whether it is one row, to be encoded alone where the model can.
        space: Whether they are rows of the prompt or its pooled vector, row 0.
    """

    text: str
    rows: tuple[int, ...]
    prefix: bool = False
    space: Space = "prompt"


Target: TypeAlias = tuple[tuple[float, Pick], ...]
"""A sum of weighted picks, c* of the shared multiplier."""


@dataclass(frozen=True)
class ConceptPlan:
    """The edit rows of one concept.

    Args:
        source: What is edited.
        destination: What it becomes, as it is reported.
        tokens: The token each key starts at, in words, the bare text's first.
        pairs: Key rows and what they shall be read as, both of one space.
        weight: Weight of its rows, times the edit's own.
    """

    source: str
    destination: str
    tokens: tuple[str, str]
    pairs: tuple[tuple[Pick, Target], ...]
    weight: float = 1.0

    def of(self, space: Space) -> tuple[tuple[Pick, Target], ...]:
        """Return the pairs of one space."""
        return tuple(pair for pair in self.pairs if pair[0].space == space)


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
        measured: Rows its drift is measured on: what it preserves, or the empty
            prompt where that is nothing.
    """

    digest: str
    projections: tuple[Projection, ...]
    weight: float
    concepts: tuple[ConceptPlan, ...]
    preserve: tuple[Pick, ...]
    preserve_weight: float
    measured: tuple[Pick, ...]


def destination_of(concept: Concept, parameters: Mapping[str, object]) -> str:
    """Return what a concept becomes where the request omits it.

    Args:
        concept: The concept.
        parameters: The request's own parameters.
    """
    if concept.destination is None:
        return implied_destination(parameters)
    return concept.destination if concept.destination.strip() else ""


def picks(phrase: Phrase, rows: Rows, encoder: Encoder) -> tuple[Pick, ...]:
    """Choose rows of a prompt: its last subject token, its tail, or all of it.

    A model that reads a prompt with two tokenizers (SD3: the CLIP encoders, then T5)
    has two such places, each found by its own tokens. A pooled vector is one row and
    says all of the prompt, whichever rows are asked for.

    Args:
        phrase: The prompt and where its subject stands.
        rows: ``last`` is one row; ``tail`` runs from it to the end of the padding.
        encoder: Tells where tokens stand.

    Returns:
        The rows of every reading, then the pooled vector where the model reads it.

    Raises:
        RequestError: The prompt is too long, or its subject has no token.
    """
    found = [_pick(phrase, rows, one) for one in readings_of(phrase.text, encoder)]
    return (*found, *pooled_pick(phrase.text, encoder))


def pooled_pick(text: str, encoder: Encoder) -> tuple[Pick, ...]:
    """Return a prompt's pooled vector as a pick; none where no matrix reads it."""
    if "pooled" not in projections_of(encoder):
        return ()
    return (Pick(text, (0,), space="pooled"),)


def _pick(phrase: Phrase, rows: Rows, reading: Reading) -> Pick:
    index = last_token(phrase, reading.tokens)
    if rows == "last":
        return Pick(phrase.text, (reading.first + index,), prefix=True)
    first = index if rows == "tail" else 0
    end = reading.first + reading.length
    return Pick(phrase.text, tuple(range(reading.first + first, end)))


def cut(some: tuple[Pick, ...]) -> tuple[Pick, ...]:
    """Cut picks to the length of the shortest, keeping their beginnings."""
    shortest = min(len(p.rows) for p in some)
    return tuple(replace(p, rows=p.rows[:shortest]) for p in some)


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
        chosen
        for text in preserved(spec)
        for chosen in picks(
            Phrase(text, 0, len(text)), parameters.preserve_tokens, encoder
        )
    )
    return EditPlan(
        digest=spec.digest,
        projections=_projections(parameters, encoder),
        weight=parameters.edit_scale / parameters.ridge,
        concepts=concepts,
        preserve=kept,
        preserve_weight=parameters.preserve_scale / parameters.ridge,
        measured=kept or picks(Phrase("", 0, 0), "last", encoder),
    )


def _projections(parameters: Parameters, encoder: Encoder) -> tuple[Projection, ...]:
    """Return what an edit addresses; keys and values mean all that reads text."""
    own = projections_of(encoder)
    if set(parameters.projections) <= set(own):
        return parameters.projections
    if parameters.projections == ATTENTION:
        return own
    raise RequestError(
        "spec.parameters.projections is wrong: this model reads text through "
        f"{' and '.join(own)}, not through keys and values of its own; expected "
        f"[k, v], which edits both, found [{', '.join(parameters.projections)}]",
        "Leave projections out.",
        field="spec.parameters.projections",
    )
