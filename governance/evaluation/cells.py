"""Finished cells, kept so that nothing is measured twice, a kill included."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from governance.canonical import JSON
from governance.errors import UsageError
from governance.text import safe

_MOST = 500  # SQLite takes at most 999 values in one statement


class Cells:
    """A file of cells: key to JSON.

    A key is the digest of everything that decides a cell's value, so a cell that is
    there is right whatever run wrote it, and several runs may share a file.

    Args:
        path: The file; made where it is missing.

    Raises:
        UsageError: It cannot be opened, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=60)
            with self._database:
                # One transaction a write: a kill leaves a cell whole or not at all.
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS cells"
                    " (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
                )
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def found(self, keys: Iterable[str]) -> dict[str, JSON]:
        """Return the cells that are there.

        Args:
            keys: Which to look for.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[str, JSON] = {}
        with self._explained():
            for start in range(0, len(wanted), _MOST):
                some = wanted[start : start + _MOST]
                marks = ", ".join("?" * len(some))
                query = f"SELECT key, value FROM cells WHERE key IN ({marks})"  # noqa: S608 - question marks only
                rows = self._database.execute(query, some)
                found.update((key, json.loads(value)) for key, value in rows)
        return found

    def keep(self, cells: Mapping[str, JSON]) -> None:
        """Store cells, all or none.

        Args:
            cells: Key to value.
        """
        rows = [
            (key, json.dumps(value, sort_keys=True)) for key, value in cells.items()
        ]
        with self._explained(), self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO cells (key, value) VALUES (?, ?)", rows
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> UsageError:
        return UsageError(
            f"{safe(str(self._path), 300)}: cannot be used for finished cells: "
            f"{safe(str(error), 120)}",
            "Name another --output folder.",
        )
