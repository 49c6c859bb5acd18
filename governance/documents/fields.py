"""One field of a document: typed on demand, and able to say where it stands."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from governance.canonical import JSON
from governance.documents.nodes import (
    AmbiguousScalarError,
    Listing,
    Node,
    Scalar,
    Table,
    scalar_value,
)
from governance.errors import RequestError
from governance.text import forbidden_character, safe


@dataclass(frozen=True, slots=True)
class Field:
    """A node with its place.

    Args:
        node: What is written there.
        path: Dotted path, such as ``spec.concepts.0.source``.
        file: File name, or ``None`` where no file was read.
    """

    node: Node
    path: str = ""
    file: str | None = None

    def refuse(self, message: str, hint: str = "Correct this field.") -> NoReturn:
        """Raise what is wrong with this field, with file, line and path."""
        raise RequestError(
            f"{self.path}: {message}" if self.path else message,
            hint,
            file=self.file,
            line=self.node.line,
            field=self.path or None,
        )

    def table(self, known: Collection[str]) -> "dict[str, Field]":
        """Return a mapping's fields; a null value counts as omitted.

        Args:
            known: Every key that may stand here.

        Raises:
            RequestError: It is no mapping, or holds an unknown key.
        """
        found = self.entries()
        for key, field in found.items():
            if key not in known:
                field.refuse(
                    "unknown field",
                    f"Remove it; known here: {', '.join(sorted(known))}.",
                )
        return {key: field for key, field in found.items() if not field.is_null()}

    def entries(self) -> "dict[str, Field]":
        """Return a mapping's fields under whatever keys are written."""
        if not isinstance(self.node, Table):
            self._wrong("a mapping")
        return {key: self._child(key, n) for key, n in self.node.entries.items()}

    def items(self, most: int) -> "tuple[Field, ...]":
        """Return a list's fields, at most ``most`` of them."""
        if not isinstance(self.node, Listing):
            self._wrong("a list")
        if len(self.node.items) > most:
            count = len(self.node.items)
            self.refuse(f"expected at most {most:,} items, found {count:,}")
        return tuple(self._child(str(i), n) for i, n in enumerate(self.node.items))

    def is_null(self) -> bool:
        """Say whether nothing, ``~`` or ``null`` is written."""
        return (
            isinstance(self.node, Scalar)
            and self.node.plain
            and self.node.written.lower() in ("", "~", "null")
        )

    def text(self, most: int, *, lines: bool = False) -> str:
        """Return text without control characters, at most ``most`` long."""
        value = self.scalar("text")
        if not isinstance(value, str):
            self._wrong("text")
        if len(value) > most:
            self.refuse(f"expected at most {most:,} characters, found {len(value):,}")
        if (found := forbidden_character(value, lines=lines)) is not None:
            self.refuse(
                f"expected text without control characters, found {found}",
                "Remove the character; it may be invisible in your editor.",
            )
        return value

    def filled(self, most: int, *, lines: bool = False) -> str:
        """Return text that is more than spaces."""
        value = self.text(most, lines=lines)
        if not value.strip():
            self.refuse("expected text, found an empty one", "Fill it in.")
        return value

    def choice(self, choices: Collection[str]) -> str:
        """Return one of the given words."""
        value = self.scalar("text")
        if not isinstance(value, str) or value not in choices:
            self._wrong(f"one of {', '.join(sorted(choices))}")
        return value

    def number(self) -> float:
        """Return a finite number."""
        value = self.scalar("a number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong("a number")
        return float(value)

    def scalar(self, expected: str = "a value") -> str | bool | int | float | None:
        """Return the scalar as written, or refuse what is ambiguous."""
        if not isinstance(self.node, Scalar):
            self._wrong(expected)
        try:
            return scalar_value(self.node)
        except AmbiguousScalarError:
            self.refuse(
                f"expected {expected}, found plain `{safe(self.node.written, 60)}`, "
                "which YAML readers take for different things",
                "Put text in quotes; write true, false or a plain decimal number.",
            )

    def json(self) -> JSON:
        """Return the field as plain JSON; texts are checked for controls."""
        if isinstance(self.node, Table):
            return {key: field.json() for key, field in self._named()}
        if isinstance(self.node, Listing):
            return [field.json() for field in self.items(len(self.node.items))]
        value = self.scalar()
        return self.text(len(value), lines=True) if isinstance(value, str) else value

    def at(self, location: Collection[str | int]) -> "Field":
        """Return the deepest field on a path, for messages."""
        field = self
        for part in location:
            children = field.children()
            if str(part) not in children:
                return field
            field = children[str(part)]
        return field

    def children(self) -> "Mapping[str, Field]":
        """Return the fields below, by key or position."""
        if isinstance(self.node, Table):
            return self.entries()
        if isinstance(self.node, Listing):
            return dict(enumerate_text(self.items(len(self.node.items))))
        return {}

    def shown(self) -> str:
        """Say in words what is written, as far as it is a field of ours."""
        if not self.path and isinstance(self.node, Scalar) and self.node.written:
            # Another file altogether, which may be anything: a password, a token.
            return f"one text of {len(self.node.written):,} characters"
        return describe(self.node)

    def _named(self) -> "Iterator[tuple[str, Field]]":
        for key, field in self.entries().items():
            if (found := forbidden_character(key)) is not None:
                self.refuse(f"expected keys without control characters, found {found}")
            yield key, field

    def _child(self, key: str, node: Node) -> "Field":
        shown = safe(key, 80)
        path = f"{self.path}.{shown}" if self.path else shown
        return Field(node, path, self.file)

    def _wrong(self, expected: str) -> NoReturn:
        self.refuse(f"expected {expected}, found {self.shown()}")


def enumerate_text(fields: "tuple[Field, ...]") -> "Iterator[tuple[str, Field]]":
    """Number fields with text positions, as in a dotted path."""
    for position, field in enumerate(fields):
        yield str(position), field


def describe(node: Node) -> str:
    """Say in words what is written, safely and briefly."""
    match node:
        case Table():
            return "a mapping"
        case Listing():
            return "a list"
        case Scalar(plain=True, written=written) if not written:
            return "nothing"
        case Scalar(plain=True, written=written) if re.fullmatch(r"[-+.\w]+", written):
            return f"`{safe(written, 60)}`" + _needs_quotes(node)
        case Scalar(written=written):
            return f"'{safe(written, 60)}'"


def _needs_quotes(node: Scalar) -> str:
    try:
        value = scalar_value(node)
    except AmbiguousScalarError:
        return " (not text without quotes)"
    return "" if isinstance(value, str) else " (not text without quotes)"
