"""The demo's requests do on the miniature what their titles say."""

from collections.abc import Iterator

import pytest

from tests.demo.bench import Bench, base_value, make_bench, request_named, value_of


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = make_bench()
    yield made
    made.drawer.close()


@pytest.mark.parametrize("name", ["update-rose", "erase-artist", "moderate-sword"])
def test_a_good_edit_works_and_the_unedited_model_fails_the_same_check(
    bench: Bench, name: str
) -> None:
    found = bench.measure(request_named(name))
    assert base_value(found, "efficacy") < 0.3
    assert value_of(found, "efficacy") > 0.75
    assert value_of(found, "generality") > 0.6
    assert value_of(found, "specificity") > 0.75


def test_the_careless_edit_ruins_what_it_should_have_left_alone(bench: Bench) -> None:
    found = bench.measure(request_named("careless-lemon"))
    assert base_value(found, "specificity") > 0.8
    assert value_of(found, "specificity") < 0.7


def test_leaning_a_doctor_moves_the_share_of_women(bench: Bench) -> None:
    request = request_named("debias-doctor")
    base = bench.measure(request, alphas=((0.0, 0.0),))
    leaned = bench.measure(request, alphas=((1.0, -1.0),))
    assert base_value(base, "ratio.female") < 0.3
    assert value_of(leaned, "ratio.female") > value_of(base, "ratio.female") + 0.2
