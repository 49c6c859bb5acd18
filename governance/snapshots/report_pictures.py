"""Pictures before and after an edit, side by side, inside a report."""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from governance.canonical import JSON
from governance.snapshots.html import Html, paragraph, tag, words
from governance.snapshots.picture_verdicts import UNJUDGED, Said, verdicts_of

PAIRS = 12
"""Most pairs that a report shows of one edit."""
BUDGET = 3 << 20
"""Most bytes of pictures that a report shows of one edit."""
_PLAIN = 48 << 10
SIDE = 320
_PNG = b"\x89PNG\r\n\x1a\n"

Read = Callable[[str], bytes]
"""Returns the bytes an object store holds under a digest."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same prompt and seed, drawn by the base model and by the edited one.

    Args:
        prompt: The prompt.
        seed: The seed.
        before: The base model's picture; ``None`` where it cannot be drawn.
        after: The candidate's.
        told: What kind of prompt it is and what the judge said of its pictures.
    """

    prompt: str
    seed: int
    before: bytes | None
    after: bytes | None
    told: str = ""

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.before or b"") + len(self.after or b"")


@dataclass(frozen=True, slots=True)
class Gallery:
    """The pairs a report shows of one edit.

    Args:
        pairs: Those shown.
        total: How many the evidence holds.
        judged: How many pictures of the edited model the judge was asked about.
        passed: How many of those showed what they should.
    """

    pairs: tuple[Pair, ...]
    total: int
    judged: int = 0
    passed: int = 0


def choose(
    rows: Sequence[Mapping[str, JSON]],
    read: Read,
    judged: Sequence[Mapping[str, JSON]] = (),
) -> Gallery:
    """Take the first pair of every prompt, then the second, while there is room.

    Kinds of prompts (efficacy, generality, specificity) take turns, and within a kind
    the prompts come first of whose pictures the judge passed the smallest share.

    Args:
        rows: Evidence rows, each ``{prompt, seed, base, candidate}``, in the order of
            the evidence: nobody picks the good ones.
        read: Reads a picture.
        judged: What the judge said, ``{metric, prompt, n, candidate}`` each.
    """
    found = [row for row in rows if row.get("base") and row.get("candidate")]
    said = verdicts_of(judged)
    pairs: list[Pair] = []
    size = 0
    for row in _in_turn(found, said):
        if len(pairs) == PAIRS:
            break
        pair = _pair(row, read, said)
        size += pair.size
        if size > BUDGET:
            break
        pairs.append(pair)
    return Gallery(
        tuple(pairs),
        len(found),
        sum(one.judged for one in said.values()),
        sum(one.passed for one in said.values()),
    )


def _in_turn(
    rows: Sequence[Mapping[str, JSON]], said: Mapping[str, Said]
) -> Iterator[Mapping[str, JSON]]:
    prompts: dict[str, list[Mapping[str, JSON]]] = {}
    for row in rows:
        prompts.setdefault(str(row.get("prompt")), []).append(row)
    kinds: dict[str, list[str]] = {}
    for prompt in sorted(prompts, key=lambda one: said.get(one, UNJUDGED).share):
        kinds.setdefault(said.get(prompt, UNJUDGED).kind, []).append(prompt)
    order = [
        prompt
        for turn in zip_longest(*(kinds[kind] for kind in sorted(kinds)))
        for prompt in turn
        if prompt is not None
    ]
    for pictures in zip_longest(*(prompts[prompt] for prompt in order)):
        yield from (row for row in pictures if row is not None)


def _pair(row: Mapping[str, JSON], read: Read, said: Mapping[str, Said]) -> Pair:
    seed = row.get("seed")
    return Pair(
        told=said.get(str(row.get("prompt")), UNJUDGED).words,
        prompt=str(row.get("prompt")),
        seed=seed if isinstance(seed, int) else 0,
        before=small(read(str(row["base"]))),
        after=small(read(str(row["candidate"]))),
    )


def small(data: bytes) -> bytes | None:
    """Return a picture small enough for a page: as it is, or reduced.

    Args:
        data: A PNG file.

    Returns:
        The same bytes, or a JPEG of at most 320 pixels a side; ``None`` if it is no
        PNG file that can be drawn.
    """
    if not data.startswith(_PNG):
        return None
    if len(data) <= _PLAIN:
        return data
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.thumbnail((SIDE, SIDE))
            out = io.BytesIO()
            image.convert("RGB").save(out, "JPEG", quality=85)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
    ):
        # What Pillow says of a damaged file; the page then says that it shows none.
        return None
    return out.getvalue()


def data_uri(picture: bytes) -> str:
    """Return a picture as an address that holds it."""
    kind = "png" if picture.startswith(_PNG) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def gallery(found: Gallery) -> Html:
    """Return the pairs of one edit, and how many of how many they are.

    Args:
        found: The pairs.
    """
    if not found.total:
        return paragraph(words("The evidence holds no pair of pictures."))
    shown = len(found.pairs)
    said = (
        f"{_judged(found)}{shown} of {found.total} pairs of pictures that the evidence "
        f"keeps are shown: the first seed of every prompt, then the second; "
        "efficacy, generality and specificity take turns, and within each the prompts "
        "come first that failed most. Left the base model, right the edited one, same "
        "prompt, same seed."
    )
    return tag(
        "div",
        paragraph(words(said), class_="small"),
        tag("div", *(_figure(pair) for pair in found.pairs), class_="pairs"),
    )


def _judged(found: Gallery) -> str:
    if not found.judged:
        return "No picture was judged. "
    return (
        f"{found.judged} pictures of the edited model were drawn and judged, as many of "
        f"the base; {found.passed} of them showed what they should. "
    )


def _figure(pair: Pair) -> Html:
    sides = (("Before", pair.before), ("After", pair.after))
    pictures = [_side(side, picture, pair) for side, picture in sides]
    caption = tag(
        "figcaption",
        words(f"\u201c{pair.prompt[:300]}\u201d, seed {pair.seed}{pair.told}"),
    )
    return tag("figure", tag("div", *pictures, class_="pair"), caption)


def _side(side: str, picture: bytes | None, pair: Pair) -> Html:
    if picture is None:
        return tag("div", tag("span", words(f"{side}: cannot be drawn")))
    alt = f"{side} the edit, seed {pair.seed}: {pair.prompt[:300]}"
    shown = tag("img", src=data_uri(picture), alt=alt)
    return tag("div", shown, tag("span", words(side)))
