"""Where a workspace lies and who acts in it: one frozen answer to every option."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.canonical import JSON
from governance.errors import UsageError

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options, the environment and the defaults say together.

    Args:
        workspace: Absolute folder of the workspace.
        database: Database URL, or ``None`` for SQLite in the workspace.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        principal: Who acts, or ``None`` to find out.
        key: SSH key that signs, or ``None`` to find one.
        readonly: Whether every write is refused.
    """

    workspace: Path
    database: str | None = None
    device: str = "auto"
    principal: str | None = None
    key: Path | None = None
    readonly: bool = False

    @classmethod
    def load(
        cls,
        *,
        workspace: Path | None = None,
        database_url: str | None = None,
        device: str | None = None,
        principal: str | None = None,
        key: Path | None = None,
        readonly: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> "Settings":
        """Fill what was not given from the environment and the defaults.

        Args:
            workspace: Folder given, if any.
            database_url: Database given, if any.
            device: Device given, if any.
            principal: Principal given, if any.
            key: Key file given, if any.
            readonly: Whether writes are refused.
            environment: Where ``GOVERNANCE_*`` is looked up; the process's.

        Returns:
            The settings.

        Raises:
            UsageError: The device is none that exists.
        """
        surroundings = os.environ if environment is None else environment
        chosen = device or "auto"
        if not _DEVICE.fullmatch(chosen):
            raise UsageError(
                f"--device: expected auto, cpu, cuda, cuda:N or mps, found {chosen!r}",
                "Leave it out to take the fastest there is.",
            )
        named_key = key or _path(surroundings.get("GOVERNANCE_KEY"))
        return cls(
            workspace=(workspace or _default_workspace(surroundings)).absolute(),
            database=database_url
            or surroundings.get("GOVERNANCE_DATABASE_URL")
            or None,
            device=chosen,
            principal=principal or surroundings.get("GOVERNANCE_PRINCIPAL") or None,
            key=None if named_key is None else named_key.absolute(),
            readonly=readonly,
        )

    @classmethod
    def from_document(cls, document: Mapping[str, JSON]) -> "Settings":
        """Read settings back from :meth:`document`."""
        key = document["key"]
        return cls(
            workspace=Path(str(document["workspace"])),
            database=_text(document["database"]),
            device=str(document["device"]),
            principal=_text(document["principal"]),
            key=None if key is None else Path(str(key)),
            readonly=bool(document["readonly"]),
        )

    def document(self) -> dict[str, JSON]:
        """Return the settings as JSON, to hand them to a child process."""
        return {
            "workspace": str(self.workspace),
            "database": self.database,
            "device": self.device,
            "principal": self.principal,
            "key": None if self.key is None else str(self.key),
            "readonly": self.readonly,
        }


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _text(value: JSON) -> str | None:
    return None if value is None else str(value)


def _default_workspace(surroundings: Mapping[str, str]) -> Path:
    named = surroundings.get("GOVERNANCE_WORKSPACE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("governance", appauthor=False)
