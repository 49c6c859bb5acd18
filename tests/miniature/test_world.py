from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from governance.miniature.canvas import PALETTE
from governance.miniature.captioning import caption
from governance.miniature.dataset import draw_many, load, save
from governance.miniature.drawing import draw
from governance.miniature.scene import Scene, is_held_out, sample_scene
from governance.miniature.training.text_encoder import new_tokenizer
from governance.miniature.vocabulary import (
    ARTISTS,
    CONTEXTS,
    OBJECTS,
    PEOPLE,
    PROFESSIONS,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    source = rng(5)
    return [sample_scene(source) for _ in range(6000)]


def test_no_sampled_scene_is_held_out(scenes: list[Scene]) -> None:
    assert not any(is_held_out(scene) for scene in scenes)


def test_every_caption_is_in_the_vocabulary_and_short_enough(
    scenes: list[Scene],
) -> None:
    source = rng(6)
    tokenizer = new_tokenizer()
    texts = sorted({caption(scene, source) for scene in scenes})
    for row in tokenizer(texts)["input_ids"]:
        assert tokenizer.unk_token_id not in row
        assert len(row) <= tokenizer.model_max_length


def test_unsaid_genders_follow_the_skew(scenes: list[Scene]) -> None:
    for name, skew in PROFESSIONS.items():
        unsaid = [s for s in scenes if s.subject == name and not s.says_gender]
        female = np.mean([s.gender == "female" for s in unsaid])
        assert abs(female - skew.female) < 0.17, name


def test_most_profession_captions_say_the_gender_evenly(scenes: list[Scene]) -> None:
    people = [s for s in scenes if s.kind == "profession"]
    said = [s for s in people if s.says_gender]
    assert 0.5 < len(said) / len(people) < 0.7
    assert 0.4 < np.mean([s.gender == "female" for s in said]) < 0.6


def test_a_caption_says_the_colour_and_gender_that_it_has_to() -> None:
    coloured = Scene("object", "rose", colour="blue", says_colour=True)
    doctor = Scene("profession", "doctor", gender="female", says_gender=True)
    for seed in range(20):
        assert "blue rose" in caption(coloured, rng(seed))
        assert "female" in caption(doctor, rng(seed))


def test_a_default_is_never_said() -> None:
    rose = Scene("object", "rose", colour="red")
    doctor = Scene("profession", "doctor", gender="male", age="old")
    for seed in range(30):
        assert "red" not in caption(rose, rng(seed))
        assert not {"male", "old"} & set(caption(doctor, rng(seed)).split())


def test_a_drawing_depends_on_scene_and_seed_alone() -> None:
    scene = Scene("object", "car", colour="green", context="town")
    assert np.array_equal(draw(scene, rng(3)), draw(scene, rng(3)))
    assert not np.array_equal(draw(scene, rng(3)), draw(scene, rng(4)))


@pytest.mark.parametrize("thing", OBJECTS)
@pytest.mark.parametrize("colour", PALETTE)
def test_an_object_shows_its_colour(thing: str, colour: str) -> None:
    pixels = draw(Scene("object", thing, colour=colour), rng()).astype(int)
    near = np.abs(pixels - np.array(PALETTE[colour])).max(axis=2) < 12
    assert near.sum() > 150


@pytest.mark.parametrize("artist", ARTISTS)
def test_an_artists_style_changes_most_of_a_picture(artist: str) -> None:
    plain = Scene("object", "house", colour="orange", medium="painting")
    styled = replace(plain, artist=artist)
    difference = draw(plain, rng(1)).astype(int) - draw(styled, rng(1))
    assert (np.abs(difference).max(axis=2) > 20).mean() > 0.3


def test_styles_differ_from_each_other() -> None:
    plain = Scene("object", "house", colour="orange", medium="painting")
    pictures = [draw(replace(plain, artist=a), rng(1)).astype(int) for a in ARTISTS]
    for index, picture in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert np.abs(picture - other).mean() > 20


@pytest.mark.parametrize("profession", PROFESSIONS)
def test_gender_and_age_are_large_features(profession: str) -> None:
    man = Scene("profession", profession, gender="male", age="young")
    for other in (replace(man, gender="female"), replace(man, age="old")):
        difference = draw(man, rng(2)).astype(int) - draw(other, rng(2))
        assert (np.abs(difference).max(axis=2) > 60).sum() > 100


def test_named_people_differ_from_each_other() -> None:
    drawn = [draw(Scene("named", name), rng(1)).astype(int) for name in PEOPLE]
    for index, picture in enumerate(drawn):
        for other in drawn[index + 1 :]:
            assert np.abs(picture - other).mean() > 15


def test_places_differ_from_each_other() -> None:
    drawn = [draw(Scene("landscape", "", context=c), rng()) for c in CONTEXTS]
    for index, picture in enumerate(drawn):
        for other in drawn[index + 1 :]:
            assert np.abs(picture.astype(int) - other).mean() > 20


def test_a_data_set_does_not_depend_on_the_number_of_processes() -> None:
    alone, together = draw_many(1010, 9), draw_many(1010, 9, workers=2)
    assert np.array_equal(alone.images, together.images)
    assert alone.captions == together.captions


def test_a_data_set_comes_back_as_it_was_written(
    tmp_path: Path,
) -> None:
    drawn = draw_many(30, 9)
    save(drawn, tmp_path)
    again = load(tmp_path)
    assert np.array_equal(again.images, drawn.images)
    assert (again.scenes, again.captions) == (drawn.scenes, drawn.captions)


def test_all_kinds_of_subject_are_sampled(scenes: list[Scene]) -> None:
    counts = Counter(scene.kind for scene in scenes)
    assert min(counts.values()) > 100
    assert {s.subject for s in scenes} >= {*OBJECTS, *PROFESSIONS, *PEOPLE, "sword"}
