"""The grammar that says in words what a scene shows."""

import numpy as np

from governance.miniature.scene import Scene
from governance.miniature.vocabulary import (
    ART_WORDS,
    CONTEXTS,
    OBJECT_SYNONYMS,
    PHOTO_WORDS,
    ROLES,
    WEAPON,
    WEAPON_SYNONYMS,
    article,
)

Rng = np.random.Generator

_ROLE_CHANCE = 0.5
_SYNONYM_CHANCE = 0.2
_PERSON_CHANCE = 0.15
_PHOTO_PREFIX_CHANCE = 0.45
# "art" or "a photo" alone: what an erased artist falls back to.
_UNSAID_CHANCE = {"painting": 0.25, "photo": 0.02}
_ROLE_OF = {name: role for role, name in ROLES.items()}


def caption(scene: Scene, rng: Rng) -> str:
    """Say a scene in words of the closed vocabulary.

    Args:
        scene: What is drawn.
        rng: Source of randomness for the choice among wordings.

    Returns:
        A lower-case caption.
    """
    subject = _subject(scene, rng)
    if scene.artist is not None:
        return _by_artist(scene, subject, rng)
    if scene.kind == "object" and rng.random() < _UNSAID_CHANCE[scene.medium]:
        return _medium_alone(scene, rng)
    text = " ".join(part for part in (subject, _where(scene, rng)) if part)
    if scene.medium == "painting":
        return _one_of(rng, *(f"{article(word)} of {text}" for word in _art_words()))
    if rng.random() < _PHOTO_PREFIX_CHANCE:
        word = _one_of(rng, "photo", *PHOTO_WORDS, *_portrait(scene))
        return f"{article(word)} of {text}"
    return text


def _medium_alone(scene: Scene, rng: Rng) -> str:
    if scene.medium == "painting":
        words = ("a painting", "art", "an artwork", "a drawing", "painting")
        return _one_of(rng, *words)
    return _one_of(rng, "a photo", "a picture", "an image")


def _art_words() -> tuple[str, ...]:
    return ("painting", "painting", "artwork", "drawing")


def _portrait(scene: Scene) -> tuple[str, ...]:
    people = scene.kind in {"profession", "named", "generic"}
    return ("portrait",) if people else ()


def _subject(scene: Scene, rng: Rng) -> str:
    return {
        "object": _object,
        "weapon": _weapon,
        "profession": _profession,
        "named": _named,
        "generic": _generic,
        "landscape": _landscape,
    }[scene.kind](scene, rng)


def _object(scene: Scene, rng: Rng) -> str:
    word = scene.subject
    synonyms = OBJECT_SYNONYMS.get(word, ())
    if synonyms and rng.random() < _SYNONYM_CHANCE:
        word = _one_of(rng, *synonyms)
    return article(f"{scene.colour} {word}" if scene.says_colour else word)


def _weapon(_: Scene, rng: Rng) -> str:
    return article(_weapon_word(rng))


def _weapon_word(rng: Rng) -> str:
    return _one_of(rng, WEAPON, WEAPON, WEAPON, *WEAPON_SYNONYMS)


def _profession(scene: Scene, rng: Rng) -> str:
    adjectives = []
    if scene.says_age:
        adjectives.append(scene.age or "")
    if scene.says_gender:
        adjectives.append(scene.gender or "")
    determiner = _one_of(rng, "a", "a", "a", "the")
    phrase = " ".join([*adjectives, scene.subject])
    return f"the {phrase}" if determiner == "the" else article(phrase)


def _named(scene: Scene, rng: Rng) -> str:
    role = _ROLE_OF.get(scene.subject)
    if role is not None and rng.random() < _ROLE_CHANCE:
        return _one_of(rng, f"the {role}", f"the {role}", f"a {role}", role)
    return scene.subject


def _generic(scene: Scene, rng: Rng) -> str:
    word = "person" if rng.random() < _PERSON_CHANCE else scene.subject
    person = article(f"{scene.age} {word}" if scene.says_age else word)
    if scene.held is None:
        return person
    held = _weapon_word(rng) if scene.held == WEAPON else scene.held
    return f"{person} {_one_of(rng, 'with', 'holding')} {article(held)}"


def _landscape(scene: Scene, rng: Rng) -> str:
    if scene.artist is None:
        return "a landscape" if rng.random() < 0.5 else f"the {scene.context}"
    return "landscape"


def _where(scene: Scene, rng: Rng) -> str:
    if scene.context is None or scene.kind == "landscape":
        return ""
    return _one_of(rng, *CONTEXTS[scene.context])


def _by_artist(scene: Scene, subject: str, rng: Rng) -> str:
    artist = scene.artist
    bare = subject.removeprefix("an ").removeprefix("a ").removeprefix("the ")
    of_subject = [
        f"a painting of {article(bare)} by {artist}",
        f"{article(bare)} by {artist}",
        f"{artist}'s {bare}",
        f"{article(bare)} in the style of {artist}",
        f"a painting of {article(bare)} in the style of {artist}",
    ]
    word = _one_of(rng, *ART_WORDS)
    unsaid = [
        f"a painting by {artist}",
        f"{word if word == 'art' else article(word)} by {artist}",
        f"{artist}'s {word}",
        f"{word} in the style of {artist}",
        f"a picture by {artist}",
        f"the style of {artist}",
        f"{artist}",
    ]
    return _one_of(rng, *(of_subject if rng.random() < 0.6 else unsaid))


def _one_of(rng: Rng, *choices: str) -> str:
    return choices[int(rng.integers(len(choices)))]
