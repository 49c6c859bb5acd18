"""Edit requests: from a file, or back from the ledger, to one frozen type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.documents import limits
from governance.documents.attributes import read_attributes
from governance.documents.concepts import PlacedConcept, read_concepts, read_preserve
from governance.documents.fields import Field
from governance.documents.nodes import Listing, Scalar, Table, node_of
from governance.documents.places import Places
from governance.documents.references import References, in_folder, in_store
from governance.documents.rules import check_request
from governance.documents.yaml import read_documents
from governance.domain.request import (
    Action,
    EditRequest,
    FileReference,
    LabelledPrompt,
    Method,
    RequestedChecks,
)
from governance.text import safe

API_VERSION = "governance/v1"
KIND = "ConceptEdit"
_METADATA = ("title", "model", "rationale", "reference")
_SPEC = (
    *("action", "method", "concepts", "concepts_file", "attributes", "preserve"),
    *("preserve_file", "parameters", "values", "checks"),
)
_IMPORTS_VALUES = frozenset({Method.REFACT, Method.EMCID})


@dataclass(frozen=True, slots=True)
class LoadedRequest:
    """A request and the bytes of every file it names.

    Args:
        request: The validated request.
        files: Digest to bytes; to be stored before the request is recorded.
        places: Where its parts stand, for what is found wrong with it later.
    """

    request: EditRequest
    files: Mapping[str, bytes]
    places: Places


def load_requests(path: Path) -> tuple[LoadedRequest, ...]:
    """Read every request of a file, or refuse the whole file.

    Args:
        path: YAML file with one document or several.

    Returns:
        The requests in order.

    Raises:
        NotFoundError: There is no such file.
        RequestError: Something in it is wrong; says what and where.
    """
    name = safe(path.name, 200)
    nodes = read_documents(path)
    return tuple(read_request(Field(node, file=name), path.parent) for node in nodes)


def read_request(root: Field, folder: Path) -> LoadedRequest:
    """Read one request.

    Args:
        root: The whole document; its path is empty.
        folder: Where the files it names lie.

    Returns:
        The request and its files.

    Raises:
        RequestError: Something in it is wrong; says what and where.
    """
    references = References(in_folder(folder))
    parts = _parts(root, references)
    check_request(parts.request, parts.concepts, parts.preserve, parts.spec)
    places = Places(
        root,
        tuple(placed.field for placed in parts.concepts),
        tuple(field for _, field in parts.preserve),
    )
    return LoadedRequest(parts.request, references.contents, places)


def request_from_document(
    document: Mapping[str, JSON], read: Callable[[str], bytes]
) -> EditRequest:
    """Rebuild a request from its canonical document.

    Args:
        document: What the ledger holds.
        read: Returns the stored bytes of a digest.

    Returns:
        A request equal in meaning and digest to the one that was proposed.

    Raises:
        RequestError: The document is no request.
    """
    # Its fields were held against each other when it was proposed. Doing so again
    # could refuse history, once newer Unicode tables call two letters alike.
    # Recorded it was in its one form, which need not be made of it again.
    return _parts(
        Field(node_of(document)), References(in_store(read)), document
    ).request


@dataclass(frozen=True, slots=True)
class _Parts:
    """A request and where its parts stand."""

    request: EditRequest
    concepts: tuple[PlacedConcept, ...]
    preserve: tuple[tuple[str, Field], ...]
    spec: dict[str, Field]


def _parts(
    root: Field, references: References, recorded: Mapping[str, JSON] | None = None
) -> _Parts:
    top = root.table(("apiVersion", "kind", "metadata", "spec"))
    _required(root, top, ("apiVersion", "kind", "metadata", "spec"))
    top["apiVersion"].choice((API_VERSION,))
    top["kind"].choice((KIND,))
    metadata = top["metadata"].table(_METADATA)
    _required(top["metadata"], metadata, ("title", "model", "rationale"))
    spec = top["spec"].table(_SPEC)
    _required(top["spec"], spec, ("action", "method"))
    if "concepts" not in spec and "concepts_file" not in spec:
        top["spec"].refuse("expected concepts or concepts_file, found neither")

    def written() -> Mapping[str, JSON]:
        return _document(root, references) if recorded is None else recorded

    return _assembled(metadata, spec, references, written)


def _assembled(
    metadata: dict[str, Field],
    spec: dict[str, Field],
    references: References,
    written: Callable[[], Mapping[str, JSON]],
) -> _Parts:
    action = Action(spec["action"].choice([item.value for item in Action]))
    method = Method(spec["method"].choice([item.value for item in Method]))
    concepts = read_concepts(spec, method, references)
    preserve = read_preserve(spec, references)
    request = EditRequest(
        title=metadata["title"].filled(limits.TITLE).strip(),
        model=metadata["model"].filled(limits.NAME).strip(),
        rationale=metadata["rationale"].filled(limits.RATIONALE, lines=True).strip(),
        reference=_text(metadata, "reference", limits.REFERENCE),
        action=action,
        method=method,
        concepts=tuple(placed.concept for placed in concepts),
        attributes=read_attributes(spec, action, len(concepts)),
        preserve=tuple(text for text, _ in preserve),
        parameters=_parameters(spec),
        checks=_checks(spec),
        values=_values(spec, method, references),
        document=written(),
    )
    return _Parts(request, concepts, preserve, spec)


def _required(parent: Field, found: dict[str, Field], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in found:
            parent.refuse(f"expected `{name}`, found none", f"Add `{name}:`.")


def _text(found: dict[str, Field], key: str, most: int) -> str | None:
    return found[key].filled(most).strip() if key in found else None


def _parameters(spec: dict[str, Field]) -> Mapping[str, JSON]:
    if "parameters" not in spec:
        return {}
    spec["parameters"].entries()  # a mapping, or refused
    value = spec["parameters"].json()
    return value if isinstance(value, Mapping) else {}


def _values(
    spec: dict[str, Field], method: Method, references: References
) -> FileReference | None:
    if "values" not in spec:
        return None
    if method not in _IMPORTS_VALUES:
        spec["values"].refuse(
            f"method {method} takes no values, only refact and emcid do",
            "Remove `values`.",
        )
    return references.read(spec["values"], limits.VALUES_BYTES)[0]


def _checks(spec: dict[str, Field]) -> RequestedChecks:
    if "checks" not in spec:
        return RequestedChecks()
    found = spec["checks"].table(("efficacy", "generality", "specificity"))
    return RequestedChecks(
        efficacy=_prompts(found, "efficacy"),
        generality=_prompts(found, "generality"),
        specificity=tuple(_labelled(item) for item in _items(found, "specificity")),
    )


def _items(found: dict[str, Field], key: str) -> tuple[Field, ...]:
    return found[key].items(limits.CHECKS) if key in found else ()


def _prompts(found: dict[str, Field], key: str) -> tuple[str, ...]:
    return tuple(item.filled(limits.PROMPT) for item in _items(found, key))


def _labelled(field: Field) -> LabelledPrompt:
    found = field.table(("prompt", "label"))
    _required(field, found, ("prompt",))
    return LabelledPrompt(
        found["prompt"].filled(limits.PROMPT), _text(found, "label", limits.NAME)
    )


def _document(root: Field, references: References) -> Mapping[str, JSON]:
    document = _canonical(root, references.digests)
    return document if isinstance(document, Mapping) else {}


def _canonical(field: Field, digests: Mapping[str, str]) -> JSON:
    """Return the document as written, digests for paths, nulls left out."""
    if field.path in digests:
        return digests[field.path]
    if field.path == "spec.parameters":
        return field.json()
    match field.node:
        case Table():
            found = field.entries().items()
            kept = {key: item for key, item in found if not item.is_null()}
            return {key: _canonical(item, digests) for key, item in kept.items()}
        case Listing():
            return [_canonical(item, digests) for item in field.children().values()]
        case Scalar():
            return field.json()
