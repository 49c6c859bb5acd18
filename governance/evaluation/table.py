"""Reports as JSON, as a terminal's table and as Markdown."""

from collections.abc import Iterator, Mapping, Sequence

from governance.canonical import JSON
from governance.checks.statistics import Share
from governance.evaluation.running import Line, Report
from governance.evaluation.shares import DEFINITIONS
from governance.evaluation.together import Group, TogetherReport
from governance.evaluation.tools import Tools

HEADER = (
    *("condition", "edits", "efficacy", "generality", "specificity"),
    *("harmonic", "geometric", "s/edit"),
)
RATIO_HEADER = (
    *("condition", "edits", "rare value", "in other prompts", "others kept"),
    *("delta", "s/edit"),
)


def document(report: Report, tools: Tools) -> dict[str, JSON]:
    """Return a report as JSON.

    Args:
        report: The report.
        tools: What it was measured with.
    """
    return {
        "dataset": {
            "name": report.dataset.name,
            "kind": report.dataset.kind.value,
            "digest": report.dataset.digest,
            "edits": report.edits,
        },
        "model": tools.model,
        "judge": tools.judged_by,
        "seeds": report.seeds,
        "sampler": {"steps": tools.sampler.steps, "guidance": tools.sampler.guidance},
        "presets": report.presets,
        "definitions": dict(DEFINITIONS),
        "rows": [_row(line) for line in report.lines],
        "silent": list(report.silent),
    }


def _row(line: Line) -> dict[str, JSON]:
    return {
        "condition": line.condition,
        "able": line.able,
        "edits": line.edits,
        **line.scores.document(),
        "seconds": line.seconds,
        "parameters": None if line.parameters is None else dict(line.parameters),
        "preserve": line.preserve,
        "refused": [{"edit": edit, "why": why} for edit, why in line.refused],
    }


def rows(report: Report) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return a report's table in words.

    Args:
        report: The report.

    Returns:
        Header and cells.
    """
    ratios = all(case.action == "debias" for case in report.dataset.cases)
    cells = []
    for line in report.lines:
        scores = line.scores
        singles: tuple[float | None, ...] = (scores.harmonic, scores.geometric)
        if ratios:
            singles = (scores.delta,)
        cells.append(
            (
                line.condition,
                f"{line.edits}/{report.edits}" if line.able else "-",
                _share(scores.efficacy),
                _share(scores.generality),
                _share(scores.specificity),
                *(_number(value) for value in singles),
                "" if line.seconds is None else f"{line.seconds:.2f}",
            )
        )
    return (RATIO_HEADER if ratios else HEADER), cells


def _share(found: Share | None) -> str:
    if found is None:
        return "-"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f}, n {found.n})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def notes(report: Report) -> Iterator[str]:
    """Yield what a reader of the table must know.

    Args:
        report: The report.
    """
    for line in report.lines:
        if not line.able:
            yield f"{line.condition}: cannot do this kind of edit"
        elif line.parameters is not None:
            yield f"{line.condition}: {_asked(line, report)}"
        reasons: dict[str, list[str]] = {}
        for edit, why in line.refused:
            reasons.setdefault(why, []).append(edit)
        for why, edits in list(reasons.items())[:3]:
            more = f" and {len(edits) - 1} more" if len(edits) > 1 else ""
            yield f"{line.condition}: not made: {edits[0]}{more}: {why}"
    yield from report.silent


def _asked(line: Line, report: Report) -> str:
    changed = [
        f"{name} {_told(value)}" for name, value in (line.parameters or {}).items()
    ]
    if line.preserve:
        changed.append("preserve set")
    if not changed:
        return "published defaults"
    return f"published defaults but {', '.join(changed)} ({report.presets})"


def _told(value: JSON) -> str:
    return f"({len(value)})" if isinstance(value, list) else str(value)


def markdown(report: Report) -> str:
    """Return a report as a Markdown section.

    Args:
        report: The report.
    """
    header, cells = rows(report)
    lines = [f"### {report.dataset.name} ({report.dataset.kind}, {report.edits} edits)"]
    lines += ["", _line(header), _line(["---"] * len(header))]
    lines += [_line(row) for row in cells]
    lines += ["", *(f"- {note}" for note in notes(report)), ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def together_rows(
    report: TogetherReport,
) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return the second table in words.

    Args:
        report: The report.

    Returns:
        Header and cells.
    """
    header = ("edits", "condition", "efficacy", "generality", "specificity", "seconds")
    groups = sorted(report.groups, key=lambda one: one.count)
    return header, [_group_row(one) for one in groups]


def _group_row(one: Group) -> tuple[str, ...]:
    name = f"{one.method}, {one.mode}" if one.mode else one.method
    scores = one.scores
    return (
        str(one.count),
        name,
        _share(scores.efficacy),
        _share(scores.generality),
        _share(scores.specificity),
        "" if one.seconds is None else f"{one.seconds:.2f}",
    )


def together_notes(report: TogetherReport) -> Iterator[str]:
    """Yield why a row is empty, each reason once.

    Args:
        report: The report.
    """
    for one in report.groups:
        if one.refused is not None:
            yield f"{one.method}, {one.mode}, {one.count} edits: {one.refused}"


def together_document(report: TogetherReport, tools: Tools) -> dict[str, JSON]:
    """Return the second table as JSON.

    Args:
        report: The report.
        tools: What it was measured with.
    """
    return {
        "dataset": {"name": report.dataset.name, "digest": report.dataset.digest},
        "model": tools.model,
        "judge": tools.judged_by,
        "presets": report.presets,
        "rows": [
            {
                "method": one.method,
                "mode": one.mode or None,
                "edits": one.count,
                **one.scores.document(),
                "seconds": one.seconds,
                "refused": one.refused,
            }
            for one in report.groups
        ],
    }


def together_markdown(report: TogetherReport) -> str:
    """Return the second table as a Markdown section.

    Args:
        report: The report.
    """
    header, cells = together_rows(report)
    lines = [f"### Many edits at once ({report.dataset.name})"]
    lines += ["", _line(header), _line(["---"] * len(header))]
    lines += [_line(row) for row in cells]
    lines += ["", *(f"- {note}" for note in together_notes(report)), ""]
    return "\n".join(lines)


def definitions(found: Mapping[str, JSON] = DEFINITIONS) -> Iterator[str]:
    """Yield the definitions, one line each."""
    for name, meaning in found.items():
        yield f"{name}: {meaning}"
