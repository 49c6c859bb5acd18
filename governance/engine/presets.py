"""Published defaults of each method, and strict validation of what overrides them."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from governance.canonical import JSON
from governance.engine.checked import choice, number, projections, refuse, whole
from governance.engine.checked import templates as template_list
from governance.engine.edit import EditSpec
from governance.engine.prompts import ART, BARE, OBJECT, PHOTO, Template
from governance.engine.protocols import Projection
from governance.engine.text_presets import (
    EMCID,
    REFACT,
    emcid_parameters,
    refact_parameters,
)
from governance.engine.wellformed import check_attributes, check_concepts

Rows = Literal["last", "tail", "all"]

_UCE_ACTIONS = frozenset({"erase", "moderate", "update", "debias"})
ACTIONS: Mapping[str, frozenset[str]] = {
    "time": frozenset({"update", "debias"}),
    "uce": _UCE_ACTIONS,
    "uce-2023": _UCE_ACTIONS,
    "refact": frozenset({"update", "erase"}),
    "emcid": frozenset({"update", "erase", "debias"}),
}
"""What each method can honestly do.

ReFACT erases only into a stated destination, which is an update by another name; EMCID
does not moderate; a rectification is an update of the alias.
"""
TEXT_METHODS = frozenset({"refact", "emcid"})
"""Methods that edit text encoders, after a stage one."""

_DEBIAS: Mapping[str, JSON] = {
    "step_size": 0.5,
    "tolerance": 0.05,
    "max_rounds": 30,
    "images": 100,
}
_UCE: Mapping[str, JSON] = {
    "lambda": 0.5,
    "edit_scale": 1.0,
    "preserve_scale": 1.0,
    "tokens": "last",
    "preserve_tokens": "last",
    "projections": ["k", "v"],
    "templates": False,
}
_DEFAULTS: Mapping[str, Mapping[str, JSON]] = {
    "time": {
        "lambda": 0.1,
        "templates": True,
        "projections": ["k", "v"],
        # |F - 50| / 50 < 0.1 is a share within 0.05 of one half.
        "tolerance": 0.05,
        "max_rounds": 30,
        "images": 100,
    },
    "uce": {**_UCE, **_DEBIAS},
    "uce-2023": {
        **_UCE,
        **_DEBIAS,
        "preserve_scale": None,  # max(0.1, 1/len), the empty prompt counted
        "tokens": "tail",
        "preserve_tokens": "all",
    },
    "refact": REFACT,
    "emcid": {**EMCID, **_DEBIAS},
}


@dataclass(frozen=True)
class DebiasParameters:
    """How alphas are searched.

    Args:
        step_size: Alpha gained per unit of missing share.
        tolerance: Largest distance from the wanted share.
        max_rounds: Rounds before giving up.
        images: Images per concept and round.
    """

    step_size: float
    tolerance: float
    max_rounds: int
    images: int


@dataclass(frozen=True)
class Parameters:
    """Validated parameters of one edit; what a method does not use is neutral.

    Args:
        ridge: Lambda.
        edit_scale: Weight of every edit row.
        preserve_scale: Weight of every preserve row.
        tokens: Which rows of a concept are edited; TIME edits all of them.
        preserve_tokens: Which rows of a preserved text are protected.
        projections: Which matrices are edited.
        templates: What a concept is said in, the bare text first.
        debias: How alphas are searched; None where nothing is.
    """

    ridge: float
    edit_scale: float
    preserve_scale: float
    tokens: Rows
    preserve_tokens: Rows
    projections: tuple[Projection, ...]
    templates: tuple[Template, ...]
    debias: DebiasParameters | None = None


def defaults(method: str) -> dict[str, JSON]:
    """Return a method's published defaults by parameter name.

    Args:
        method: time, uce, uce-2023, refact or emcid.

    Raises:
        RequestError: The method is not one of them.
    """
    if method not in _DEFAULTS:
        raise refuse("spec.method", " or ".join(_DEFAULTS), method)
    return dict(_DEFAULTS[method])


_CHECKS: Mapping[str, Callable[[str, JSON], Any]] = {
    "lambda": number(0, 1e6, open_low=True),
    "edit_scale": number(0, 1e6, open_low=True),
    "preserve_scale": number(0, 1e6),
    "tokens": choice("last", "tail"),
    "preserve_tokens": choice("last", "tail", "all"),
    "projections": projections,
    "step_size": number(0, 10, open_low=True),
    "tolerance": number(0.005, 0.5),
    "max_rounds": whole(1, 1000),
    "images": whole(1, 100_000),
}


def validate(spec: EditSpec) -> Parameters:
    """Check an edit's action, method, attributes and parameters.

    Args:
        spec: The edit.

    Returns:
        Its parameters, the published defaults filled in.

    Raises:
        RequestError: Something is wrong; the field is named.
    """
    values = defaults(spec.method)
    if spec.action not in ACTIONS[spec.method]:
        able = " or ".join(sorted(ACTIONS[spec.method]))
        expected = f"{able} with method {spec.method}"
        raise refuse("spec.action", expected, spec.action)
    for name, value in spec.parameters.items():
        if name not in values:
            expected = f"one of {', '.join(values)}"
            raise refuse(
                f"spec.parameters.{ascii(name)[1:-1][:40]}", expected, "another"
            )
        if name in _DEBIAS and spec.action != "debias":
            raise refuse(f"spec.parameters.{name}", "it with action debias only", value)
        values[name] = value
    check_concepts(spec)
    check_attributes(spec)
    if spec.method in TEXT_METHODS:
        return _text_parameters(spec, values)
    return _parameters(spec, values)


def _text_parameters(spec: EditSpec, values: Mapping[str, JSON]) -> Parameters:
    for place, concept in enumerate(spec.concepts):
        stated = (concept.destination or "").strip() or concept.images
        if spec.method == "refact" and not stated:
            field = f"spec.concepts.{place}.destination"
            raise refuse(field, "a text with method refact", concept.destination)
    found = (
        emcid_parameters(spec) if spec.method == "emcid" else refact_parameters(spec)
    )
    sought = spec.action == "debias"
    return Parameters(
        ridge=1.0,
        edit_scale=1.0,
        preserve_scale=0.0,  # what is preserved is measured only
        tokens="last",
        preserve_tokens="last",
        projections=(),
        templates=found.templates,
        debias=_debias(_found(spec, values, _DEBIAS)) if sought else None,
    )


def _parameters(spec: EditSpec, values: Mapping[str, JSON]) -> Parameters:
    found = _found(spec, values, _CHECKS)
    return Parameters(
        ridge=found["lambda"],
        edit_scale=found.get("edit_scale", 1.0),
        preserve_scale=found.get("preserve_scale", _unstated_scale(spec)),
        tokens=found.get("tokens", "all"),
        preserve_tokens=found.get("preserve_tokens", "all"),
        projections=found["projections"],
        templates=_templates(spec.method, values["templates"]),
        debias=_debias(found) if spec.action == "debias" else None,
    )


def _found(
    spec: EditSpec, values: Mapping[str, JSON], names: Iterable[str]
) -> dict[str, Any]:
    return {
        name: _CHECKS[name](f"spec.parameters.{name}", values[name])
        for name in names
        if values.get(name) is not None or name in spec.parameters
    }


def effective(spec: EditSpec) -> dict[str, JSON]:
    """Return an edit's parameters as they act, published defaults filled in.

    Args:
        spec: The edit.

    Returns:
        Every parameter of its method that its action uses, by name.

    Raises:
        RequestError: Something is wrong; the field is named.
    """
    found = validate(spec)
    values = {**defaults(spec.method), **spec.parameters}
    if "preserve_scale" in values:
        values["preserve_scale"] = found.preserve_scale
    unused = () if found.debias else tuple(_DEBIAS)
    return {name: value for name, value in values.items() if name not in unused}


def preserved(spec: EditSpec) -> tuple[str, ...]:
    """Return the texts an edit protects, each once, in the order given.

    ``uce-2023`` always protects the empty prompt, as the published code does.

    Args:
        spec: The edit.
    """
    always = ("",) if spec.method == "uce-2023" else ()
    return tuple(dict.fromkeys((*always, *spec.preserve)))


def _unstated_scale(spec: EditSpec) -> float:
    if spec.method == "time":
        return 0.0  # its prior is lambda alone: a preserve set is measured only
    return max(0.1, 1 / max(1, len(preserved(spec))))


def _templates(method: str, value: JSON) -> tuple[Template, ...]:
    field = "spec.parameters.templates"
    if value is False:
        return BARE
    if method == "time" and value is True:
        return (*BARE, *PHOTO)
    if method != "time" and value in ("art", "object"):
        return (*BARE, *(ART if value == "art" else OBJECT))
    if not isinstance(value, list | tuple):
        named = "true" if method == "time" else "art, object"
        raise refuse(field, f"false, {named} or a list of texts holding {{}}", value)
    given = tuple(Template.parse(text) for text in template_list(field, value))
    return tuple(dict.fromkeys((*BARE, *given)))


def _debias(found: Mapping[str, Any]) -> DebiasParameters:
    # TIME halves an interval instead of stepping.
    parameters = DebiasParameters(*({"step_size": 1.0, **found}[n] for n in _DEBIAS))
    # The standard error of a share of one half is 0.5/sqrt(n): with fewer images the
    # search would chase noise.
    least = math.ceil(0.25 / parameters.tolerance**2)
    if parameters.images < least:
        raise refuse(
            "spec.parameters.images",
            f"at least {least} to resolve a tolerance of {parameters.tolerance:g}",
            parameters.images,
        )
    return parameters
