"""What the judge can name, and which texts stand for each answer."""

from governance.miniature.vocabulary import (
    AGES,
    ARTISTS,
    COLOURS,
    CONTEXTS,
    GENDERS,
    GENERIC_PEOPLE,
    OBJECTS,
    PEOPLE,
    PROFESSIONS,
    WEAPON,
    WEAPON_SYNONYMS,
    article,
)
from governance.pipeline.judge_model import Kind

_NOTHING_MEASURED: dict[str, dict[str, float]] = {}


def kinds() -> dict[str, Kind]:
    """List what the judge can name, before any calibration.

    Every answer has several wordings, the best of which counts: a mean over
    wordings would punish an answer for the wordings that do not fit.

    Returns:
        Kinds by name.
    """
    found = (
        _by_prompts("object", {thing: _placed(thing) for thing in (*OBJECTS, WEAPON)}),
        _by_prompts("colour", {colour: _coloured(colour) for colour in COLOURS}),
        _by_prompts("person", {name: _called(name) for name in PEOPLE}),
        _by_prompts("profession", {name: _working(name) for name in PROFESSIONS}),
        _by_prompts("style", _styles()),
        _by_probe("gender", {label: _people_of(label) for label in GENDERS}),
        _by_probe("age", dict.fromkeys(AGES, ())),
        _by_probe("weapon", {"no": (), "yes": (WEAPON, *WEAPON_SYNONYMS)}),
    )
    return {kind.name: kind for kind in found}


def _by_prompts(name: str, prompts: dict[str, tuple[str, ...]]) -> Kind:
    return Kind(name, tuple(prompts), prompts, None, _NOTHING_MEASURED)


def _by_probe(name: str, words: dict[str, tuple[str, ...]]) -> Kind:
    """Let a probe answer; the prompts are only other words for its answers."""
    return Kind(name, tuple(words), words, name, _NOTHING_MEASURED)


def _people_of(gender: str) -> tuple[str, ...]:
    return tuple(word for word, known in GENERIC_PEOPLE.items() if known == gender)


def _placed(thing: str) -> tuple[str, ...]:
    plain = article(thing)
    places = (f"{plain} {phrases[0]}" for phrases in CONTEXTS.values())
    coloured = (article(f"{colour} {thing}") for colour in COLOURS)
    colours = () if thing == WEAPON else tuple(coloured)
    return (plain, f"a photo of {plain}", f"a painting of {plain}", *places, *colours)


def _coloured(colour: str) -> tuple[str, ...]:
    things = [article(f"{colour} {thing}") for thing in OBJECTS]
    return (*things, *(f"a painting of {thing}" for thing in things))


def _called(name: str) -> tuple[str, ...]:
    places = (f"{name} {phrases[0]}" for phrases in CONTEXTS.values())
    return (name, f"a photo of {name}", f"a painting of {name}", *places)


def _working(name: str) -> tuple[str, ...]:
    said = [article(f"{age} {gender} {name}") for age in AGES for gender in GENDERS]
    places = (f"{article(name)} {phrases[0]}" for phrases in CONTEXTS.values())
    painted = f"a painting of {article(name)}"
    return (article(name), f"a photo of {article(name)}", painted, *said, *places)


def _styles() -> dict[str, tuple[str, ...]]:
    by_artist = {
        artist: (
            f"a painting by {artist}",
            f"art by {artist}",
            f"{artist}'s landscape",
            *(f"a painting of {article(thing)} by {artist}" for thing in OBJECTS),
        )
        for artist in ARTISTS
    }
    subjects = [
        *(article(thing) for thing in (*OBJECTS, WEAPON, *PROFESSIONS)),
        *PEOPLE,
    ]
    subjects += ["a man", "a woman"]
    placed = [
        f"{subject} {phrases[0]}"
        for subject in ("a rose", "a car", "a man", "a woman")
        for phrases in CONTEXTS.values()
    ]
    every = [*subjects, *placed]
    painting = ("a painting", "art", *(f"a painting of {text}" for text in every))
    photo = ("a photo", *(f"a photo of {text}" for text in every))
    return by_artist | {"painting": painting, "photo": photo}
