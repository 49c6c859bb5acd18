"""The concepts of a request, from the document and from its list files."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from governance.documents import limits
from governance.documents.fields import Field
from governance.documents.nodes import Node, Scalar, Table
from governance.documents.references import References
from governance.documents.secret import KEY_FOUND, KEY_HINT, holds_key
from governance.domain.request import Concept, FileReference, Method
from governance.text import safe

COLUMNS = ("source", "destination", "prompt")
_TWO_PROMPTS = frozenset({Method.REFACT, Method.EMCID})


@dataclass(frozen=True, slots=True)
class PlacedConcept:
    """A concept and the field it was written in."""

    concept: Concept
    field: Field


def read_concepts(
    spec: dict[str, Field], method: Method, references: References
) -> tuple[PlacedConcept, ...]:
    """Read ``concepts``, then ``concepts_file``.

    Args:
        spec: The fields of ``spec``.
        method: The request's method.
        references: Where files come from.

    Returns:
        Every concept in order.

    Raises:
        RequestError: A concept, or a row of the file, is not one.
    """
    fields: list[Field] = []
    if "concepts" in spec:
        fields.extend(spec["concepts"].items(limits.CONCEPTS))
    if "concepts_file" in spec:
        fields.extend(_rows(spec["concepts_file"], references))
    if len(fields) > limits.CONCEPTS:
        spec["concepts_file"].refuse(
            f"expected at most {limits.CONCEPTS:,} concepts, found {len(fields):,}"
        )
    return tuple(_concept(field, method, references) for field in fields)


def read_preserve(
    spec: dict[str, Field], references: References
) -> tuple[tuple[str, Field], ...]:
    """Read ``preserve``, then ``preserve_file`` (one prompt a line, none blank).

    Args:
        spec: The fields of ``spec``.
        references: Where files come from.

    Returns:
        Every text with its field; ``""`` is the empty prompt.
    """
    fields: list[Field] = []
    if "preserve" in spec:
        fields.extend(spec["preserve"].items(limits.PRESERVE))
    if "preserve_file" in spec:
        field = spec["preserve_file"]
        for number, line in enumerate(_lines(field, references), 1):
            if line.strip():
                fields.append(_placed(field, Scalar(line, plain=False, line=number)))
    if len(fields) > limits.PRESERVE:
        spec["preserve_file"].refuse(
            f"expected at most {limits.PRESERVE:,} texts, found {len(fields):,}"
        )
    return tuple((field.text(limits.PROMPT).strip(), field) for field in fields)


def _concept(field: Field, method: Method, references: References) -> PlacedConcept:
    found = field.table((*COLUMNS, "images"))
    if "source" not in found:
        field.refuse("expected a source, found none", "Add `source:`.")
    if "prompt" in found and method not in _TWO_PROMPTS:
        found["prompt"].refuse(
            f"method {method} has no prompt, only refact and emcid have one",
            "Name what is edited as `source`.",
        )
    images = _images(found, method, references)
    return PlacedConcept(
        Concept(
            source=found["source"].filled(limits.PROMPT).strip(),
            destination=_optional(found, "destination"),
            prompt=_prompt(found),
            images=images,
        ),
        field,
    )


def _optional(found: dict[str, Field], key: str) -> str | None:
    return found[key].text(limits.PROMPT).strip() if key in found else None


def _prompt(found: dict[str, Field]) -> str | None:
    return found["prompt"].filled(limits.PROMPT).strip() if "prompt" in found else None


def _images(
    found: dict[str, Field], method: Method, references: References
) -> tuple[FileReference, ...]:
    if "images" not in found:
        return ()
    field = found["images"]
    if method is not Method.EMCID:
        field.refuse(f"method {method} takes no images, only emcid does")
    if "destination" in found:
        field.refuse(
            "expected images or a destination, found both", "Remove one of them."
        )
    items = field.items(limits.IMAGES)
    if not items:
        field.refuse("expected at least one image, found an empty list")
    return tuple(references.read(item, limits.IMAGE_BYTES)[0] for item in items)


def _rows(field: Field, references: References) -> Iterator[Field]:
    """Read a CSV file as if its rows stood in ``concepts``."""
    reader = csv.reader(io.StringIO("\n".join(_lines(field, references))), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, field)
        for row in reader:
            if row:
                yield _placed(field, _row(row, header, reader.line_num, field))
    except csv.Error as error:
        line = reader.line_num
        _placed(field, Scalar("", plain=False, line=line)).refuse(f"not CSV: {error}")


def _check_header(header: list[str], field: Field) -> None:
    place = _placed(field, Scalar("", plain=False, line=1))
    unknown = [name for name in header if name not in COLUMNS]
    # A file without any of our columns is something else, and none of our business.
    shown = "all of them" if len(unknown) == len(header) else ", ".join(unknown)
    if "source" not in header or unknown or len(set(header)) < len(header):
        place.refuse(
            f"expected a header of {', '.join(COLUMNS)} (source is required), "
            f"found {len(header)} columns, unknown or repeated: "
            f"{safe(shown, 120) or 'none'}",
            "Give the CSV file a first line such as `source,destination`.",
        )


def _row(row: list[str], header: list[str], line: int, field: Field) -> Node:
    if len(row) != len(header):
        _placed(field, Scalar("", plain=False, line=line)).refuse(
            f"expected {len(header)} columns, found {len(row)}",
            "Put texts that hold commas in double quotes.",
        )
    # An empty cell is an omitted field; an empty source is refused later.
    cells = {
        name: Scalar(cell, plain=False, line=line)
        for name, cell in zip(header, row, strict=True)
        if cell or name == "source"
    }
    return Table(cells, line)


def _lines(field: Field, references: References) -> list[str]:
    reference, data = references.read(field, limits.LIST_FILE_BYTES)
    if holds_key(data):
        field.refuse(f"expected a list of texts, {KEY_FOUND}", KEY_HINT)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        field.refuse(
            f"expected UTF-8 text in '{reference.name}', "
            f"found byte 0x{data[error.start]:02x} at offset {error.start}",
            "Save the file as UTF-8.",
        )


def _placed(field: Field, node: Node) -> Field:
    name = safe(field.node.written, 200) if isinstance(field.node, Scalar) else None
    return Field(node, field.path, name)
