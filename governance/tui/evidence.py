"""The Evidence tab: rules as rows, certificate, metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from textual.content import Content

from governance.canonical import JSON
from governance.service.views import CertificateRow, EditDetail, RuleResult
from governance.tui.bars import FANCY, PLAIN, bar
from governance.tui.paint import cell, hanging, line, lines, number, own, short, shown
from governance.tui.words import Tone, badge, word_for

_MOST_CERTIFICATES = 200
_DEEPEST = 6
_WIDE = 84
_MOST_ROWS = 100


def interval(low: float | None, high: float | None) -> str:
    """Return an interval, or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low)}, {number(high)}]"


def rule_words(rule: RuleResult) -> Content:
    """Say in words how a rule stands, by the figure that is compared."""
    return line(
        shown(rule.rule, Tone.STRONG),
        own(" fails" if rule.outcome == "FAIL" else " is missing", Tone.BAD),
        own(f": {_compared(rule)}, expected "),
        shown(rule.limit),
    )


def _compared(rule: RuleResult) -> str:
    if rule.value is None:
        return "nothing was measured"
    bounds = {"ci_lower": ("lower", rule.low), "ci_upper": ("upper", rule.high)}
    side, figure = bounds.get(rule.bound, ("", None))
    if figure is None:
        return f"found {number(rule.value)}"
    return f"{side} bound {number(figure)} of {number(rule.value)}"


def evidence_content(detail: EditDetail, width: int, *, ascii_only: bool) -> Content:
    """Lay out everything that was measured.

    Args:
        detail: The edit.
        width: Cells available.
        ascii_only: No glyph beyond ASCII.
    """
    rows: list[Content] = []
    if detail.verdict is None:
        rows.append(own("NOT RUN: no check has measured this candidate yet.", Tone.DIM))
    else:
        rows.append(_verdict_line(detail, ascii_only=ascii_only))
        rows.append(Content(""))
        rules = [with_wanted(rule, detail.request) for rule in detail.verdict.rules]
        rows += _rule_rows(rules, width, ascii_only=ascii_only)
    if detail.certificate:
        rows += [Content(""), heading("Certificate"), *_certificate(detail, width)]
    if detail.metrics:
        rows += [Content(""), heading("Metrics"), *tree(detail.metrics, width)]
    return lines(rows)


def with_wanted(rule: RuleResult, request: Mapping[str, JSON]) -> RuleResult:
    """Say in a limit on a share which share was asked for.

    Args:
        rule: A rule; only ``within`` limits on ``ratio.NAME`` are completed.
        request: The edit's request, which names the wanted shares.
    """
    spec = request.get("spec")
    attributes = spec.get("attributes") if isinstance(spec, Mapping) else None
    if not rule.limit.startswith("within") or not isinstance(attributes, list | tuple):
        return rule
    for item in attributes:
        if isinstance(item, Mapping) and rule.rule == f"ratio.{item.get('name')}":
            reach = rule.limit.removeprefix("within").strip()
            return replace(rule, limit=f"{item.get('ratio')} +- {reach}")
    return rule


def heading(text: str) -> Content:
    """Return a section's heading."""
    return own(text, Tone.STRONG)


def _verdict_line(detail: EditDetail, *, ascii_only: bool) -> Content:
    rules = detail.verdict.rules if detail.verdict else ()
    passing = sum(rule.outcome == "PASS" for rule in rules)
    return line(
        badge(detail.evidence, ascii_only=ascii_only),
        own(f"   {passing} of {len(rules)} rules pass   ", Tone.DIM),
        own("evidence ", Tone.DIM),
        shown(short(detail.evidence_digest), Tone.DIM),
    )


def _rule_rows(
    rules: Sequence[RuleResult], width: int, *, ascii_only: bool
) -> Iterator[Content]:
    longest = max((len(rule.rule) for rule in rules), default=0)
    limit_width = min(max((len(rule.limit) for rule in rules), default=0), 20)
    count_width = 7 if width >= _WIDE else 0
    rest = width - 36 - limit_width - count_width
    name_width = max(8, min(longest, 26, rest - 8))
    bar_width = max(8, min(28, rest - name_width))
    for rule in sorted(rules, key=lambda item: item.outcome == "PASS"):
        tone = word_for(rule.outcome).tone
        yield line(
            cell(badge(rule.outcome, ascii_only=ascii_only), 10),
            cell(shown(rule.rule), name_width + 1),
            cell(own(number(rule.value), Tone.STRONG), 7, right=True),
            " ",
            cell(own(interval(rule.low, rule.high), Tone.DIM), 15),
            cell(own("" if rule.n is None else f"n {rule.n}", Tone.DIM), count_width),
            bar(rule, bar_width, PLAIN if ascii_only else FANCY, tone),
            " ",
            cell(shown(rule.limit), limit_width),
        )
        if rule.message and rule.outcome != "PASS":
            message = shown(rule.message, Tone.DIM)
            yield from hanging(Content(" " * 10), message, width)


def _certificate(detail: EditDetail, width: int) -> Iterator[Content]:
    name_width = max(12, min(36, width - 45))
    yield line(
        cell(own("concept", Tone.DIM), name_width + 8),
        *(
            cell(own(name, Tone.DIM), 11, right=True)
            for name in ("residual", "drift", "condition")
        ),
    )
    for row in detail.certificate[:_MOST_CERTIFICATES]:
        yield _certificate_row(row, name_width)
    more = len(detail.certificate) - _MOST_CERTIFICATES
    if more > 0:
        yield own(f"and {more} more concepts", Tone.DIM)


def _certificate_row(row: CertificateRow, name_width: int) -> Content:
    figures = (row.residual, row.drift, row.condition)
    return line(
        cell(shown(row.edit, Tone.DIM), 8),
        cell(shown(row.source), name_width),
        *(cell(own(number(figure)), 11, right=True) for figure in figures),
        "  ",
        shown(row.note, Tone.WAIT),
    )


def tree(value: JSON, width: int, depth: int = 0) -> Iterator[Content]:
    """Lay out any JSON value as indented lines; shares get their interval.

    Args:
        value: The value.
        width: Cells available.
        depth: How deep it stands; every level is indented.
    """
    pad = "  " * depth
    if not isinstance(value, Mapping):
        yield from hanging(Content(pad), scalar(value), width)
        return
    for key, item in value.items():
        name = shown(key, Tone.DIM)
        if isinstance(item, Mapping) and not is_share(item) and depth < _DEEPEST:
            yield line(pad, name)
            yield from tree(item, width, depth + 1)
        elif _rows(item):
            yield line(pad, name)
            yield from _listed(item, width, pad)
        else:
            head = line(pad, cell(name, max(18 - len(pad), 8)), " ")
            yield from hanging(head, scalar(item), width)


def _rows(value: JSON) -> bool:
    """Whether a value is a list of documents, which get a line each."""
    return isinstance(value, list | tuple) and any(
        isinstance(item, Mapping) for item in value
    )


def _listed(value: JSON, width: int, pad: str) -> Iterator[Content]:
    items = value if isinstance(value, list | tuple) else ()
    for item in items[:_MOST_ROWS]:
        yield from hanging(line(pad, own("  - ", Tone.DIM)), scalar(item), width)
    if len(items) > _MOST_ROWS:
        yield own(f"{pad}    and {len(items) - _MOST_ROWS} more", Tone.DIM)


def is_share(value: Mapping[str, JSON]) -> bool:
    """Whether a mapping is a share with its interval."""
    return {"value", "low", "high"} <= set(value)


def scalar(value: JSON) -> Content:
    """Return a value on one line."""
    if isinstance(value, bool) or value is None:
        return own({True: "yes", False: "no", None: "-"}[value])
    if isinstance(value, int):
        return own(str(value))
    if isinstance(value, float):
        return own(number(value))
    if isinstance(value, Mapping):
        if {"rule", "outcome", "message"} <= set(value):
            # Of a judged rule its name and verdict, not its figure alone.
            words = (value["outcome"], value["rule"], value["message"])
            return shown("  ".join(map(str, words)))
        return _share(value) if is_share(value) else _pairs(value)
    if isinstance(value, str):
        return shown(value)
    return Content(", ").join([scalar(item) for item in value]) or own("-", Tone.DIM)


def _share(value: Mapping[str, JSON]) -> Content:
    figures = [value[key] for key in ("value", "low", "high")]
    middle, low, high = (
        item if isinstance(item, int | float) else None for item in figures
    )
    count = value.get("n")
    return line(
        own(number(middle), Tone.STRONG),
        own(f" {interval(low, high)}", Tone.DIM),
        "" if count is None else own(" n ", Tone.DIM) + shown(count, Tone.DIM),
    )


def _pairs(value: Mapping[str, JSON]) -> Content:
    pairs = [
        line(shown(key, Tone.DIM), " ", scalar(item)) for key, item in value.items()
    ]
    return Content("; ").join(pairs)
