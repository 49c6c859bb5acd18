"""What the demo did, as data and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.service.views import to_json


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure before and after, each ``{value, low, high, n}`` or nothing."""

    before: Mapping[str, JSON] | None
    after: Mapping[str, JSON] | None

    def text(self) -> str:
        """Return ``before -> after [low, high]`` for the table."""
        return f"{_value(self.before)} -> {_interval(self.after)}"


@dataclass(frozen=True, slots=True)
class DemoEdit:
    """One edit of the demo, where it ended and what it did to the images."""

    id: str
    title: str
    action: str
    method: str
    state: str
    evidence: str
    efficacy: Measured
    generality: Measured
    specificity: Measured
    ratios: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Everything the demo ends with."""

    workspace: Path
    model: str
    edits: tuple[DemoEdit, ...]
    snapshot: str
    export: Path
    seconds: Mapping[str, float]

    def document(self) -> JSON:
        """Return the contract's JSON document."""
        body = to_json(self)
        if not isinstance(body, dict):  # pragma: no cover - a dataclass is an object
            raise TypeError("a report is a JSON object")
        edits = body["edits"]
        if isinstance(edits, list):
            body["edits"] = [_without_empty_ratios(edit) for edit in edits]
        return body

    def lines(self) -> tuple[str, ...]:
        """Return the closing table."""
        header = (
            *("EDIT", "ACTION", "METHOD", "STATE", "EVIDENCE"),
            *("EFFICACY", "GENERALITY", "SPECIFICITY"),
        )
        rows = [
            (
                *(edit.id, edit.action, edit.method, edit.state, edit.evidence),
                _ratio_text(edit.ratios) or edit.efficacy.text(),
                edit.generality.text(),
                edit.specificity.text(),
            )
            for edit in self.edits
        ]
        slowest = "  ".join(
            f"{step} {value:.1f} s" for step, value in self.seconds.items()
        )
        return (*columns([header, *rows]), "", f"seconds  {slowest}")


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows into columns two blanks apart."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _without_empty_ratios(edit: JSON) -> JSON:
    if isinstance(edit, dict) and edit.get("ratios") is None:
        return {key: value for key, value in edit.items() if key != "ratios"}
    return edit


def _ratio_text(ratios: Mapping[str, JSON] | None) -> str:
    """Return a debias edit's first ratio in place of its efficacy."""
    for name, pair in (ratios or {}).items():
        if isinstance(pair, Mapping):
            before, after = pair.get("before"), pair.get("after")
            measured = Measured(
                before if isinstance(before, Mapping) else None,
                after if isinstance(after, Mapping) else None,
            )
            return f"{name} {measured.text()}"
    return ""


def _value(share: Mapping[str, JSON] | None) -> str:
    return "-" if share is None else f"{share['value']:.2f}"


def _interval(share: Mapping[str, JSON] | None) -> str:
    if share is None:
        return "-"
    return f"{share['value']:.2f} [{share['low']:.2f}, {share['high']:.2f}]"
