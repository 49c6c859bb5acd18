"""The texts that methods say a concept in where a request does not list its own."""

from collections.abc import Mapping

from governance.canonical import JSON
from governance.domain.request import Method

HOLE = "{}"
PHOTO = ("A photo of {}", "An image of {}", "A picture of {}")
ART = (
    *("painting by {}", "art by {}", "artwork by {}", "picture by {}"),
    "style of {}",
)
OBJECT = (
    *("image of {}", "photo of {}", "portrait of {}", "picture of {}"),
    "painting of {}",
)
REFACT = (HOLE, *PHOTO)
EMCID = (HOLE, "An image of {}", "A photo of {}")

_NAMED: Mapping[str, tuple[str, ...]] = {"art": ART, "object": OBJECT}
_OMITTED: Mapping[Method, tuple[str, ...]] = {
    Method.TIME: PHOTO,
    Method.REFACT: REFACT,
    Method.EMCID: EMCID,
}


def shipped_templates(
    method: Method, parameters: Mapping[str, JSON]
) -> tuple[str, ...]:
    """Return the templates a request uses without writing them.

    Args:
        method: The request's method.
        parameters: The request's own parameters.

    Returns:
        The texts with their hole; none where it lists its own or wants none.
    """
    value = parameters.get("templates")
    if value is None:
        return _OMITTED.get(method, ())
    if value is True:
        return PHOTO
    return _NAMED.get(value, ()) if isinstance(value, str) else ()


def implied_destination(parameters: Mapping[str, object]) -> str:
    """Return what a concept becomes where a request omits its destination.

    Args:
        parameters: The request's own parameters.
    """
    return "art" if parameters.get("templates") == "art" else ""
