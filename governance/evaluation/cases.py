"""What a data set asks: edits, and prompts that show what each of them did."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

METRICS = ("efficacy", "generality", "specificity")
CaseAction = Literal["update", "erase", "debias"]


class Kind(StrEnum):
    """Whose data set a file is written like."""

    TIMED = "timed"
    ROAD = "road"
    GENDER = "gender"
    ARTIST = "artist"
    ICEB = "iceb"
    RECTIFICATION = "rectification"


@dataclass(frozen=True, slots=True)
class Probe:
    """One prompt that is drawn to see what an edit did.

    Args:
        metric: ``efficacy``, ``generality`` or ``specificity``.
        prompt: What is drawn.
        oracle: What the unedited model draws to show what was wanted.
        old: Text of what the unedited model shows.
        new: Text of what an edit turns it into; for specificity, of what it must
            not become.
        seeds: Published seeds, used before any other.
    """

    metric: str
    prompt: str
    oracle: str
    old: str
    new: str
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One value of what a debias balances.

    Args:
        name: A label the judge knows.
        prompt: Text that shows it.
    """

    name: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Case:
    """One edit of a data set.

    Args:
        line: Where it stands in the file, counted from 1.
        action: update, erase or debias.
        source: What is edited.
        destination: What it becomes; empty for a debias.
        aligned: The destination that repeats the source's words, for TIME.
        shows: What the source shows now, for ReFACT and EMCID.
        probes: Prompts.
        attributes: For a debias, the rare value first.
    """

    line: int
    action: CaseAction
    source: str
    destination: str
    aligned: str
    shows: str
    probes: tuple[Probe, ...]
    attributes: tuple[Attribute, ...] = ()

    @property
    def name(self) -> str:
        """Return the edit in words."""
        wanted = self.destination or " or ".join(a.name for a in self.attributes)
        return f"{self.source} -> {wanted}"

    def of(self, metric: str) -> Iterator[Probe]:
        """Yield the probes of one metric."""
        return (probe for probe in self.probes if probe.metric == metric)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A file of edits.

    Args:
        name: The file's name.
        kind: Whose format it has.
        digest: SHA-256 of its bytes.
        cases: Its edits, in order.
    """

    name: str
    kind: Kind
    digest: str
    cases: tuple[Case, ...]
