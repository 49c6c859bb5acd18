"""Phrases that templates put together: what stands on both sides of the seam."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from governance.domain.request import EditRequest
from governance.domain.templates import HOLE, implied_destination, shipped_templates
from governance.text import letters_of

Letters = frozenset[str]


@dataclass(frozen=True)
class Seams:
    """Every phrase of a request in every template of it.

    Ten thousand phrases in a hundred templates are a million texts. Few can hold a
    protected word that neither part holds: two letters that meet at a seam must be
    neighbours in the word.

    Args:
        templates: Templates with their hole: those a request lists, or those its
            method brings.
        phrases: What is put into them.
    """

    templates: tuple[str, ...]
    phrases: tuple[str, ...]

    @cached_property
    def _by_ends(self) -> Mapping[tuple[Letters, Letters], Sequence[str]]:
        found: dict[tuple[Letters, Letters], list[str]] = {}
        for text in self.phrases:
            found.setdefault(_first_and_last(text), []).append(text)
        return found

    def joined(self, pairs: frozenset[str]) -> Iterator[str]:
        """Yield the texts in which two such letters meet at a seam.

        Args:
            pairs: Neighbouring letters of what is looked for.
        """
        for template in self.templates:
            before, after = _around(template)
            for (first, last), texts in self._by_ends.items():
                # A phrase without letters, or two holes side by side, join the rest.
                always = not first or before is None
                if always or _meet(before, first, pairs) or _meet(last, after, pairs):
                    yield from (template.replace(HOLE, text) for text in texts)


def seams_of(request: EditRequest) -> Seams:
    """Return what a request's templates are filled with.

    Args:
        request: The request.
    """
    found = request.parameters.get("templates")
    given = found if isinstance(found, list | tuple) else ()
    templates = tuple(text for text in given if isinstance(text, str) and HOLE in text)
    phrases = tuple(dict.fromkeys(_phrases(request)))
    shipped = shipped_templates(request.method, request.parameters)
    if not shipped:
        return Seams(templates, phrases)
    # All of these end in their hole: a phrase without letters puts nothing together,
    # and what they say by themselves nobody asked for.
    return Seams(shipped, tuple(text for text in phrases if any(letters_of(text))))


def _phrases(request: EditRequest) -> Iterator[str]:
    for concept in request.concepts:
        yield concept.source
        if concept.prompt is not None:
            yield concept.prompt
        if concept.destination is not None:
            yield concept.destination
        else:
            yield implied_destination(request.parameters)
    for attribute in request.attributes:
        if HOLE in attribute.prompt:
            for concept in request.concepts:
                yield attribute.prompt.replace(HOLE, concept.source)
        else:
            yield attribute.prompt


def _first_and_last(text: str) -> tuple[Letters, Letters]:
    readings = [letters for letters in letters_of(text) if letters]
    return frozenset(t[0] for t in readings), frozenset(t[-1] for t in readings)


def _around(
    template: str,
) -> tuple[Letters | None, Letters]:
    """Return the letters before and after the holes; ``None`` where holes meet."""
    parts = [_first_and_last(part) for part in template.split(HOLE)]
    if not all(first for first, _ in parts[1:-1]):
        return None, frozenset()
    before = frozenset(c for (_, last), _ in pairwise(parts) for c in last)
    after = frozenset(c for _, (first, _) in pairwise(parts) for c in first)
    return before, after


def _meet(left: Letters | None, right: Letters, pairs: frozenset[str]) -> bool:
    return any(a + b in pairs for a in left or () for b in right)
