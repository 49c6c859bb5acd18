"""How each method is asked to edit a data set: published defaults, or a sidecar."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from governance.canonical import JSON
from governance.documents import limits
from governance.documents.fields import Field
from governance.documents.yaml import read_documents
from governance.errors import RequestError
from governance.text import safe

API_VERSION = "governance/v1"
KIND = "EvaluationMethods"
METHODS = ("time", "uce", "uce-2023", "refact", "emcid")


@dataclass(frozen=True, slots=True)
class Preset:
    """One method's parameters and what it protects.

    Args:
        parameters: Where they differ from the published defaults.
        preserve: Whether the sidecar's texts are protected.
        note: Why, in words.
    """

    parameters: Mapping[str, JSON] = field(default_factory=dict)
    preserve: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Presets:
    """A sidecar's answer for every method.

    Args:
        methods: By name; a method that is not there takes the published defaults.
        preserve: Texts to protect; those that name the edit at hand are left out.
        file: The sidecar's name, or nothing.
    """

    methods: Mapping[str, Preset] = field(default_factory=dict)
    preserve: tuple[str, ...] = ()
    file: str | None = None

    def of(self, method: str) -> Preset:
        """Return a method's preset."""
        return self.methods.get(method, Preset())


def sidecar_of(dataset: Path) -> Path:
    """Return where a data set's sidecar would be: ``rose.csv`` has ``rose.methods.yaml``."""
    return dataset.with_name(f"{dataset.stem}.methods.yaml")


def load_presets(path: Path) -> Presets:
    """Read a sidecar.

    Args:
        path: The file.

    Returns:
        What it says.

    Raises:
        NotFoundError: There is no such file.
        RequestError: Something in it is wrong; file, line and field are named.
    """
    name = safe(path.name, 200)
    documents = read_documents(path)
    if len(documents) != 1:
        raise RequestError(f"expected one document, found {len(documents)}", file=name)
    root = Field(documents[0], file=name)
    top = root.table(("apiVersion", "kind", "preserve", "methods"))
    for key in ("apiVersion", "kind", "methods"):
        if key not in top:
            root.refuse(f"expected `{key}`, found none", f"Add `{key}:`.")
    top["apiVersion"].choice((API_VERSION,))
    top["kind"].choice((KIND,))
    texts = top["preserve"].items(limits.PRESERVE) if "preserve" in top else ()
    methods = top["methods"].table(METHODS)
    return Presets(
        {method: _preset(asked) for method, asked in methods.items()},
        tuple(text.text(limits.PROMPT).strip() for text in texts),
        name,
    )


def _preset(asked: Field) -> Preset:
    found = asked.table(("parameters", "preserve", "note"))
    parameters: Mapping[str, JSON] = {}
    if "parameters" in found:
        found["parameters"].entries()  # a mapping, or refused
        value = found["parameters"].json()
        parameters = value if isinstance(value, Mapping) else {}
    preserve = (
        "preserve" in found and found["preserve"].choice(("all", "none")) == "all"
    )
    note = found["note"].filled(limits.RATIONALE) if "note" in found else ""
    return Preset(parameters, preserve, note)
