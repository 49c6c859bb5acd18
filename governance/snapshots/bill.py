"""``bom.cdx.json``: the model's bill of materials, CycloneDX 1.6."""

import json
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from urllib.parse import quote

from governance.canonical import JSON, canonical_bytes
from governance.snapshots.bill_card import model_card
from governance.snapshots.names import RECORD
from governance.snapshots.parts import Exporting
from governance.snapshots.told import Document, Said, said_by

BILL = f"{RECORD}/bom.cdx.json"
_LIBRARIES = (
    "cryptography",
    "diffusers",
    "numpy",
    "rfc8785",
    "safetensors",
    "scipy",
    "torch",
    "transformers",
)


def bill_file(about: Exporting) -> Iterator[tuple[str, bytes]]:
    """Yield the bill of materials."""
    libraries = {name: version(name) for name in _LIBRARIES}
    found = bill(said_by(about), about.inputs.licence, libraries)
    yield BILL, (json.dumps(found, indent=2, sort_keys=True) + "\n").encode()


def bill(
    said: Said, licence: str | None, libraries: Mapping[str, str]
) -> dict[str, JSON]:
    """Return an export's bill of materials: equal for equal arguments.

    Args:
        said: What its manifest and its edits say.
        licence: What the base model's card says of its licence.
        libraries: Name and version of what the program used.
    """
    found = said.manifest
    edited = f"snapshot:{found['snapshot']['digest']}"
    base = _base(found["base"], licence)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, _identity(found)).urn,
        "version": 1,
        "metadata": {
            "timestamp": found["created"],
            "tools": {"components": _tools(found["program"], libraries)},
            "component": {
                "type": "machine-learning-model",
                "bom-ref": edited,
                "name": found["base"]["model"],
                "version": found["snapshot"]["digest"],
                "description": "A text-to-image model with recorded edits",
                "modelCard": model_card(said),
                "pedigree": {"ancestors": [_ancestor(found["base"])]},
                "properties": list(_properties(said)),
                "components": [_file(item) for item in said.model],
            },
        },
        "components": [base],
        "dependencies": [{"ref": edited, "dependsOn": [base["bom-ref"]]}],
    }


def stated(found: Document) -> tuple[str | None, Mapping[str, str]]:
    """Return licence and libraries of a bill: all that nothing else in an export says.

    Args:
        found: The bill.
    """
    licences = found["components"][0].get("licenses")
    licence = licences[0]["license"]["name"] if licences else None
    tools = found["metadata"]["tools"]["components"]
    return licence, {item["name"]: item["version"] for item in tools[1:]}


def _identity(found: Document) -> str:
    """Name one export: a snapshot has a bill for every form, and every time."""
    facts = [found["snapshot"]["digest"], found["created"], found.get("derived")]
    return canonical_bytes(facts).decode()


def _tools(program: Document, libraries: Mapping[str, str]) -> list[JSON]:
    return [
        {"type": "application", "name": program["name"], "version": program["version"]},
        *(
            {
                "type": "library",
                "name": name,
                "version": number,
                "purl": f"pkg:pypi/{quote(name)}@{quote(number)}",
            }
            for name, number in sorted(libraries.items())
        ),
    ]


def _ancestor(base: Document) -> dict[str, JSON]:
    return {
        "type": "machine-learning-model",
        "name": base["model"],
        "version": base["digest"],
    }


def _base(base: Document, licence: str | None) -> dict[str, JSON]:
    found: dict[str, JSON] = {
        **_ancestor(base),
        "bom-ref": f"base:{base['digest']}",
        "description": "The base model; its version is the digest of its files",
        "properties": [_property("base:family", base["family"])],
        "components": [_file(item) for item in base["files"]],
    }
    if base["source"] is not None:
        source = _property("base:source", base["source"])
        found["properties"] = [_property("base:family", base["family"]), source]
    if licence is not None:
        named = {"name": licence, "acknowledgement": "declared"}
        found["licenses"] = [{"license": named}]
    return found


def _file(item: Document) -> dict[str, JSON]:
    return {
        "type": "file",
        "name": item["path"],
        "hashes": [{"alg": "SHA-256", "content": item["sha256"]}],
    }


def _properties(said: Said) -> Iterator[JSON]:
    """Yield the snapshot's facts and its edits; their texts are values, never names."""
    found = said.manifest
    yield _property("kind", found["kind"])
    yield _property("ledger:origin", found["ledger"]["origin"])
    yield _property("ledger:root", found["ledger"]["head"]["root"])
    yield _property("policy:digest", found["policy"]["digest"])
    for item in said.edits["edits"]:
        request = item["request"]
        yield _property("edit:id", item["id"])
        yield _property(f"edit:{item['id']}:title", request["metadata"]["title"])
        yield _property(f"edit:{item['id']}:action", request["spec"]["action"])
        yield _property(f"edit:{item['id']}:method", request["spec"]["method"])
        yield _property(f"edit:{item['id']}:digest", item["digest"])
        yield _property(f"edit:{item['id']}:resolved", item["resolved_digest"])
        text = canonical_bytes(request).decode()
        yield _property(f"edit:{item['id']}:request", text)


def _property(name: str, value: str) -> dict[str, JSON]:
    return {"name": f"governance:{name}", "value": value}
