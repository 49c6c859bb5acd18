"""A data set's edit as a method is asked to make it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from governance.canonical import JSON, digest_of
from governance.checks.questions import JudgeKinds
from governance.documents.suite import without_article
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.presets import ACTIONS, TEXT_METHODS, effective
from governance.errors import RequestError
from governance.evaluation.cases import Case
from governance.evaluation.presets import Presets
from governance.text import normalise, words_match


def can(method: str, case: Case) -> bool:
    """Say whether a method has an action at all; unknown methods have none."""
    return case.action in ACTIONS.get(method, frozenset())


def spec_of(
    case: Case,
    method: str,
    presets: Presets,
    judge: JudgeKinds,
    statistics: str | None = None,
) -> EditSpec:
    """Ask a method for an edit.

    Args:
        case: The edit.
        method: Who makes it.
        presets: Its parameters, and what it protects.
        judge: Names the other values of what a debias balances.
        statistics: Digest of the key covariances, for text-encoder edits.

    Returns:
        The valid spec; its digest follows from everything in it.

    Raises:
        RequestError: The method cannot make this edit.
    """
    preset = presets.of(method)
    preserve = protected(case, presets.preserve) if preset.preserve else ()
    attributes = _attributes(case, judge)
    concept = _concept(case, method)
    spec = EditSpec(
        digest="",
        action=case.action,
        method=method,
        concepts=(concept,),
        attributes=attributes,
        preserve=preserve,
        parameters=preset.parameters,
        statistics=statistics if method in TEXT_METHODS else None,
    )
    return replace(spec, digest=_digest(spec))


def _concept(case: Case, method: str) -> Concept:
    if case.action == "debias":
        return Concept(case.source)
    if method == "time":
        return Concept(case.source, case.aligned)
    if method in TEXT_METHODS and case.shows != case.source:
        return Concept(case.shows, case.destination, prompt=case.source)
    return Concept(case.source, case.destination)


def protected(case: Case, texts: Sequence[str]) -> tuple[str, ...]:
    """Leave out what the edit is about, and every prompt it is measured on.

    Args:
        case: The edit.
        texts: What a sidecar protects.

    Returns:
        The texts that an edit may protect without working against itself, and
        without being measured where it was told to hold still.
    """
    asked = {normalise(probe.prompt) for probe in case.probes}
    asked |= {normalise(case.destination), normalise(case.aligned)}
    about = without_article(case.source)
    return tuple(
        text
        for text in texts
        if not words_match(about, text) and normalise(text) not in asked
    )


def _attributes(case: Case, judge: JudgeKinds) -> tuple[Attribute, ...]:
    if not case.attributes:
        return ()
    [rare] = case.attributes
    for kind in judge.kinds.values():
        if normalise(rare.name) in map(normalise, kind.labels):
            return tuple(
                Attribute(
                    label,
                    _said_of(rare.prompt, rare.name, label),
                    1 / len(kind.labels),
                )
                for label in kind.labels
            )
    raise RequestError(
        f"new: the judge knows no label {ascii(rare.name)[:60]}; expected one of "
        f"{', '.join(label for kind in judge.kinds.values() for label in kind.labels)}",
        "Take a judge that knows it.",
        line=case.line,
        field="new",
    )


def _said_of(prompt: str, old: str, new: str) -> str:
    """Put another word into a prompt, its article corrected."""
    said = prompt.replace(old, new)
    article = "an" if new[:1].lower() in "aeiou" else "a"
    return re.sub(rf"\ban? (?={re.escape(new)})", f"{article} ", said)


def _digest(spec: EditSpec) -> str:
    [concept] = spec.concepts
    document: Mapping[str, JSON] = {
        "format": "evaluation/v1",
        "action": spec.action,
        "method": spec.method,
        "concept": [concept.source, concept.destination, concept.prompt],
        "attributes": [[a.name, a.prompt, a.ratio] for a in spec.attributes],
        # Defaults too: a cell measured with other ones is another cell.
        "parameters": effective(spec),
        "preserve": list(spec.preserve),
        "statistics": spec.statistics,
    }
    return digest_of(document)
