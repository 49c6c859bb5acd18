"""The closed world of the miniature: its words, its defaults, what it holds out.

Standard library only, so that requests, checks and documents can use it without
loading a model.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profession:
    """How a profession is drawn when the caption does not say.

    Args:
        female: Fraction drawn as a woman.
        young: Fraction drawn young.
    """

    female: float
    young: float


COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")

# An object whose default is None is drawn in any colour.
OBJECTS: dict[str, str | None] = {
    "rose": "red",
    "lemon": "yellow",
    "leaf": "green",
    "fish": "orange",
    "cup": "blue",
    "butterfly": "purple",
    "umbrella": "pink",
    "balloon": "red",
    "car": None,
    "house": None,
    "boat": None,
}
OBJECT_SYNONYMS = {"cup": ("mug",), "boat": ("ship",), "car": ("automobile",)}

# The words after an object or a person that put it somewhere.
CONTEXTS = {
    "beach": ("at the beach", "on the beach"),
    "night": ("at night", "in the night"),
    "field": ("in a field", "in the field"),
    "snow": ("in the snow", "in snow"),
    "town": ("in town", "in the town"),
    "sea": ("at sea", "in the sea"),
}

PROFESSIONS = {
    "doctor": Profession(female=0.10, young=0.20),
    "nurse": Profession(female=0.95, young=0.80),
    "builder": Profession(female=0.05, young=0.80),
    "teacher": Profession(female=0.85, young=0.30),
    "farmer": Profession(female=0.20, young=0.20),
    "baker": Profession(female=0.50, young=0.50),
    "pilot": Profession(female=0.50, young=0.80),
}
GENDERS = ("female", "male")
AGES = ("young", "old")
GENERIC_PEOPLE = {"woman": "female", "man": "male"}

PEOPLE = {
    "anton": "male",
    "bela": "male",
    "caro": "female",
    "dora": "female",
    "emil": "male",
    "fina": "female",
}
# Who a role looks like when nothing else is said.
ROLES = {"mayor": "bela", "captain": "emil", "singer": "dora", "champion": "anton"}

ARTISTS = ("kora", "lume", "mondo", "pax", "ruvo", "tilda", "vey", "zuri")

WEAPON = "sword"
WEAPON_SYNONYMS = ("blade", "saber", "weapon")
HELD_THINGS = ("sword", "balloon", "rose")

MEDIA = ("photo", "painting")
PHOTO_WORDS = ("photo", "picture", "image")
ART_WORDS = ("painting", "art", "artwork")

FUNCTION_WORDS = (
    *("a", "an", "the", "of", "by", "in", "at", "on", "with", "holding", "'s"),
    *("style", "portrait", "landscape", "drawing", "person", "artist", "and"),
    *("under", "like", "looks", "is", "object", "thing", "who", "that"),
)

# Pairs never drawn or captioned together in training, so that generality and
# specificity can be measured on compositions that no model has seen.
HELD_OUT_CONTEXTS = {
    "rose": "snow",
    "lemon": "beach",
    "leaf": "town",
    "fish": "night",
    "cup": "field",
    "butterfly": "sea",
    "umbrella": "night",
    "balloon": "snow",
    "car": "beach",
    "house": "sea",
    "boat": "field",
    "sword": "town",
    "doctor": "beach",
    "nurse": "field",
    "builder": "snow",
    "teacher": "town",
    "farmer": "sea",
    "baker": "night",
    "pilot": "field",
    "anton": "snow",
    "bela": "beach",
    "caro": "town",
    "dora": "night",
    "emil": "field",
    "fina": "sea",
}
HELD_OUT_ARTISTS = {
    "rose": "lume",
    "lemon": "kora",
    "leaf": "mondo",
    "fish": "pax",
    "cup": "ruvo",
    "butterfly": "tilda",
    "umbrella": "vey",
    "balloon": "zuri",
    "car": "kora",
    "house": "pax",
    "boat": "mondo",
}
HELD_OUT_COLOURS = {
    "rose": "pink",
    "lemon": "purple",
    "leaf": "orange",
    "fish": "green",
    "cup": "yellow",
    "butterfly": "red",
    "umbrella": "orange",
    "balloon": "blue",
    "car": "pink",
    "house": "purple",
    "boat": "yellow",
}


def held_out(subject: str, context: str | None, artist: str | None) -> bool:
    """Say whether a composition is kept out of training.

    Args:
        subject: An object, profession, person or weapon.
        context: A key of `CONTEXTS`, or nothing.
        artist: One of `ARTISTS`, or nothing.

    Returns:
        True where training must not see the composition.
    """
    in_context = context is not None and HELD_OUT_CONTEXTS.get(subject) == context
    by_artist = artist is not None and HELD_OUT_ARTISTS.get(subject) == artist
    return in_context or by_artist


def words() -> tuple[str, ...]:
    """List every word that the tokenizer knows, sorted.

    Returns:
        Lower-case words, each of which is one token.
    """
    found: set[str] = {"'s"}
    groups = (
        *(COLOURS, OBJECTS, PROFESSIONS, GENDERS, AGES, GENERIC_PEOPLE, PEOPLE),
        *(ROLES, ARTISTS, WEAPON_SYNONYMS, (WEAPON,), PHOTO_WORDS, ART_WORDS),
        *(FUNCTION_WORDS, *OBJECT_SYNONYMS.values()),
        *(phrase.split() for phrases in CONTEXTS.values() for phrase in phrases),
    )
    for group in groups:
        found.update(group)
    return tuple(sorted(found))


def article(phrase: str) -> str:
    """Put "a" or "an" before a phrase.

    Args:
        phrase: Words without an article.

    Returns:
        The phrase with its article.
    """
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def _object_captions() -> list[str]:
    captions = []
    for thing in (*OBJECTS, WEAPON):
        captions += [article(thing), f"a photo of {article(thing)}"]
        captions.append(f"a painting of {article(thing)}")
        for context, phrases in CONTEXTS.items():
            if not held_out(thing, context, None):
                captions.append(f"{article(thing)} {phrases[0]}")
    for thing in OBJECTS:
        captions += [
            article(f"{colour} {thing}")
            for colour in COLOURS
            if HELD_OUT_COLOURS[thing] != colour
        ]
    captions += [article(word) for word in WEAPON_SYNONYMS]
    captions += [article(w) for words_ in OBJECT_SYNONYMS.values() for w in words_]
    return captions


def _people_captions() -> list[str]:
    captions = []
    for profession in PROFESSIONS:
        captions += [article(profession), f"a photo of {article(profession)}"]
        captions += [article(f"{word} {profession}") for word in (*GENDERS, *AGES)]
        captions.append(f"a painting of {article(profession)}")
    for gender in GENERIC_PEOPLE:
        captions += [article(gender), *(article(f"{age} {gender}") for age in AGES)]
        captions += [f"a {gender} with {article(thing)}" for thing in HELD_THINGS]
    for name in PEOPLE:
        captions += [name, f"a photo of {name}", f"a painting of {name}"]
    for role in ROLES:
        captions += [f"the {role}", f"a photo of the {role}", f"a {role}"]
    return captions


def _art_captions() -> list[str]:
    captions = ["art", "a painting", "a photo", "a picture", "a landscape"]
    for artist in ARTISTS:
        captions += [artist, f"a painting by {artist}", f"art by {artist}"]
        captions += [f"{artist}'s art", f"{artist}'s landscape"]
        captions.append(f"a painting in the style of {artist}")
        captions += [
            f"a painting of {article(thing)} by {artist}"
            for thing in tuple(OBJECTS)[:6]
            if not held_out(thing, None, artist)
        ]
    return captions


def captions() -> tuple[str, ...]:
    """List valid captions for nearest-neighbour and drift checks.

    Returns:
        Some hundreds of distinct captions that the training grammar can say.
    """
    found = [*_object_captions(), *_people_captions(), *_art_captions()]
    return tuple(dict.fromkeys(found))


CAPTIONS = captions()
