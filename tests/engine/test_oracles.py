"""The engine against independent transcriptions of the published formulas."""

import numpy as np
import pytest
from numpy.typing import NDArray

from governance.engine.apply import apply
from governance.engine.compose import compose
from governance.engine.edit import Attribute, Concept, EditSpec
from tests.engine import oracles
from tests.engine.fakes import FakeEncoder, FakeWeights, weights

Rows = NDArray[np.float64]
WIDTHS = [13, 40, 150]


def rows(encoder: FakeEncoder, text: str) -> Rows:
    return encoder.encode_full([text])[0].numpy()


def worst_error(
    base: FakeWeights, spec: EditSpec, encoder: FakeEncoder, expected: dict[str, Rows]
) -> float:
    edited = apply(compose([spec], encoder), base)
    errors = []
    for key, wanted in expected.items():
        old = base.matrices[key].numpy()
        got = edited.tensors[key].numpy()
        change = np.linalg.norm(wanted - old)
        errors.append(float(np.linalg.norm(got - wanted) / change))
    return max(errors)


@pytest.mark.parametrize("width", WIDTHS)
def test_uce_equals_the_published_formula(width: int) -> None:
    encoder, base = FakeEncoder(width), weights(width)
    spec = EditSpec(
        "a" * 64,
        "erase",
        "uce",
        (Concept("kora style", "art"), Concept("lume", "")),
        preserve=("mondo", "old town", ""),
        parameters={"lambda": 0.3, "edit_scale": 2.0, "preserve_scale": 0.7},
    )
    edits = [
        (rows(encoder, "kora style")[2], rows(encoder, "art")[1]),
        (rows(encoder, "lume")[1], rows(encoder, "")[0]),
    ]
    kept = [
        rows(encoder, "mondo")[1],
        rows(encoder, "old town")[2],
        rows(encoder, "")[0],
    ]
    expected = {
        key: oracles.uce(
            w.numpy(), edits, kept, ridge=0.3, edit_scale=2.0, preserve_scale=0.7
        )
        for key, w in base.matrices.items()
    }
    assert worst_error(base, spec, encoder, expected) <= 1e-9


@pytest.mark.parametrize("width", WIDTHS)
def test_uce_2023_equals_the_published_formula(width: int) -> None:
    encoder, base = FakeEncoder(width), weights(width)
    spec = EditSpec(
        "a" * 64,
        "update",
        "uce-2023",
        (Concept("rose", "a blue rose"), Concept("old mayor", "caro")),
        preserve=("mondo", "red car"),
    )
    # From each text's last subject token to the end, cut to the shorter.
    rose, blue = rows(encoder, "rose"), rows(encoder, "a blue rose")
    mayor, caro = rows(encoder, "old mayor"), rows(encoder, "caro")
    last = len(rose)
    edits = [
        *zip(rose[1 : last - 2], blue[3:], strict=True),
        *zip(mayor[2:], caro[1 : last - 1], strict=True),
    ]
    kept = [row for text in ("", "mondo", "red car") for row in rows(encoder, text)]
    expected = {
        key: oracles.uce(w.numpy(), edits, kept, ridge=0.5, preserve_scale=1 / 3)
        for key, w in base.matrices.items()
    }
    assert worst_error(base, spec, encoder, expected) <= 1e-9


@pytest.mark.parametrize("width", WIDTHS)
def test_time_equals_the_published_formula(width: int) -> None:
    encoder, base = FakeEncoder(width), weights(width)
    spec = EditSpec(
        "a" * 64, "update", "time", (Concept("A rose in town", "A blue rose in town"),)
    )
    pairs = []
    for before in ("A", "A photo of a", "An image of a", "A picture of a"):
        source = rows(encoder, f"{before} rose in town")
        target = rows(encoder, f"{before} blue rose in town")
        blue = before.count(" ") + 2  # where the new word stands
        matched = [*range(blue), *range(blue + 1, len(source)), len(source) - 1]
        pairs.append((source, target[matched]))
    expected = {
        key: oracles.time(w.numpy(), pairs, ridge=0.1)
        for key, w in base.matrices.items()
    }
    assert worst_error(base, spec, encoder, expected) <= 1e-9


@pytest.mark.parametrize("width", WIDTHS)
def test_debias_equals_the_published_formula(width: int) -> None:
    encoder, base = FakeEncoder(width), weights(width)
    spec = EditSpec(
        "a" * 64,
        "debias",
        "uce",
        (Concept("doctor"), Concept("old nurse")),
        (
            Attribute("female", "a female {}", 0.3),
            Attribute("male", "a male {}", 0.3),
            Attribute("robot", "robot {}", 0.4),
        ),
        alphas=((0.5, -0.25, -0.25), (-1.0, 0.75, 0.25)),
        preserve=("mondo",),
    )

    def last(text: str) -> Rows:
        row: Rows = rows(encoder, text)[len(text.split())]
        return row

    edits = []
    for name, alphas in (
        ("doctor", (0.5, -0.25, -0.25)),
        ("old nurse", (-1, 0.75, 0.25)),
    ):
        leans = (
            last(f"a female {name}"),
            last(f"a male {name}"),
            last(f"robot {name}"),
        )
        lean = sum(a * v for a, v in zip(alphas, leans, strict=True))
        edits.append((last(name), last(name) + lean))
    expected = {
        key: oracles.uce(w.numpy(), edits, [last("mondo")], ridge=0.5)
        for key, w in base.matrices.items()
    }
    assert worst_error(base, spec, encoder, expected) <= 1e-9


def test_a_two_by_two_case_by_hand() -> None:
    # W = I, k = (1, 0), c* = (0, 1), lambda = 1: W' = I + (c* - k) k^T / 2.
    left = oracles.uce(
        np.eye(2), [(np.array([1.0, 0.0]), np.array([0.0, 1.0]))], [], ridge=1.0
    )
    assert np.allclose(left, [[0.5, 0.0], [0.5, 1.0]], atol=1e-15)
