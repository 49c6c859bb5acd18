from dataclasses import replace

import pytest

from governance.canonical import JSON
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.engine.presets import effective, preserved, validate
from governance.engine.text_presets import (
    emcid_layers,
    emcid_parameters,
    refact_layer,
    refact_parameters,
)
from governance.errors import ExitCode, RequestError

ERASE = EditSpec("a", "erase", "uce", (Concept("kora"),))
DEBIAS = EditSpec(
    "a",
    "debias",
    "uce",
    (Concept("doctor"),),
    (Attribute("f", "a female {}", 0.5), Attribute("m", "a male {}", 0.5)),
)


def test_defaults_are_those_of_the_papers() -> None:
    uce = validate(ERASE)
    assert (uce.ridge, uce.edit_scale, uce.preserve_scale) == (0.5, 1.0, 1.0)
    assert (uce.tokens, uce.preserve_tokens) == ("last", "last")
    old = validate(replace(ERASE, method="uce-2023"))
    assert (old.tokens, old.preserve_tokens) == ("tail", "all")
    time = validate(EditSpec("a", "update", "time", (Concept("x", "y x"),)))
    assert (time.ridge, time.preserve_scale, len(time.templates)) == (0.1, 0.0, 4)


@pytest.mark.parametrize(("count", "scale"), [(0, 1.0), (1, 0.5), (3, 0.25), (80, 0.1)])
def test_uce_2023_weighs_its_preserve_set_by_its_length(
    count: int, scale: float
) -> None:
    kept = tuple(f"kept{n}" for n in range(count))
    spec = replace(ERASE, method="uce-2023", preserve=kept)
    assert preserved(spec)[0] == ""
    assert validate(spec).preserve_scale == pytest.approx(scale)
    assert effective(spec)["preserve_scale"] == pytest.approx(scale)


def test_effective_parameters_name_only_what_the_action_uses() -> None:
    assert "images" not in effective(ERASE)
    assert effective(DEBIAS)["images"] == 100


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lambda", 0),
        ("lambda", -1.0),
        ("lambda", True),
        ("lambda", "0.5"),
        ("lambda", float("nan")),
        ("lambda", float("inf")),
        ("lambda", None),
        ("lambda", 10**400),
        ("edit_scale", 0),
        ("preserve_scale", -0.1),
        ("preserve_scale", None),
        ("tokens", "all"),
        ("tokens", ["last"]),
        ("preserve_tokens", "some"),
        ("projections", ["k"]),
        ("projections", "kv"),
        ("projections", []),
        ("templates", "artist"),
        ("templates", True),
        ("templates", ["no place"]),
        ("templates", ["{} and {}"]),
        ("templates", ["{}\x1b[31m"]),
        ("templates", []),
        ("templates", ["a {}", "a {}"]),
        ("step_size", 0.5),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: JSON) -> None:
    with pytest.raises(
        RequestError, match=f"spec.parameters.{name} is wrong"
    ) as caught:
        validate(replace(ERASE, parameters={name: value}))
    assert caught.value.field == f"spec.parameters.{name}"
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step_size", 0),
        ("tolerance", 0),
        ("max_rounds", 0),
        ("max_rounds", 2.0),
        ("images", 99),
        ("images", True),
    ],
)
def test_a_wrong_search_parameter_is_named(name: str, value: JSON) -> None:
    with pytest.raises(RequestError, match=f"spec.parameters.{name} is wrong"):
        validate(replace(DEBIAS, parameters={name: value}))


def test_too_few_images_for_the_tolerance_are_refused_with_the_number() -> None:
    with pytest.raises(
        RequestError, match=r"at least 100 to resolve a tolerance of 0\.05"
    ):
        validate(replace(DEBIAS, parameters={"images": 10}))
    fine = validate(replace(DEBIAS, parameters={"images": 25, "tolerance": 0.1}))
    assert fine.debias is not None
    assert fine.debias.images == 25


def test_an_unknown_parameter_is_refused_and_shown_safely() -> None:
    with pytest.raises(
        RequestError, match=r"spec.parameters.\\x1b\[31mx is wrong"
    ) as caught:
        validate(replace(ERASE, parameters={"\x1b[31mx": 1}))
    assert caught.value.message.isprintable()


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(
        RequestError, match="uce-2023 or refact or emcid, found 'magic'"
    ):
        validate(replace(ERASE, method="magic"))


@pytest.mark.parametrize(
    ("method", "action"),
    [
        *(("time", action) for action in ("erase", "moderate", "fly")),
        *(("refact", action) for action in ("debias", "moderate")),
        ("emcid", "moderate"),
    ],
)
def test_a_method_does_nothing_it_was_not_published_for(
    method: str, action: str
) -> None:
    with pytest.raises(RequestError, match=f"expected .* with method {method}"):
        validate(replace(ERASE, method=method, action=action))


KORA = EditSpec("a" * 64, "update", "emcid", (Concept("kora", "lume"),))


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        ("refact", "layer", -1),
        ("refact", "probability", 1),
        ("refact", "max_steps", 0),
        ("refact", "contrast", []),
        ("refact", "contrast", ["a cat", "a cat"]),
        ("refact", "templates", ["no place"]),
        ("refact", "layers", [1]),
        ("emcid", "layers", [3, 2]),
        ("emcid", "layers", []),
        ("emcid", "lambda", 0),
        ("emcid", "alpha", 1),
        ("emcid", "alpha", 0),
        ("emcid", "residual", "other"),
        ("emcid", "prior", None),
        ("emcid", "seed", True),
        ("emcid", "images", 100),
    ],
)
def test_a_wrong_text_encoder_parameter_is_named(
    method: str, name: str, value: object
) -> None:
    wrong = replace(KORA, method=method, parameters={name: value})  # type: ignore[dict-item]
    with pytest.raises(RequestError, match=f"spec.parameters.{name}") as caught:
        validate(wrong)
    assert caught.value.field == f"spec.parameters.{name}"


def test_refact_needs_somewhere_to_go_and_emcid_takes_pictures() -> None:
    nowhere = replace(KORA, action="erase", concepts=(Concept("kora"),))
    with pytest.raises(RequestError, match="a text with method refact"):
        validate(replace(nowhere, method="refact"))
    assert validate(nowhere).projections == ()
    pictured = replace(KORA, concepts=(Concept("kora", images=("ab",)),))
    assert validate(pictured).templates


@pytest.mark.parametrize(
    ("depth", "layer", "last"), [(12, 9, 10), (23, 17, 20), (4, 2, 2), (1, 0, 0)]
)
def test_published_layers_keep_their_place_in_other_depths(
    depth: int, layer: int, last: int
) -> None:
    assert refact_layer(refact_parameters(KORA), depth) == layer
    assert emcid_layers(emcid_parameters(KORA), depth) == tuple(range(last + 1))
    with pytest.raises(RequestError, match=r"spec\.parameters\.layer"):
        refact_layer(
            refact_parameters(replace(KORA, parameters={"layer": depth})), depth
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attributes": ()}, "at least one with action debias"),
        ({"attributes": (Attribute("f", "a {}", 0.4),)}, "ratios that sum to 1"),
        ({"attributes": (Attribute("f", "a {}", 1.4),)}, "attributes.0.ratio is wrong"),
        ({"alphas": ((0.5,),)}, "one number per concept in every attribute"),
        ({"alphas": ((0.5, float("nan")),)}, "attributes.alpha is wrong"),
        ({"concepts": ()}, "spec.concepts is wrong"),
        ({"concepts": (Concept("  "),)}, "spec.concepts.0.source is wrong"),
        (
            {
                "concepts": (Concept("a"), Concept("b")),
                "attributes": (Attribute("f", "a woman", 1.0),),
            },
            "since there are several concepts",
        ),
    ],
)
def test_a_wrong_debias_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        validate(replace(DEBIAS, **changes))  # type: ignore[arg-type]


def test_an_update_needs_a_destination() -> None:
    with pytest.raises(RequestError, match=r"spec\.concepts\.0\.destination is wrong"):
        validate(replace(ERASE, action="update"))


def test_attributes_belong_to_debias_only() -> None:
    with pytest.raises(RequestError, match="none with any other"):
        validate(replace(DEBIAS, action="erase"))
