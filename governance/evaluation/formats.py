"""The authors' own file formats, row by row."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from governance.canonical import sha256_hex
from governance.evaluation.cases import Attribute, Case, Dataset, Kind, Probe
from governance.evaluation.grouped import artist_cases, iceb_cases
from governance.evaluation.rows import Row, decoded, read_bytes, read_rows
from governance.text import safe

_PAIRS = r"(positive|gt|negative|gn)\d+"
Loader: TypeAlias = Callable[[str, str], tuple[Case, ...]]


def load_dataset(path: Path, kind: Kind) -> Dataset:
    """Read a data set in one of the published formats.

    Args:
        path: The file.
        kind: Whose format it has.

    Returns:
        Its edits.

    Raises:
        NotFoundError: There is no such file.
        RequestError: A row is wrong; file, line and field are named.
    """
    data = read_bytes(path)
    cases = _LOADERS[kind](decoded(data, path.name), path.name)
    return Dataset(safe(path.name, 200), kind, sha256_hex(data), cases)


def _timed(text: str, name: str) -> tuple[Case, ...]:
    return tuple(
        Case(
            line=row.line,
            action="update",
            source=row.text("old"),
            destination=row.text("new"),
            aligned=row.text("new"),
            shows=row.text("old"),
            probes=(
                Probe("efficacy", row.text("old"), *_wanted(row, "new", "old")),
                *_positives(row),
                *_negatives(row),
            ),
        )
        for row in read_rows(text, name, ("old", "new"), _PAIRS)
    )


def _wanted(row: Row, new: str, old: str) -> tuple[str, str, str]:
    """Return oracle, old and new where the oracle is the new text itself."""
    return row.text(new), row.text(old), row.text(new)


def _positives(row: Row) -> Iterator[Probe]:
    for number, prompt in row.numbered("positive"):
        new = row.text(f"gt{number}")
        yield Probe("generality", prompt, new, prompt, new)


def _negatives(row: Row) -> Iterator[Probe]:
    for number, prompt in row.numbered("negative"):
        yield Probe("specificity", prompt, prompt, prompt, row.text(f"gn{number}"))


def _road(text: str, name: str) -> tuple[Case, ...]:
    required = ("Type", "Prompt", "Oracle", "Old", "New")
    known = r"(Positive(_oracle|_old|_new)?|Negative(_new)?)\d+"
    return tuple(
        Case(
            line=row.line,
            action="update",
            source=row.text("Prompt"),
            destination=row.text("New"),
            aligned=row.text("Oracle"),
            shows=row.text("Old"),
            probes=tuple(_road_probes(row)),
        )
        for row in read_rows(text, name, required, known)
    )


def _road_probes(row: Row) -> Iterator[Probe]:
    oracle, old, new = row.text("Oracle"), row.text("Old"), row.text("New")
    yield Probe("efficacy", row.text("Prompt"), oracle, old, new)
    for number, prompt in row.numbered("Positive"):
        yield Probe(
            "generality",
            prompt,
            row.text(f"Positive_oracle{number}"),
            row.text(f"Positive_old{number}"),
            row.text(f"Positive_new{number}"),
        )
    for number, prompt in row.numbered("Negative"):
        new = row.text(f"Negative_new{number}")
        yield Probe("specificity", prompt, prompt, prompt, new)


def _gender(text: str, name: str) -> tuple[Case, ...]:
    rows = read_rows(text, name, ("old", "new", "validation"), r"(ex|negative)\d+")
    return tuple(_gender_case(row) for row in rows)


def _gender_case(row: Row) -> Case:
    old, new = row.text("old"), row.text("new")
    rare = _added(row, old, new)
    return Case(
        line=row.line,
        action="debias",
        source=old,
        destination="",
        aligned=new,
        shows=old,
        probes=(
            Probe("efficacy", row.text("validation"), new, old, rare),
            *(
                Probe("generality", prompt, prompt.replace(old, new), old, rare)
                for _, prompt in row.numbered("ex")
            ),
            *(
                Probe("specificity", prompt, prompt, prompt, rare)
                for _, prompt in row.numbered("negative")
            ),
        ),
        attributes=(Attribute(rare, new),),
    )


def _added(row: Row, old: str, new: str) -> str:
    """Return the one word that the new text says and the old one does not."""
    known = [word.casefold() for word in old.split()]
    articles = {"a", "an", "the"}
    said = [word for word in new.split() if word.casefold() not in {*known, *articles}]
    if len(said) != 1:
        raise row.wrong(
            "new",
            f"one word more than `old`, such as 'a female doctor' for 'a doctor', "
            f"found '{safe(new, 60)}'",
        )
    return said[0].casefold()


def _rectification(text: str, name: str) -> tuple[Case, ...]:
    required = ("source", "dest", "prompts", "seed_train")
    known = rf"seeds|source id|dest id|{_PAIRS}"
    found = []
    for row in read_rows(text, name, required, known):
        source, destination = row.text("source"), row.text("dest")
        seeds = (row.whole("seed_train"),)
        said = [
            (template.replace("{}", source), template.replace("{}", destination))
            for template in _templates(row)
        ]
        first, *others = [
            Probe("efficacy", old, new, old, new, seeds) for old, new in said
        ]
        general = [
            Probe("generality", one.prompt, one.oracle, one.old, one.new, seeds)
            for one in others
        ]
        found.append(
            Case(
                line=row.line,
                action="update",
                source=source,
                destination=destination,
                aligned=destination,
                shows=source,
                probes=(first, *general, *_positives(row), *_negatives(row)),
            )
        )
    return tuple(found)


def _templates(row: Row) -> list[str]:
    """Read the Python list that the authors' file holds in a cell."""
    expected = "a list of texts that each hold {} once, such as ['{}']"
    try:
        found = ast.literal_eval(row.text("prompts"))
    except (ValueError, SyntaxError):
        raise row.wrong("prompts", expected) from None
    sound = isinstance(found, list) and found
    if not sound or not all(isinstance(t, str) and t.count("{}") == 1 for t in found):
        raise row.wrong("prompts", expected)
    # The bare alias is what an edit is asked about first, wherever it stands.
    return sorted((str(template) for template in found), key=lambda t: t != "{}")


_LOADERS: Mapping[Kind, Loader] = {
    Kind.TIMED: _timed,
    Kind.ROAD: _road,
    Kind.GENDER: _gender,
    Kind.ARTIST: artist_cases,
    Kind.ICEB: iceb_cases,
    Kind.RECTIFICATION: _rectification,
}
