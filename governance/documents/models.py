"""Fields to frozen, strict models; every complaint with its file and line."""

import json
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from governance.documents.fields import Field
from governance.documents.nodes import Scalar
from governance.text import safe

ModelT = TypeVar("ModelT", bound=BaseModel)


class Strict(BaseModel):
    """Base of all models read from files: frozen, nothing cast, nothing unknown."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False
    )


def model_of(kind: type[ModelT], field: Field) -> ModelT:
    """Validate a field against a model.

    Args:
        kind: The model.
        field: What is written.

    Returns:
        The frozen model.

    Raises:
        RequestError: The first thing that is wrong, at the line it is wrong on.
    """
    try:
        # JSON mode: a list may fill a tuple, a word an enumeration, nothing else.
        return kind.model_validate_json(json.dumps(field.json()))
    except ValidationError as error:
        # A misspelt name is both unknown and missing: tell the half that shows it.
        found_wrong = error.errors(include_url=False, include_context=False)
        first = min(found_wrong, key=lambda e: e["type"] != "extra_forbidden")
        place = field.at(first["loc"])
        missing = first["type"] == "missing"
        name = safe(str(first["loc"][-1]), 80) if first["loc"] else ""
        if missing:
            place.refuse(f"expected `{name}`, found none", f"Add `{name}:`.")
        if first["type"] == "extra_forbidden":
            place.refuse("unknown field", "Remove it, or correct its name.")
        message = safe(first["msg"].removeprefix("Value error, "), 300)
        found = f", found {place.shown()}" if _is_leaf(place) else ""
        place.refuse(f"{message[0].lower()}{message[1:]}{found}")


def _is_leaf(field: Field) -> bool:
    return isinstance(field.node, Scalar)
