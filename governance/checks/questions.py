"""What a judge is asked about an edit, worked out from the request's words alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from governance.documents.suite import without_article
from governance.domain.request import Action, EditRequest, LabelledPrompt
from governance.text import normalise, words_match


class JudgeKind(Protocol):
    """One thing a judge can name."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every answer."""

    @property
    def probe(self) -> str | None:
        """The probe that answers, for kinds without texts of their own."""

    @property
    def prompts(self) -> Mapping[str, tuple[str, ...]]:
        """Texts that stand for each answer; for probes, other words for it."""


class JudgeKinds(Protocol):
    """What a judge can name."""

    @property
    def kinds(self) -> Mapping[str, JudgeKind]:
        """Kinds by name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A label of a kind."""

    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """Asked where no kind fits: is a picture more like one text than another."""

    wanted: str
    unwanted: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about each picture of a prompt.

    Args:
        ask: ``seen``: every answer is given; ``gone``: none is; ``like``: the
            picture is more like one text than another; ``same``: the answer of
            the base's picture.
        answers: What is looked for.
        likeness: For ``like``.
    """

    ask: Literal["seen", "gone", "like", "same"]
    answers: tuple[Answer, ...] = ()
    likeness: Likeness | None = None


def edit_question(
    judge: JudgeKinds, action: Action, source: str, destination: str | None
) -> Question:
    """Say what shows that an edit works on a picture of its source.

    Args:
        judge: What can be named.
        action: Update wants the destination seen, erase and moderate the source
            gone.
        source: What is edited.
        destination: What it becomes.

    Returns:
        The question; likeness to two texts where no label fits.
    """
    said = answers_in(judge, source)
    wanted = destination or ""
    if action is Action.UPDATE:
        new = tuple(item for item in answers_in(judge, wanted) if item not in said)
        if new:
            return Question("seen", new)
    elif said:
        return Question("gone", said)
    return Question("like", likeness=Likeness(wanted, source))


def holdout_question(judge: JudgeKinds, item: LabelledPrompt) -> Question:
    """Say what a prompt outside the edit must still show.

    Args:
        judge: What can be named.
        item: Prompt and label.

    Returns:
        The question; without answers where the judge knows none for it.
    """
    if item.label is None:
        return Question("same", answers_in(judge, item.prompt))
    wanted = normalise(item.label)
    for name, kind in judge.kinds.items():
        for label in kind.labels:
            if wanted in {normalise(word) for word in _words(kind, label)}:
                return Question("seen", (Answer(name, label),))
    return Question("seen")


def attribute_answers(judge: JudgeKinds, names: Sequence[str]) -> tuple[Answer, ...]:
    """Find the kind whose labels are the attributes of a debias.

    Args:
        judge: What can be named.
        names: Attribute names.

    Returns:
        One answer per name, all of one kind; empty where no kind has them all.
    """
    wanted = [normalise(name) for name in names]
    for name, kind in judge.kinds.items():
        known = {
            normalise(word): label
            for label in kind.labels
            for word in _words(kind, label)
        }
        if all(item in known for item in wanted):
            return tuple(Answer(name, known[item]) for item in wanted)
    return ()


def answers_in(judge: JudgeKinds, text: str) -> tuple[Answer, ...]:
    """List the labels a text names, probes first where several kinds say the same.

    Args:
        judge: What can be named.
        text: A prompt or a concept.

    Returns:
        Answers in the judge's order of kinds.
    """
    found = [
        Answer(name, label)
        for name, kind in judge.kinds.items()
        for label in kind.labels
        if any(words_match(word, text) for word in _words(kind, label))
    ]
    # A probe is trained for its one question; another kind that names the same
    # word answers it less surely.
    probed = {
        normalise(word)
        for item in found
        if judge.kinds[item.kind].probe is not None
        for word in _words(judge.kinds[item.kind], item.label)
    }
    return tuple(
        item
        for item in found
        if judge.kinds[item.kind].probe is not None
        or normalise(item.label) not in probed
    )


def efficacy_prompts(request: EditRequest) -> tuple[str, ...]:
    """List the prompts whose images show whether an edit works."""
    sources = [concept.prompt or concept.source for concept in request.concepts]
    return _once([*sources, *request.checks.efficacy])


def generality_prompts(
    request: EditRequest, templates: Iterable[str]
) -> tuple[str, ...]:
    """List the prompts that say a concept in other words.

    Args:
        request: The edit.
        templates: The suite's, used where the request gives no prompt.
    """
    if request.checks.generality:
        return _once(request.checks.generality)
    return _once(
        template.replace("{}", concept.prompt or concept.source)
        for template in templates
        for concept in request.concepts
    )


def concept_of(request: EditRequest, prompt: str) -> int:
    """Find which concept a check prompt is about.

    Args:
        request: The edit.
        prompt: One of its check prompts.

    Returns:
        Index of the first concept whose words it holds; 0 where none does.
    """
    for index, concept in enumerate(request.concepts):
        if words_match(without_article(concept.prompt or concept.source), prompt):
            return index
    return 0


def _words(kind: JudgeKind, label: str) -> tuple[str, ...]:
    others = kind.prompts.get(label, ()) if kind.probe is not None else ()
    return (label, *others)


def _once(prompts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(prompts))
