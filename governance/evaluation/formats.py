"""The authors' own file formats, row by row."""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from governance.canonical import sha256_hex
from governance.errors import RequestError
from governance.evaluation.cases import Attribute, Case, Dataset, Kind, Probe
from governance.evaluation.rows import Row, decoded, read_bytes, read_rows
from governance.text import safe

_PAIRS = r"(positive|gt|negative|gn)\d+"
NEIGHBOURS = 4
"""How many other edits' prompts an edit is held against where a format names none."""

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


def _artist(text: str, name: str) -> tuple[Case, ...]:
    required = ("prompt", "evaluation_seed", "artist")
    rows = read_rows(text, name, required, r"|case_number|destination")
    grouped: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        if row.text("artist") not in row.text("prompt"):
            raise row.wrong("prompt", "a text that holds the artist's name")
        key = (row.text("artist"), row.optional("destination"))
        grouped.setdefault(key, []).append(row)
    return tuple(
        _artist_case(artist, wanted, some, _others(grouped, artist, wanted))
        for (artist, wanted), some in grouped.items()
    )


def _others(
    grouped: Mapping[tuple[str, str | None], Sequence[Row]],
    artist: str,
    wanted: str | None,
) -> list[Row]:
    """Return one row of each of the next artists in the file, in its order."""
    order = list(dict.fromkeys(key[0] for key in grouped))
    at = order.index(artist)
    following = [name for name in order[at + 1 :] + order[:at] if name != wanted]
    prompts = {key[0]: rows[-1] for key, rows in grouped.items()}
    return [prompts[name] for name in following[:NEIGHBOURS]]


def _artist_case(
    artist: str, wanted: str | None, rows: Sequence[Row], others: Sequence[Row]
) -> Case:
    destination = wanted or "art"
    probes = [
        Probe(
            "generality" if number else "efficacy",
            row.text("prompt"),
            destination if wanted is None else _swapped(row, artist, wanted),
            row.text("prompt"),
            destination if wanted is None else _swapped(row, artist, wanted),
            (row.whole("evaluation_seed"),),
        )
        for number, row in enumerate(rows)
    ]
    probes += [
        Probe(
            "specificity",
            row.text("prompt"),
            row.text("prompt"),
            row.text("prompt"),
            destination
            if wanted is None
            else _swapped(row, row.text("artist"), wanted),
            (row.whole("evaluation_seed"),),
        )
        for row in others
    ]
    return Case(
        line=rows[0].line,
        action="erase" if wanted is None else "update",
        source=artist,
        destination=destination,
        aligned=destination,
        shows=artist,
        probes=tuple(probes),
    )


def _swapped(row: Row, artist: str, wanted: str) -> str:
    return row.text("prompt").replace(artist, wanted)


def _iceb(text: str, name: str) -> tuple[Case, ...]:
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in _records(text, name):
        if "dest" not in row.cells:
            raise row.wrong(
                "dest", "what the class becomes (the edit file), found none"
            )
        _said(row, row.text("dest"))
        key = (row.text("class name"), row.text("dest"))
        grouped.setdefault(key, []).append(row)
    order = list(grouped)
    return tuple(
        _iceb_case(
            *key,
            grouped[key],
            [
                grouped[other][-1]
                for other in order[at + 1 :] + order[:at]
                if other[0] not in key
            ][:NEIGHBOURS],
        )
        for at, key in enumerate(order)
    )


def _records(text: str, name: str) -> tuple[Row, ...]:
    file = safe(name, 200)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RequestError(
            f"not JSON: {safe(str(error), 120)}",
            "Check that --kind names the format of this file.",
            file=file,
        ) from None
    if not isinstance(found, list) or not found:
        raise RequestError("expected a list of records, found none", file=file)
    rows = []
    for number, record in enumerate(found, 1):
        # A JSON file has no rows; the record's number stands for the line.
        sound = isinstance(record, dict)
        cells = {key: str(value) for key, value in record.items()} if sound else {}
        rows.append(Row(file, number, cells))
    return tuple(rows)


def _iceb_case(
    source: str, destination: str, rows: Sequence[Row], others: Sequence[Row]
) -> Case:
    probes = []
    for number, row in enumerate(rows):
        old, new = _said(row, source), _said(row, destination)
        metric = "generality" if number else "efficacy"
        probes.append(Probe(metric, old, new, old, new, (row.whole("random seed"),)))
    for row in others:
        kept, lost = _said(row, row.text("class name")), _said(row, destination)
        seeds = (row.whole("random seed"),)
        probes.append(Probe("specificity", kept, kept, kept, lost, seeds))
    return Case(
        line=rows[0].line,
        action="update",
        source=source,
        destination=destination,
        aligned=destination,
        shows=source,
        probes=tuple(probes),
    )


def _said(row: Row, subject: str) -> str:
    """Say a record's prompt about a subject; some spell their class out."""
    prompt, own = row.text("text prompt"), re.escape(row.text("class name"))
    holes = r"\{\}" if "{}" in prompt else own
    said, count = re.subn(holes, lambda _: subject, prompt, flags=re.IGNORECASE)
    if count != 1:
        raise row.wrong("text prompt", "a text that holds {} or its class once")
    return said


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
    Kind.ARTIST: _artist,
    Kind.ICEB: _iceb,
    Kind.RECTIFICATION: _rectification,
}
