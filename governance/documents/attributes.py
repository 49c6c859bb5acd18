"""The attributes that a debias edit balances."""

import math

from governance.documents import limits
from governance.documents.fields import Field
from governance.domain.request import Action, Attribute
from governance.text import normalise

PLACEHOLDER = "{}"
# Ratios such as 0.333 x 3 are meant to be one.
RATIO_TOLERANCE = 0.0015


def read_attributes(
    spec: dict[str, Field], action: Action, concepts: int
) -> tuple[Attribute, ...]:
    """Read ``attributes``; debias needs them, nothing else may have them.

    Args:
        spec: The fields of ``spec``.
        action: The request's action.
        concepts: Number of concepts, which each alpha list must match.

    Returns:
        The attributes in order.

    Raises:
        RequestError: They are missing, superfluous or do not fit together.
    """
    field = spec.get("attributes")
    if action is not Action.DEBIAS:
        if field is not None:
            field.refuse(f"action {action} takes no attributes, only debias does")
        return ()
    if field is None:
        spec["action"].refuse(
            "debias needs attributes, found none",
            "Add `attributes: [{name, prompt, ratio}, ...]`.",
        )
    items = field.items(limits.ATTRIBUTES)
    found = tuple(_attribute(item, concepts) for item in items)
    _check_together(found, items, field)
    return found


def _attribute(field: Field, concepts: int) -> Attribute:
    found = field.table(("name", "prompt", "ratio", "alpha"))
    for name in ("name", "prompt", "ratio"):
        if name not in found:
            field.refuse(f"expected `{name}`, found none", f"Add `{name}:`.")
    prompt = found["prompt"].filled(limits.PROMPT).strip()
    if PLACEHOLDER not in prompt and concepts > 1:
        found["prompt"].refuse(
            f"expected {{}} for the concept, since there are {concepts} concepts",
            "Write the prompt with {}, such as `a female {}`.",
        )
    ratio = found["ratio"].number()
    if not 0 <= ratio <= 1:
        found["ratio"].refuse(f"expected a ratio between 0 and 1, found {ratio:g}")
    name = found["name"].filled(limits.NAME).strip()
    return Attribute(name, prompt, ratio, _alpha(found, concepts))


def _alpha(found: dict[str, Field], concepts: int) -> tuple[float, ...] | None:
    if "alpha" not in found:
        return None
    items = found["alpha"].items(limits.CONCEPTS)
    if len(items) != concepts:
        found["alpha"].refuse(
            f"expected one alpha per concept, {concepts}, found {len(items)}",
            "List the strengths in concept order.",
        )
    return tuple(item.number() for item in items)


def _check_together(
    found: tuple[Attribute, ...], items: tuple[Field, ...], field: Field
) -> None:
    total = math.fsum(attribute.ratio for attribute in found)
    if abs(total - 1) > RATIO_TOLERANCE:
        field.refuse(f"expected ratios that sum to 1, found a sum of {total:g}")
    if len({attribute.alpha is None for attribute in found}) > 1:
        field.refuse("expected an alpha for every attribute or for none, found some")
    seen: dict[str, Field] = {}
    for attribute, item in zip(found, items, strict=True):
        name = normalise(attribute.name)
        if name in seen:
            item.refuse(
                f"attribute '{attribute.name}' is listed twice, "
                f"first on line {seen[name].node.line}"
            )
        seen[name] = item
