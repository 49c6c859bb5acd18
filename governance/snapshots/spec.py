"""From a request and what its searches found to what the engine is asked to do."""

from collections.abc import Mapping

from governance.canonical import JSON
from governance.domain.request import EditRequest
from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import IntegrityError

Alphas = tuple[tuple[float, ...], ...]


def spec_of(request: EditRequest, digest: str, found: Mapping[str, JSON]) -> EditSpec:
    """Return a request as the engine sees it.

    Args:
        request: What was asked for.
        digest: What orders edits canonically.
        found: What its searches found; empty before any ran.
    """
    dropped = found.get("dropped", ())
    left_out = set(dropped) if isinstance(dropped, list | tuple) else set()
    alphas = found.get("alphas")
    statistics = found.get("statistics")
    return EditSpec(
        digest=digest,
        action=request.action.value,
        method=request.method.value,
        concepts=tuple(
            Concept(
                source=concept.source,
                destination=concept.destination,
                prompt=concept.prompt,
                images=tuple(image.sha256 for image in concept.images),
            )
            for concept in request.concepts
        ),
        attributes=tuple(
            Attribute(a.name, a.prompt, a.ratio) for a in request.attributes
        ),
        alphas=_given(request) if alphas is None else _alphas(alphas),
        preserve=tuple(text for text in request.preserve if text not in left_out),
        parameters=request.parameters,
        statistics=statistics if isinstance(statistics, str) else None,
    )


def _given(request: EditRequest) -> Alphas | None:
    """Return the alphas a request gives, turned to one row per concept."""
    columns = [item.alpha for item in request.attributes]
    if not columns or any(column is None for column in columns):
        return None
    return tuple(zip(*(column for column in columns if column), strict=True))


def _alphas(value: JSON) -> Alphas:
    if not isinstance(value, list | tuple):
        raise IntegrityError("a resolved edit's alphas are no list of lists")
    rows = []
    for row in value:
        if not isinstance(row, list | tuple):
            raise IntegrityError("a resolved edit's alphas are no list of lists")
        rows.append(tuple(_number(item) for item in row))
    return tuple(rows)


def _number(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IntegrityError(f"a resolved edit's alpha is no number: {value!r}")
    return float(value)
