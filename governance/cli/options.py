"""Options every command takes, before or after its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

from governance.service.facade import Governance

OpenTui: TypeAlias = Callable[[Governance, bool], int]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class GlobalOptions:
    """What the global options said; filled as they are met on the line.

    Args:
        given: Options by name.
        open_tui: Opens the terminal UI; the two faces do not know each other.
    """

    given: dict[str, Any] = field(default_factory=dict)
    open_tui: OpenTui | None = None

    @property
    def as_json(self) -> bool:
        """Whether stdout must be one JSON document."""
        return bool(self.given.get("json"))

    @property
    def model(self) -> str | None:
        """The model named by ``--model``."""
        value = self.given.get("model")
        return None if value is None else str(value)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401 - click's own type
    options = ctx.ensure_object(GlobalOptions)
    if value is not None and value is not False:
        options.given[str(param.name)] = value


_Option: TypeAlias = tuple[tuple[str, ...], dict[str, Any]]

_DECLARED: tuple[_Option, ...] = (
    (
        ("--workspace",),
        {
            "type": click.Path(path_type=Path, file_okay=False),
            "help": "Workspace folder  [default: $GOVERNANCE_WORKSPACE, else user data]",
        },
    ),
    (("--json",), {"is_flag": True, "help": "Print one JSON document on stdout."}),
    (("--verbose",), {"is_flag": True, "help": "Say more on stderr; traces of bugs."}),
    (
        ("--device",),
        {"metavar": "auto|cpu|cuda|cuda:N|mps", "help": "Where tensors live."},
    ),
    (
        ("--database-url",),
        {"metavar": "URL", "help": "Ledger database  [default: SQLite in workspace]"},
    ),
    (("--as", "principal"), {"metavar": "PRINCIPAL", "help": "Who signs."}),
    (
        ("--key",),
        {
            "type": click.Path(path_type=Path, dir_okay=False),
            "help": "SSH key that signs.",
        },
    ),
    (
        ("--model",),
        {"metavar": "M", "help": "Model, when more than one is registered."},
    ),
    (("--readonly",), {"is_flag": True, "help": "Refuse every write."}),
)


def global_options(function: Function) -> Function:
    """Give a command the options that stand before or after its name."""
    return _declare(function, _DECLARED)


def global_options_but_model(function: Function) -> Function:
    """Give ``solve`` all but ``--model``, which there names a folder."""
    return _declare(function, [item for item in _DECLARED if item[0] != ("--model",)])


def _declare(function: Function, declared: Sequence[_Option]) -> Function:
    for names, settings in reversed(declared):
        function = click.option(
            *names, expose_value=False, callback=_remember, **settings
        )(function)
    return function


pass_options = click.make_pass_decorator(GlobalOptions, ensure=True)
