"""Formats that give an edit several rows: UCE's artists, EMCID's ImageNet classes."""

import json
import re
from collections.abc import Mapping, Sequence

from governance.errors import RequestError
from governance.evaluation.cases import Case, Probe
from governance.evaluation.rows import Row, read_rows
from governance.text import safe

NEIGHBOURS = 4
"""How many other edits' prompts an edit is held against where a format names none."""


def artist_cases(text: str, name: str) -> tuple[Case, ...]:
    """Read UCE's artists: a row for each prompt, one edit for each artist.

    Args:
        text: What the file holds.
        name: Its name.

    Returns:
        Erasures; updates where a column ``destination`` names another artist.

    Raises:
        RequestError: A row is wrong.
    """
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


def iceb_cases(text: str, name: str) -> tuple[Case, ...]:
    """Read EMCID's ImageNet classes: a record for each prompt.

    Args:
        text: What the file holds.
        name: Its name.

    Returns:
        One update for each class and destination.

    Raises:
        RequestError: A record is wrong; its number stands for the line.
    """
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
