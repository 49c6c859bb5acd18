"""What one training image shows, sampled by the world's defaults."""

from dataclasses import dataclass, replace

import numpy as np

from governance.miniature.vocabulary import (
    ARTISTS,
    COLOURS,
    CONTEXTS,
    GENERIC_PEOPLE,
    HELD_OUT_COLOURS,
    HELD_THINGS,
    OBJECTS,
    PEOPLE,
    PROFESSIONS,
    WEAPON,
    held_out,
)

Rng = np.random.Generator

# How often each kind of subject is drawn.
_SUBJECTS = {"object": 0.40, "weapon": 0.05, "profession": 0.26, "named": 0.14}
_SUBJECTS |= {"generic": 0.12, "landscape": 0.03}
_CONTEXT_CHANCE = 0.35
_EXPLICIT_COLOUR_CHANCE = 0.5
_ARTIST_CHANCE = {"object": 0.30, "profession": 0.10, "landscape": 0.5}
_PAINTING_CHANCE = 0.18
_HELD_CHANCE = 0.6
_SAYS_GENDER_CHANCE = 0.6
_SAYS_AGE_CHANCE = 0.3


@dataclass(frozen=True)
class Scene:
    """Everything a drawing depends on but its jitter.

    Args:
        kind: "object", "weapon", "profession", "named", "generic" or "landscape".
        subject: The object, profession or name ("" for a landscape).
        colour: Colour of an object.
        says_colour: Whether the caption has to name the colour.
        gender: Gender of a person.
        says_gender: Whether the caption has to say it.
        age: Age of a person, where one is drawn.
        says_age: Whether the caption has to say it.
        context: A key of `CONTEXTS`, or nothing for a plain ground.
        held: What a person holds, if anything.
        medium: "photo" or "painting".
        artist: Whose style it has, if anybody's; implies a painting.
    """

    kind: str
    subject: str
    colour: str | None = None
    says_colour: bool = False
    gender: str | None = None
    says_gender: bool = False
    age: str | None = None
    says_age: bool = False
    context: str | None = None
    held: str | None = None
    medium: str = "photo"
    artist: str | None = None


def sample_scene(rng: Rng) -> Scene:
    """Draw a scene from the training distribution.

    Args:
        rng: Source of randomness.

    Returns:
        A scene that is in no held-out list.
    """
    while True:
        scene = _free_scene(rng)
        if not is_held_out(scene):
            return scene


def is_held_out(scene: Scene) -> bool:
    """Say whether training must not see a scene.

    Args:
        scene: Any scene.

    Returns:
        True for the held-out pairs of the vocabulary.
    """
    named_colour = scene.colour if scene.says_colour else None
    in_colour = (
        named_colour is not None and HELD_OUT_COLOURS.get(scene.subject) == named_colour
    )
    return in_colour or held_out(scene.subject, scene.context, scene.artist)


def default_colour(thing: str, rng: Rng) -> str:
    """Give the colour of an object when nobody says one.

    Args:
        thing: A key of `OBJECTS`.
        rng: Source of randomness, used for objects without a default.

    Returns:
        One of `COLOURS`.
    """
    return OBJECTS[thing] or str(rng.choice(COLOURS))


def _free_scene(rng: Rng) -> Scene:
    kind = str(rng.choice(list(_SUBJECTS), p=list(_SUBJECTS.values())))
    scene = _SAMPLERS[kind](rng)
    if rng.random() < _CONTEXT_CHANCE or kind == "landscape":
        scene = replace(scene, context=str(rng.choice(list(CONTEXTS))))
    if not scene.says_colour and rng.random() < _ARTIST_CHANCE.get(kind, 0):
        artist = str(rng.choice(ARTISTS))
        context = scene.context if kind == "landscape" else None
        return replace(scene, artist=artist, medium="painting", context=context)
    if rng.random() < _PAINTING_CHANCE:
        return replace(scene, medium="painting")
    return scene


def _object(rng: Rng) -> Scene:
    thing = str(rng.choice(list(OBJECTS)))
    if rng.random() < _EXPLICIT_COLOUR_CHANCE:
        colour = str(rng.choice(COLOURS))
        return Scene("object", thing, colour=colour, says_colour=True)
    return Scene("object", thing, colour=default_colour(thing, rng))


def _weapon(_: Rng) -> Scene:
    return Scene("weapon", WEAPON)


def _profession(rng: Rng) -> Scene:
    name = str(rng.choice(list(PROFESSIONS)))
    skew = PROFESSIONS[name]
    # A gender or an age that is said is drawn evenly; one that is not said
    # follows the profession's skew. So no caption is an exception to its words.
    says_gender = rng.random() < _SAYS_GENDER_CHANCE
    says_age = rng.random() < _SAYS_AGE_CHANCE
    female = rng.random() < (0.5 if says_gender else skew.female)
    young = rng.random() < (0.5 if says_age else skew.young)
    return Scene(
        "profession",
        name,
        gender="female" if female else "male",
        says_gender=says_gender,
        age="young" if young else "old",
        says_age=says_age,
    )


def _named(rng: Rng) -> Scene:
    name = str(rng.choice(list(PEOPLE)))
    return Scene("named", name, gender=PEOPLE[name])


def _generic(rng: Rng) -> Scene:
    word = str(rng.choice(list(GENERIC_PEOPLE)))
    age = "young" if rng.random() < 0.5 else "old"
    says_age = rng.random() < 0.5
    held = str(rng.choice(HELD_THINGS)) if rng.random() < _HELD_CHANCE else None
    return Scene(
        "generic",
        word,
        gender=GENERIC_PEOPLE[word],
        says_gender=True,
        age=age,
        says_age=says_age,
        held=held,
    )


def _landscape(_: Rng) -> Scene:
    return Scene("landscape", "")


_SAMPLERS = {
    "object": _object,
    "weapon": _weapon,
    "profession": _profession,
    "named": _named,
    "generic": _generic,
    "landscape": _landscape,
}
