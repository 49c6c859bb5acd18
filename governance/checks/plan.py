"""Which prompts a suite draws for an edit, how often, and what is asked of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.checks.questions import (
    Answer,
    JudgeKinds,
    Question,
    attribute_answers,
    concept_of,
    edit_question,
    efficacy_prompts,
    generality_prompts,
    holdout_question,
)
from governance.documents.suite import Suite
from governance.domain.request import Action, EditRequest, LabelledPrompt


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt of a suite for one edit.

    Args:
        metric: ``efficacy``, ``generality``, ``specificity`` or ``ratio``.
        prompt: What is drawn.
        count: Seeds.
        question: What is asked of each picture; for ratios unused.
    """

    metric: str
    prompt: str
    count: int
    question: Question


@dataclass(frozen=True, slots=True)
class EditPlan:
    """Everything drawn for one edit.

    Args:
        edit: Edit id.
        rows: Its prompts.
        attributes: Answers that stand for a debias's attribute values.
    """

    edit: str
    rows: tuple[Row, ...]
    attributes: tuple[Answer, ...] = ()


def plan_edit(
    suite: Suite,
    judge: JudgeKinds,
    edit: str,
    request: EditRequest,
    edited: Sequence[str],
) -> EditPlan:
    """Plan the images of one edit.

    Args:
        suite: The suite.
        judge: What can be named.
        edit: Edit id.
        request: The edit.
        edited: Sources of every edit in the candidate; holdout prompts that mention
            one are left out, for they are meant to change.

    Returns:
        The plan.
    """
    if request.action is Action.DEBIAS:
        names = [attribute.name for attribute in request.attributes]
        attributes = attribute_answers(judge, names)
        rows = _ratio_rows(suite, request)
    else:
        attributes = ()
        rows = [
            *_concept_rows(suite, judge, request, "efficacy"),
            *_concept_rows(suite, judge, request, "generality"),
        ]
    rows += _specificity_rows(suite, judge, request, edited)
    return EditPlan(edit, tuple(rows), attributes)


def _ratio_rows(suite: Suite, request: EditRequest) -> list[Row]:
    prompts = efficacy_prompts(request)
    count = suite.seeds_for("ratio", len(prompts))
    return [Row("ratio", prompt, count, Question("same")) for prompt in prompts]


def _concept_rows(
    suite: Suite, judge: JudgeKinds, request: EditRequest, metric: str
) -> list[Row]:
    if metric == "efficacy":
        prompts = efficacy_prompts(request)
        count = suite.seeds_for("efficacy", len(prompts))
    else:
        prompts = generality_prompts(request, suite.templates)
        count = suite.seeds_for("generality", len(prompts))
    rows = []
    for prompt in prompts:
        concept = request.concepts[concept_of(request, prompt)]
        question = edit_question(
            judge, request.action, concept.source, concept.destination
        )
        rows.append(Row(metric, prompt, count, question))
    return rows


def _specificity_rows(
    suite: Suite, judge: JudgeKinds, request: EditRequest, edited: Sequence[str]
) -> list[Row]:
    prompts: dict[str, LabelledPrompt] = {
        item.prompt: item
        for item in (*suite.holdout_for(edited), *request.checks.specificity)
    }
    count = suite.seeds_for("specificity", len(prompts))
    return [
        Row("specificity", item.prompt, count, holdout_question(judge, item))
        for item in prompts.values()
    ]
