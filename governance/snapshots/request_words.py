"""A request as data, read without trust in its shape: for cards and reports."""

from collections.abc import Mapping, Sequence

from governance.canonical import JSON

VERBS = {
    "erase": "erases",
    "moderate": "moderates",
    "update": "updates",
    "debias": "balances",
}
PROPOSED_HERE = (
    "signed with the proposer's key over the request digest, for the namespace "
    "proposal@governance; the signature is in "
)
PROPOSED = f"{PROPOSED_HERE}governance/edits.json"
BOUNDS = {
    "point": "on the value",
    "ci_lower": "on the interval's lower end",
    "ci_upper": "on the interval's upper end",
}


def inner(value: Mapping[str, JSON], key: str) -> Mapping[str, JSON]:
    """Return an object within an object; an empty one where there is none."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def listed(value: Mapping[str, JSON], key: str) -> Sequence[JSON]:
    """Return a list within an object; an empty one where there is none."""
    found = value.get(key)
    return found if isinstance(found, list | tuple) else ()


def objects(value: Mapping[str, JSON], key: str) -> tuple[Mapping[str, JSON], ...]:
    """Return the objects of a list within an object."""
    return tuple(item for item in listed(value, key) if isinstance(item, Mapping))


def said(value: Mapping[str, JSON], key: str) -> str:
    """Return text within an object; nothing where there is none."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def plain(value: JSON) -> str:
    """Return a value as text."""
    return value if isinstance(value, str) else str(value)


def sentence(spec: Mapping[str, JSON]) -> str:
    """Say what an edit does to how many concepts, and how."""
    action = said(spec, "action")
    verb = VERBS.get(action, f"does {action} on")
    count = len(listed(spec, "concepts"))
    more = " and those of a concepts file" if spec.get("concepts_file") else ""
    return (
        f"This edit {verb} {count} concept{'s' * (count != 1)}{more} by the method "
        f"{said(spec, 'method')}."
    )


def concept(value: JSON) -> str:
    """Say what becomes of one concept."""
    if not isinstance(value, Mapping):
        return plain(value)
    source = f'"{plain(value.get("source"))}"'
    if value.get("prompt"):
        source = f'"{plain(value["prompt"])}", which shows {source},'
    if value.get("destination") is None:
        return f"{source}, without a destination"
    return f'{source} becomes "{plain(value["destination"])}"'


def attribute(value: Mapping[str, JSON]) -> str:
    """Say which share one attribute should have."""
    return (
        f"{plain(value.get('name'))}: wanted share {plain(value.get('ratio'))}, shown by "
        f'"{plain(value.get("prompt"))}"'
    )
