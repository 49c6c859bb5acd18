"""A document as it was written: every value with its line, nothing guessed."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from governance.canonical import JSON

Node: TypeAlias = Union["Scalar", "Listing", "Table"]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
# Beyond it canonical JSON cannot tell neighbours apart.
_LARGEST_INTEGER = 2**53 - 1
_TRUTH = {"true": True, "false": False}
_RESOLVER = Resolver()
_TEXT_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written.

    Args:
        written: Its characters, without quotes.
        plain: Whether it stood without quotes, so that YAML may read it as
            something else than text.
        line: Line it starts on, from 1; ``None`` where no file was read.
    """

    written: str
    plain: bool
    line: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of nodes."""

    items: tuple[Node, ...]
    line: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping of text keys to nodes, in the order written."""

    entries: Mapping[str, Node]
    line: int | None


class AmbiguousScalarError(ValueError):
    """A plain scalar that YAML readers take for different things."""


def scalar_value(node: Scalar) -> str | bool | int | float | None:
    """Read a scalar the way a careful person would.

    Quoted text is text. Plain ``true``, ``false``, ``null``, and decimal numbers are
    themselves. What YAML 1.1 silently turns into something else (``no``, ``12:30:00``,
    ``2024-01-02``, ``0x1f``, ``010``, ``1_000``, ``.nan``) is no value at all.

    Args:
        node: The scalar.

    Returns:
        Text, truth value, number or nothing.

    Raises:
        AmbiguousScalarError: It must be put in quotes, or written otherwise.
    """
    written = node.written
    if not node.plain:
        return written
    if written.lower() in ("", "~", "null"):
        return None
    if written in _TRUTH:
        return _TRUTH[written]
    if _INTEGER.fullmatch(written):
        exact = len(written) <= 17 and abs(int(written)) <= _LARGEST_INTEGER
        return int(written) if exact else _ambiguous(node)
    if _DECIMAL.fullmatch(written) and not re.match(r"[-+]?0[0-9]", written):
        number = float(written)
        return number if math.isfinite(number) else _ambiguous(node)
    tag = _RESOLVER.resolve(  # type: ignore[no-untyped-call]
        ScalarNode, written, (True, False)
    )
    return written if tag == _TEXT_TAG else _ambiguous(node)


def _ambiguous(node: Scalar) -> str:
    raise AmbiguousScalarError(node.written)


def node_of(value: JSON) -> Node:
    """Turn a JSON value back into nodes without lines.

    Args:
        value: JSON, such as a canonical document from the ledger.

    Returns:
        The node whose JSON it is.
    """
    if isinstance(value, str):
        return Scalar(value, plain=False, line=None)
    # Asking for a mapping takes ten times as long as asking for a dict.
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101
        entries = {key: node_of(item) for key, item in value.items()}
        return Table(entries, line=None)
    if isinstance(value, list) or isinstance(value, Sequence):  # noqa: SIM101
        return Listing(tuple(node_of(item) for item in value), line=None)
    return Scalar(json.dumps(value), plain=True, line=None)
