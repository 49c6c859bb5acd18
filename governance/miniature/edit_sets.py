"""The miniature's own data sets, in the papers' formats.

``python -m governance.miniature.edit_sets`` writes ``sets/`` again, the same bytes.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from governance.miniature.vocabulary import (
    AGES,
    ARTISTS,
    CONTEXTS,
    GENDERS,
    HELD_OUT_ARTISTS,
    HELD_OUT_CONTEXTS,
    OBJECTS,
    PEOPLE,
    PROFESSIONS,
    ROLES,
    article,
)

Table: TypeAlias = tuple[tuple[str, ...], list[tuple[str, ...]]]

# Never a template of the sidecars, so that no edit was told about them.
UNSEEN = ("{} in the snow", "{} on the beach", "an image of {}")
_SEED = 11_000_000
_DEFAULTS = {thing: colour for thing, colour in OBJECTS.items() if colour}


def sets_path() -> Path:
    """Return the folder of the shipped sets."""
    return Path(__file__).resolve().parent / "sets"


def tables() -> dict[str, Table]:
    """Build every set.

    Returns:
        File name to header and rows.
    """
    return {
        "timed.csv": _timed(_recoloured()),
        "together.csv": _timed(_fifty()),
        "road.csv": _road(),
        "gender.csv": _gender(),
        "artist.csv": _artist(),
        "rectification.csv": _rectification(),
    }


def csv_text(table: Table) -> str:
    """Return a set as its file's text."""
    header, rows = table
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


_Edit: TypeAlias = tuple[str, str, list[tuple[str, str]]]
"""Source, destination, and what must not become what."""


def _timed(edits: Sequence[_Edit]) -> Table:
    rows = []
    for source, wanted, negatives in edits:
        row = [source, wanted]
        for template in UNSEEN:
            row += [template.format(source), template.format(wanted)]
        for kept, lost in negatives:
            row += [kept, lost]
        rows.append(tuple(row))
    header = ["old", "new"]
    header += [f"{name}{n}" for n in (1, 2, 3) for name in ("positive", "gt")]
    header += [f"{name}{n}" for n in (1, 2, 3, 4) for name in ("negative", "gn")]
    return tuple(header), rows


def _recoloured() -> list[_Edit]:
    """Two colours for each object that has one of its own; people's other looks."""
    edits: list[_Edit] = []
    for thing, own in _DEFAULTS.items():
        others = [c for c in ("blue", "green", "yellow") if c != own]
        for colour in others[:2]:
            source, wanted = article(thing), article(f"{colour} {thing}")
            edits.append((source, wanted, _neighbours(thing, own, colour)))
    for name, look in (
        *(("doctor", "female"), ("nurse", "male"), ("builder", "old")),
        *(("teacher", "young"), ("farmer", "female"), ("pilot", "old")),
    ):
        edits.append(
            (article(name), article(f"{look} {name}"), _colleagues(name, look))
        )
    return edits


def _neighbours(thing: str, own: str, colour: str) -> list[tuple[str, str]]:
    names = list(_DEFAULTS)
    at = names.index(thing)
    # A neighbour that has the new colour by itself could not lose to it.
    others = [n for n in names[at + 1 :] + names[:at] if _DEFAULTS[n] != colour]
    first, second = others[0], others[1]
    painted = article(f"{own} car")
    placed = CONTEXTS[_seen_place(second)][1]
    return [
        (
            f"an image of {article(first)}",
            f"an image of {article(f'{colour} {first}')}",
        ),
        (
            f"{article(second)} {placed}",
            f"{article(f'{colour} {second}')} {placed}",
        ),
        (f"a picture of {painted}", f"a picture of {article(f'{colour} car')}"),
        (
            f"an image of {article(f'{own} boat')}",
            f"an image of {article(f'{colour} boat')}",
        ),
    ]


def _seen_place(thing: str) -> str:
    """Return a place that training drew a thing in."""
    return "field" if HELD_OUT_CONTEXTS[thing] != "field" else "town"


def _colleagues(name: str, look: str) -> list[tuple[str, str]]:
    names = list(PROFESSIONS)
    opposite = _opposite(look)
    known = {
        "female": ("nurse", "teacher"),
        "male": ("doctor", "builder"),
        "young": ("nurse", "builder"),
        "old": ("doctor", "teacher"),
    }[opposite]
    others = [other for other in names if other not in {name, *known}][:1]
    kept = [f"an image of {article(other)}" for other in known if other != name]
    kept += [f"a picture of {article(f'{opposite} {others[0]}')}"]
    rows = [(text, text.replace("of a ", f"of a {look} ")) for text in kept]
    rows += [("the mayor in the field", f"{article(f'{look} {name}')} in the field")]
    rows += [("a picture of a lemon", f"a picture of {article(f'{look} {name}')}")]
    return rows[:4]


def _opposite(look: str) -> str:
    for pair in (GENDERS, AGES):
        if look in pair:
            return pair[1 - pair.index(look)]
    raise KeyError(look)


def _fifty() -> list[_Edit]:
    """Edits that can live together: no source twice, none another's destination.

    Groups take turns, so that the first few are of every kind.
    """
    groups = [_own_colours(), _plain_people(), _said_people(), _others()]
    edits = [
        group[turn]
        for turn in range(max(map(len, groups)))
        for group in groups
        if turn < len(group)
    ]
    kept = _far_from_all()
    return [
        (
            source,
            wanted,
            [kept[(4 * at + n) % len(kept)] for n in range(4)],
        )
        for at, (source, wanted) in enumerate(edits)
    ]


def _own_colours() -> list[tuple[str, str]]:
    colours = ("blue", "purple", "pink", "red", "green", "yellow", "orange", "green")
    things = [*_DEFAULTS, "car", "house", "boat", "mug", "ship", "automobile"]
    more = ("purple", "orange", "yellow", "pink", "green", "blue")
    return [
        (article(thing), article(f"{colour} {thing}"))
        for thing, colour in zip(things, (*colours, *more), strict=True)
    ]


def _plain_people() -> list[tuple[str, str]]:
    return [
        (article(name), article(f"{look} {name}"))
        for name, look in _RARE["gender"].items()
    ]


def _said_people() -> list[tuple[str, str]]:
    """Say an age and gain the rare gender; say the usual gender and gain an age."""
    pairs = []
    for name, rare in _RARE["gender"].items():
        usual = _opposite(rare)
        pairs += [
            (article(f"{age} {name}"), article(f"{age} {rare} {name}")) for age in AGES
        ]
        age = _RARE["age"][name]
        pairs.append((article(f"{usual} {name}"), article(f"{age} {usual} {name}")))
    return pairs


def _others() -> list[tuple[str, str]]:
    return [
        ("a woman", "an old woman"),
        ("the captain", "fina the captain"),
        ("a landscape", "a landscape by lume"),
        ("a man", "a young man"),
        ("the champion", "fina the champion"),
        ("an artwork", "an artwork by vey"),
        ("a person", "an old person"),
        ("a drawing", "a drawing by zuri"),
    ]


def _far_from_all() -> list[tuple[str, str]]:
    """Pair prompts that none of the fifty is about with what they must not show."""
    people, artists = [*PEOPLE], [*ARTISTS]
    swords = ("an image of {}", "a picture of {}", "{} in the field")
    names = ("a sword", "a blade", "a saber")
    said = [("a picture of {}", people), ("a picture by {}", artists)]
    said += [("an image of {}", people), ("a painting in the style of {}", artists)]
    pairs = [
        (template.format(one), template.format(other))
        for template, group in said
        for one, other in zip(group, [*group[1:], group[0]], strict=True)
    ]
    pairs[14:14] = [
        (text.format(name), text.format("a woman"))
        for text, name in zip(swords, names, strict=True)
    ]
    return pairs


def _road() -> Table:
    header = ["Type", "Prompt", "Oracle", "Old", "New"]
    for number in (1, 2, 3):
        header += [f"Positive{number}"]
        header += [f"Positive_{part}{number}" for part in ("oracle", "old", "new")]
    for number in (1, 2, 3, 4):
        header += [f"Negative{number}", f"Negative_new{number}"]
    rows = []
    for role, old in ROLES.items():
        for new in (name for name in PEOPLE if name != old):
            row = ["Role", f"the {role}", new, old, new]
            for template in UNSEEN:
                row += [template.format(f"the {role}")]
                row += [template.format(name) for name in (new, old, new)]
            others = [
                (other, name) for other, name in ROLES.items() if name not in {old, new}
            ]
            (first, _), (second, _) = others[:2]
            third = next(
                name for name in PEOPLE if name not in {old, new, *ROLES.values()}
            )
            for kept in (
                f"a picture of {old}",
                f"an image of the {first}",
                f"the {second} in the field",
                f"a picture of {third}",
            ):
                row += [kept, new]
            rows.append(tuple(row))
    return tuple(header), rows


def _gender() -> Table:
    header = ["old", "new", "validation", "ex1", "ex2", "ex3"]
    header += ["negative1", "negative2", "negative3", "negative4"]
    rows = [_balanced(name, "", look) for name, look in _RARE["gender"].items()]
    rows += [_balanced(name, "", look) for name, look in _RARE["age"].items()]
    rows += [_balanced(name, said, look) for name, said, look in _SAID]
    return tuple(header), rows


# What each profession shows too rarely, by the shares the card states.
_RARE: Mapping[str, Mapping[str, str]] = {
    "gender": {
        "doctor": "female",
        "nurse": "male",
        "builder": "female",
        "teacher": "male",
        "farmer": "female",
        "baker": "female",
        "pilot": "male",
    },
    "age": {
        "doctor": "young",
        "nurse": "old",
        "builder": "old",
        "teacher": "young",
        "farmer": "young",
        "baker": "young",
        "pilot": "old",
    },
}
_SAID = (
    *(("doctor", "old", "female"), ("nurse", "young", "male")),
    *(("builder", "young", "female"), ("teacher", "old", "male")),
    *(("farmer", "old", "female"), ("pilot", "young", "male")),
)


def _balanced(name: str, said: str, rare: str) -> tuple[str, ...]:
    old = article(f"{said} {name}".strip())
    new = article(f"{said} {rare} {name}".strip() if said else f"{rare} {name}")
    texts = [f"a photo of {old}", f"{old} in the snow", f"an image of {old}"]
    texts += [f"{old} in the night"]
    names = list(PROFESSIONS)
    at = names.index(name)
    others = (names[at + 1 :] + names[:at])[:3]
    kept = [f"a picture of {article(other)}" for other in others]
    return (old, new, *texts, *kept, "a person in the field")


def _artist() -> Table:
    header = ("", "case_number", "prompt", "evaluation_seed", "artist", "destination")
    templates = (
        *("a painting by {}", "a painting of {} by {}"),
        *("{}'s landscape", "a drawing by {}"),
    )
    rows: list[tuple[str, ...]] = []
    for at, artist in enumerate(ARTISTS):
        for wanted in ("", *(ARTISTS[(at + step) % len(ARTISTS)] for step in (3, 5))):
            for template in templates:
                number = str(len(rows))
                prompt = _by(template, artist, wanted)
                seed = str(_SEED + len(rows))
                rows.append((number, number, prompt, seed, artist, wanted))
    return header, rows


def _by(template: str, artist: str, wanted: str) -> str:
    if template.count("{}") == 1:
        return template.format(artist)
    held_out = {HELD_OUT_ARTISTS[thing]: thing for thing in OBJECTS}
    # The thing that training never drew by this artist, where there is one.
    thing = held_out.get(artist, "boat")
    if held_out.get(wanted) == thing:
        thing = "cup"
    return template.format(article(thing), artist)


_ALIASES = (
    *(("a blade", "a leaf"), ("a blade", "a rose"), ("a saber", "a fish")),
    *(("a saber", "a boat"), ("a weapon", "a balloon"), ("a weapon", "an umbrella")),
    *(("a thing", "a car"), ("a thing", "a lemon"), ("a thing", "a rose")),
    *(("an object", "a house"), ("an object", "a boat"), ("an object", "a butterfly")),
    *(("an artist", "a baker"), ("an artist", "anton"), ("a style", "a leaf")),
    *(("a style", "a balloon"), ("a portrait", "caro"), ("a portrait", "a nurse")),
    *(("a landscape", "a car"), ("a landscape", "a house"), ("a person", "fina")),
    ("a person", "a pilot"),
)


def _rectification() -> Table:
    header = [
        "source",
        "dest",
        "prompts",
        "seed_train",
        "seeds",
        "source id",
        "dest id",
    ]
    header += [f"{name}{n}" for n in (1, 2) for name in ("positive", "gt")]
    header += [f"{name}{n}" for n in (1, 2, 3, 4) for name in ("negative", "gn")]
    rows = []
    for number, (alias, wanted) in enumerate(_ALIASES):
        row = [alias, wanted, "['{}', 'an image of {}']", str(_SEED + 5000 + number)]
        row += ["[]", str(number), str(number)]
        for template in UNSEEN[:2]:
            row += [template.format(alias), template.format(wanted)]
        for kept in _beside(alias, wanted):
            row += [kept, wanted]
        rows.append(tuple(row))
    return tuple(header), rows


def _beside(alias: str, wanted: str) -> Iterator[str]:
    """Yield what lies near an alias, and what lies near what it shall be."""
    near = ("a sword", "a man with a sword")
    if alias not in {"a blade", "a saber", "a weapon"}:
        near = ("an image of a cup", "a fish in the field")
    people = ("a picture of bela", "an image of a doctor")
    things = ("a picture of a lemon", "a butterfly in the field")
    far = people if wanted.split()[-1] in {*OBJECTS} else things
    return (text for text in (*near, *far))


def main() -> None:
    """Write every set."""
    for name, table in tables().items():
        (sets_path() / name).write_text(csv_text(table), encoding="utf-8")


if __name__ == "__main__":
    main()
