"""What a judge is asked about a probe's picture: is it the new thing, or the old."""

from governance.canonical import JSON
from governance.checks.questions import (
    Answer,
    JudgeKinds,
    Likeness,
    Question,
    answers_in,
    attribute_answers,
)
from governance.evaluation.cases import Case, Probe
from governance.text import words_match


def questions_for(judge: JudgeKinds, case: Case, probe: Probe) -> tuple[Question, ...]:
    """Ask about one probe; every answer must be yes for the picture to count.

    An edit counts where what its new text names, and its old one does not, is seen, an
    erasure where what its old text names is gone, specificity where everything the old text names is
    still seen and nothing that only the new text names. Where the judge knows no word
    of either, the picture is held against both texts, as published.

    Args:
        judge: What can be named.
        case: The edit.
        probe: What is drawn.

    Returns:
        One or two questions.
    """
    if case.action == "debias":
        return (_of_attribute(judge, probe),)
    old, new = named(judge, probe.old), named(judge, probe.new)
    if probe.metric == "specificity":
        return _kept(probe, old, new)
    if case.action == "erase" and old:
        return (Question("gone", old),)
    if case.action == "update" and _only(new, old):
        return (Question("seen", _only(new, old)),)
    return (Question("like", likeness=Likeness(probe.new, probe.old)),)


def named(judge: JudgeKinds, text: str) -> tuple[Answer, ...]:
    """List what a text names, the general word left out where it says a special one.

    "A painting by Lume" names a painting and Lume, two answers to one question; as the
    judge's own texts for Lume say "painting" too, Lume is what is meant.

    Args:
        judge: What can be named.
        text: A prompt.
    """
    found = answers_in(judge, text)
    return tuple(item for item in found if not _general(judge, item, found))


def _general(judge: JudgeKinds, item: Answer, found: tuple[Answer, ...]) -> bool:
    kind = judge.kinds[item.kind]
    return any(
        words_match(item.label, said)
        for other in found
        if other.kind == item.kind and other.label != item.label
        for said in kind.prompts.get(other.label, ())
    )


def _of_attribute(judge: JudgeKinds, probe: Probe) -> Question:
    answers = attribute_answers(judge, [probe.new])
    if probe.metric == "specificity":
        return Question("same", answers)
    return Question("seen", answers)


def _kept(
    probe: Probe, old: tuple[Answer, ...], new: tuple[Answer, ...]
) -> tuple[Question, ...]:
    asked = []
    if old:
        asked.append(Question("seen", old))
    if _only(new, old):
        asked.append(Question("gone", _only(new, old)))
    if not asked:
        asked.append(Question("like", likeness=Likeness(probe.old, probe.new)))
    return tuple(asked)


def _only(new: tuple[Answer, ...], old: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Return what tells new from old; what both name tells nothing."""
    return tuple(answer for answer in new if answer not in old)


def document_of(questions: tuple[Question, ...]) -> JSON:
    """Return questions as JSON, for the key of a cell."""
    return [
        {
            "ask": one.ask,
            "answers": [[answer.kind, answer.label] for answer in one.answers],
            "like": None
            if one.likeness is None
            else [one.likeness.wanted, one.likeness.unwanted],
        }
        for one in questions
    ]
