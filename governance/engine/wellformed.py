"""Concepts and attributes of an edit, checked before any model is opened."""

import math

from governance.engine.checked import number, refuse
from governance.engine.edit import EditSpec


def check_concepts(spec: EditSpec) -> None:
    """Refuse an edit without concepts, without a source, or an update to nothing.

    Args:
        spec: The edit.

    Raises:
        RequestError: A concept is wrong; the field is named.
    """
    if not 1 <= len(spec.concepts) <= 10_000:
        raise refuse("spec.concepts", "1 to 10,000 of them", len(spec.concepts))
    for place, concept in enumerate(spec.concepts):
        if not concept.source.strip():
            field = f"spec.concepts.{place}.source"
            raise refuse(field, "a text that is not empty", concept.source)
        aimless = concept.destination is None and not concept.images
        if spec.action == "update" and aimless:
            field = f"spec.concepts.{place}.destination"
            raise refuse(field, "a text, since the action is update", None)


def check_attributes(spec: EditSpec) -> None:
    """Refuse attributes that no search could satisfy.

    Args:
        spec: The edit.

    Raises:
        RequestError: An attribute is wrong; the field is named.
    """
    if (spec.action == "debias") != bool(spec.attributes):
        expected = "at least one with action debias, and none with any other"
        raise refuse("spec.attributes", expected, len(spec.attributes))
    if not spec.attributes:
        return
    ratio = number(0, 1)
    for position, attribute in enumerate(spec.attributes):
        ratio(f"spec.attributes.{position}.ratio", attribute.ratio)
        if "{}" not in attribute.prompt and len(spec.concepts) > 1:
            field = f"spec.attributes.{position}.prompt"
            expected = "{} for the concept, since there are several concepts"
            raise refuse(field, expected, attribute.prompt)
    total = math.fsum(attribute.ratio for attribute in spec.attributes)
    if abs(total - 1) > 1e-6:
        raise refuse("spec.attributes", "ratios that sum to 1", total)
    _check_alphas(spec)


def _check_alphas(spec: EditSpec) -> None:
    if spec.alphas is None:
        return
    rows = [len(row) for row in spec.alphas]
    if rows != [len(spec.attributes)] * len(spec.concepts):
        expected = "one number per concept in every attribute"
        raise refuse("spec.attributes.alpha", expected, rows)
    finite = number(-1e6, 1e6)
    for row in spec.alphas:
        for value in row:
            finite("spec.attributes.alpha", value)
