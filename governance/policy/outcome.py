"""The three words of a rule, and what a rule says about a proposal."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """A policy rule's outcome; anything but PASS stands in the way."""

    PASS = "PASS"  # noqa: S105 - a word on a screen
    FAIL = "FAIL"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about a proposal.

    Args:
        rule: Rule name, such as ``methods`` or ``protected.minors``.
        outcome: Its outcome.
        message: Why, safe to print.
    """

    rule: str
    outcome: Outcome
    message: str
