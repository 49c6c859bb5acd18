"""One edit of a model card, in words."""

from collections.abc import Iterator, Mapping, Sequence

from governance.canonical import JSON, canonical_bytes
from governance.snapshots.inputs import ExportedEdit
from governance.snapshots.markup import code, number, table, words

_MOST = 20
_VERBS = {
    "erase": "erases",
    "moderate": "moderates",
    "update": "updates",
    "debias": "balances",
}


def edit_section(edit: ExportedEdit) -> str:
    """Return the section about one edit.

    Args:
        edit: The edit; every text in it may be hostile.
    """
    metadata, spec = _object(edit.request, "metadata"), _object(edit.request, "spec")
    title = words(_text(metadata, "title") or "untitled", 120)
    parts = [
        f"### {words(edit.id)}: {title}",
        _sentence(edit, spec),
        *_concepts(spec),
        *_attributes(spec),
        _facts(edit, metadata, spec),
        *_certificate(edit.certificate),
    ]
    return "\n\n".join(parts)


def _sentence(edit: ExportedEdit, spec: Mapping[str, JSON]) -> str:
    action = _text(spec, "action")
    verb = _VERBS.get(action, f"does {words(action)} on")
    concepts = _list(spec, "concepts")
    count = f"{len(concepts)} concept{'s' * (len(concepts) != 1)}"
    more = " and those of a concepts file" if spec.get("concepts_file") else ""
    return (
        f"This edit {verb} {count}{more} by the method {words(_text(spec, 'method'))}. "
        f"Proposed by {words(edit.proposer)}."
    )


def _concepts(spec: Mapping[str, JSON]) -> Iterator[str]:
    concepts = _list(spec, "concepts")
    lines = [f"- {_concept(concept)}" for concept in concepts[:_MOST]]
    if len(concepts) > _MOST:
        lines.append(f"- and {len(concepts) - _MOST} more, see `governance/edits.json`")
    if lines:
        yield "\n".join(lines)


def _concept(concept: JSON) -> str:
    if not isinstance(concept, Mapping):
        return _plain(concept)
    source = f'"{_plain(concept.get("source"))}"'
    if concept.get("prompt"):
        source = f'"{_plain(concept["prompt"])}", which shows {source},'
    if concept.get("destination") is None:
        return f"{source}, without a destination"
    return f'{source} becomes "{_plain(concept["destination"])}"'


def _attributes(spec: Mapping[str, JSON]) -> Iterator[str]:
    lines = [
        f"- {_plain(item.get('name'))}: wanted share {number(item.get('ratio'))}, "
        f'shown by "{_plain(item.get("prompt"))}"'
        for item in _list(spec, "attributes")[:_MOST]
        if isinstance(item, Mapping)
    ]
    if lines:
        yield "\n".join(["Attributes to balance:", "", *lines])


def _facts(
    edit: ExportedEdit, metadata: Mapping[str, JSON], spec: Mapping[str, JSON]
) -> str:
    rows = [
        ["Why", words(_text(metadata, "rationale"), 1000)],
        ["Reference", words(_text(metadata, "reference"))],
        ["Held still", f"{len(_list(spec, 'preserve'))} preserved prompts"],
        ["Parameters", code(canonical_bytes(edit.parameters).decode(), 1000)],
        ["Found by search", code(canonical_bytes(edit.resolved.found).decode(), 1000)],
        ["Request digest", code(edit.digest)],
        ["Resolved digest", code(edit.resolved.digest)],
        ["Proposer's key", code(edit.key) if edit.key else "the proposal is unsigned"],
        ["Proposed", words(edit.time)],
    ]
    return table(["", ""], [row for row in rows if row[1]])


def _certificate(certificate: Sequence[Mapping[str, JSON]]) -> Iterator[str]:
    keys = ("residual", "drift", "condition")
    rows = [
        [_plain(row.get("source")), *(number(row.get(key)) for key in keys)]
        for row in certificate[:_MOST]
    ]
    if rows:
        yield table(["Source", "Residual", "Drift", "Condition"], rows)


def _object(value: Mapping[str, JSON], key: str) -> Mapping[str, JSON]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(value: Mapping[str, JSON], key: str) -> Sequence[JSON]:
    found = value.get(key)
    return found if isinstance(found, list | tuple) else ()


def _text(value: Mapping[str, JSON], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _plain(value: JSON) -> str:
    return words(value if isinstance(value, str) else str(value))
