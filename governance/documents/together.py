"""What must hold between requests that are solved together, outside a workspace.

A workspace's policy says what an edit may do to live ones. Where there is none, the
requests are held against each other as the parts of one request are.
"""

from collections.abc import Sequence

from governance.documents.fields import Field
from governance.documents.request import LoadedRequest
from governance.documents.rules import edited_phrase, target
from governance.text import normalise, safe


def check_together(loaded: Sequence[LoadedRequest]) -> None:
    """Refuse requests that contradict each other.

    A phrase is edited by one request only, whatever their methods: two would pull at
    it with twice the weight, or apart.

    Args:
        loaded: Requests, of one file or of several.

    Raises:
        RequestError: A request is given twice, two edit one phrase, or one preserves
            what another edits; names both places.
    """
    _refuse_twins(loaded)
    edited: dict[str, tuple[Field, object]] = {}
    for item in loaded:
        own = zip(item.request.concepts, item.places.concepts, strict=True)
        for concept, field in own:
            phrase = edited_phrase(concept)
            aim = (item.request.action, target(concept), item.request.attributes)
            other, wanted = edited.setdefault(normalise(phrase), (field, aim))
            if other is not field:
                what = "is edited twice" if wanted == aim else "has two destinations"
                field.refuse(
                    f"'{safe(phrase, 120)}' {what}, first in {_shown(other)}",
                    "Keep one of the two.",
                )
    for item in loaded:
        for text, field in zip(
            item.request.preserve, item.places.preserve, strict=True
        ):
            if text and normalise(text) in edited:
                field.refuse(
                    f"'{safe(text, 120)}' is edited by "
                    f"{_shown(edited[normalise(text)][0])} and cannot be preserved as "
                    "well",
                    "Remove it from one of the two.",
                )


def _refuse_twins(loaded: Sequence[LoadedRequest]) -> None:
    seen: dict[str, Field] = {}
    for item in loaded:
        root = item.places.root
        first = seen.setdefault(item.request.digest, root)
        if first is not root:
            root.refuse(
                f"the same request is given twice, first in {_shown(first)}",
                "Give each request once.",
            )


def _shown(field: Field) -> str:
    place = f"{field.file}:{field.node.line}" if field.file else "the same request"
    return f"{place} ({field.path})" if field.path else place
