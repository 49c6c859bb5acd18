"""CSV files as rows that can say where they stand."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.documents import limits
from governance.errors import NotFoundError, RequestError
from governance.text import forbidden_character, safe

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set.

    Args:
        file: The file's name.
        line: Its line, counted from 1.
        cells: Column to cell.
    """

    file: str
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell that is not empty.

        Args:
            column: Its column.

        Raises:
            RequestError: It is empty, too long, or holds control characters.
        """
        value = self.optional(column)
        if value is None:
            raise self.wrong(column, "a text, found an empty cell")
        return value

    def optional(self, column: str) -> str | None:
        """Return a cell, or nothing where it is empty or there is no such column."""
        value = self.cells.get(column, "").strip()
        if len(value) > limits.PROMPT:
            raise self.wrong(
                column,
                f"at most {limits.PROMPT:,} characters, found {len(value):,}",
            )
        if (found := forbidden_character(value)) is not None:
            raise self.wrong(column, f"no control characters, found {found}")
        return value or None

    def whole(self, column: str) -> int:
        """Return a cell that holds a whole number, 0 or above."""
        value = self.text(column)
        if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
            raise self.wrong(column, f"a whole number, found '{safe(value, 40)}'")
        return int(value)

    def numbered(self, column: str) -> Iterator[tuple[int, str]]:
        """Yield the cells of column1, column2 and so on that are not empty."""
        number = 1
        while f"{column}{number}" in self.cells:
            value = self.optional(f"{column}{number}")
            if value is not None:
                yield number, value
            number += 1

    def wrong(self, column: str, expected: str) -> RequestError:
        """Build the error for one cell."""
        return RequestError(
            f"{column}: expected {expected}",
            "Correct the row; put texts that hold commas in double quotes.",
            file=self.file,
            line=self.line,
            field=column,
        )


def read_bytes(path: Path) -> bytes:
    """Read a data set.

    Args:
        path: The file.

    Raises:
        NotFoundError: There is no such file.
        RequestError: It cannot be read, or is too large.
    """
    name = safe(path.name, 200)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(
            f"{safe(str(path), 300)}: no such file", "Check the path."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError(
            f"cannot be read: {reason}", "Name a readable file.", file=name
        ) from None
    if len(data) > MAX_BYTES:
        raise RequestError(
            f"expected at most {MAX_BYTES:,} bytes, found more", file=name
        )
    return data


def decoded(data: bytes, name: str) -> str:
    """Return UTF-8 text.

    Args:
        data: What a file holds.
        name: Its name.

    Raises:
        RequestError: It is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            f"expected UTF-8 text, found byte 0x{data[error.start]:02x} "
            f"at offset {error.start}",
            "Save the file as UTF-8.",
            file=safe(name, 200),
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


def read_rows(
    text: str, name: str, required: Sequence[str], known: str
) -> tuple[Row, ...]:
    """Read a CSV file whose first line names its columns.

    Args:
        text: What the file holds.
        name: Its name.
        required: Columns that must be there.
        known: Pattern of every other column that may be.

    Returns:
        Every row that is not blank; at least one.

    Raises:
        RequestError: The file is no such table.
    """
    file = safe(name, 200)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        _check_header(header, file, required, known)
        found = tuple(
            _row(row, header, file, reader.line_num)
            for row in reader
            if any(cell.strip() for cell in row)
        )
    except csv.Error as error:
        raise RequestError(
            f"not CSV: {error}",
            "Put texts that hold commas or quotes in double quotes.",
            file=file,
            line=reader.line_num,
        ) from None
    if not found:
        raise RequestError("expected at least one row, found none", file=file, line=2)
    return found


def _check_header(
    header: list[str], file: str, required: Sequence[str], known: str
) -> None:
    missing = [column for column in required if column not in header]
    unknown = [
        column
        for column in header
        if column not in required and not re.fullmatch(known, column, re.ASCII)
    ]
    repeated = {column for column in header if header.count(column) > 1}
    for what, columns in (
        ("missing", missing),
        ("unknown", unknown),
        ("repeated", sorted(repeated)),
    ):
        if columns:
            shown = ", ".join(safe(column, 40) or "''" for column in columns[:8])
            raise RequestError(
                f"header: {what} columns {shown}; expected {', '.join(required)}",
                "Check that --kind names the format of this file.",
                file=file,
                line=1,
                field=columns[0],
            )


def _row(row: list[str], header: list[str], file: str, line: int) -> Row:
    if len(row) != len(header):
        raise RequestError(
            f"expected {len(header)} columns, found {len(row)}",
            "Put texts that hold commas in double quotes.",
            file=file,
            line=line,
        )
    return Row(file, line, dict(zip(header, row, strict=True)))
