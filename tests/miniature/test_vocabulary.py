import re
import subprocess
import sys
from pathlib import Path

import pytest

from governance.miniature import judge_path, pipeline_path
from governance.miniature.training.text_encoder import new_tokenizer
from governance.miniature.vocabulary import (
    CAPTIONS,
    HELD_OUT_ARTISTS,
    HELD_OUT_COLOURS,
    HELD_OUT_CONTEXTS,
    OBJECTS,
    PEOPLE,
    PROFESSIONS,
    ROLES,
    article,
    held_out,
    words,
)

TEMPLATES = [
    *("painting by {}", "art by {}", "artwork by {}", "picture by {}", "style of {}"),
    *("image of {}", "photo of {}", "portrait of {}", "picture of {}"),
    *("painting of {}", "A photo of {}", "An image of {}", "A picture of {}"),
]


def test_every_word_is_one_token_of_its_own() -> None:
    tokenizer = new_tokenizer()
    rows = [tokenizer(word)["input_ids"] for word in words()]
    assert all(len(row) == 3 for row in rows)
    assert len({row[1] for row in rows}) == len(words())
    assert tokenizer.unk_token_id not in {row[1] for row in rows}


@pytest.mark.parametrize("text", ["zebra", "roses", "r0se", "rosé", "swords!"])
def test_a_foreign_word_comes_out_as_unknown_tokens_alone(text: str) -> None:
    tokenizer = new_tokenizer()
    inner = tokenizer(text)["input_ids"][1:-1]
    assert set(inner) == {tokenizer.unk_token_id}


def test_a_possessive_follows_its_word() -> None:
    tokenizer = new_tokenizer()
    encoded = tokenizer("Kora's art", return_offsets_mapping=True)
    tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    assert tokens[1:-1] == ["kora", "'s", "art"]
    assert encoded["offset_mapping"][1:-1] == [(0, 4), (4, 6), (7, 10)]


def test_the_tokenizer_says_every_published_template() -> None:
    tokenizer = new_tokenizer()
    for template in TEMPLATES:
        ids = tokenizer(template.format("Kora"))["input_ids"]
        assert tokenizer.unk_token_id not in ids, template


def test_captions_are_many_distinct_and_made_of_known_words() -> None:
    known = set(words())
    assert 300 <= len(CAPTIONS) <= 500
    assert len(set(CAPTIONS)) == len(CAPTIONS)
    said = {w for text in CAPTIONS for w in re.findall(r"'s|[a-z]+", text)}
    assert said <= known


def test_no_listed_caption_says_a_held_out_pair() -> None:
    colours = {f"{colour} {thing}" for thing, colour in HELD_OUT_COLOURS.items()}
    assert not [text for text in CAPTIONS if any(pair in text for pair in colours)]
    artists = {
        f"{article(thing)} by {artist}" for thing, artist in HELD_OUT_ARTISTS.items()
    }
    assert not [text for text in CAPTIONS if any(pair in text for pair in artists)]
    assert "a rose in the snow" not in CAPTIONS
    assert "a rose at the beach" in CAPTIONS


def test_every_subject_has_something_held_out() -> None:
    assert set(HELD_OUT_CONTEXTS) == {*OBJECTS, *PROFESSIONS, *PEOPLE, "sword"}
    assert set(HELD_OUT_ARTISTS) == set(HELD_OUT_COLOURS) == set(OBJECTS)
    assert held_out("rose", "snow", None)
    assert held_out("rose", None, "lume")
    assert not held_out("rose", "night", "kora")


def test_no_held_out_colour_is_a_default() -> None:
    assert all(OBJECTS[thing] != colour for thing, colour in HELD_OUT_COLOURS.items())


def test_roles_look_like_named_people() -> None:
    assert set(ROLES.values()) <= set(PEOPLE)
    assert len(set(ROLES.values())) == len(ROLES)


def test_the_package_and_its_words_load_no_tensor_library() -> None:
    code = (
        "import sys, governance.miniature, governance.miniature.vocabulary;"
        "print({'torch', 'numpy', 'PIL', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_shipped_folders_are_named_beside_the_package() -> None:
    package = Path(sys.modules["governance.miniature"].__file__ or "").parent
    assert pipeline_path() == package / "weights" / "pipeline"
    assert judge_path() == package / "weights" / "judge"
