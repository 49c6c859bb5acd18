"""The whole tree of errors a person can meet, one exit code each.

Every message names the thing, what is wrong with it, what was expected and what
was found; every hint names the next step. Nothing else in the project decides an
exit code.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes other people's scripts rely on."""

    DONE = 0
    FOUND_SOMETHING = 1
    USAGE = 2
    NOT_FOUND = 3
    WRONG_STATE = 4
    REFUSED_BY_POLICY = 5
    SIGN_OFF_MISSING = 6
    PIPELINE = 7
    ENGINE = 8
    LEDGER = 9
    INTEGRITY = 10
    BUG = 70
    INTERRUPTED = 130


class GovernanceError(Exception):
    """Something a person can understand and act on.

    Args:
        message: What is wrong, what was expected, what was found.
        hint: The next step, or an empty string where there is none.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailedError(GovernanceError):
    """A check, test or benchmark found something."""

    exit_code = ExitCode.FOUND_SOMETHING


class UsageError(GovernanceError):
    """The command line or the settings are wrong."""

    exit_code = ExitCode.USAGE


class RequestError(UsageError):
    """A request, policy or suite file is wrong.

    Args:
        message: What is wrong, with the field's path.
        hint: The next step.
        file: Name of the file as the user gave it, if known.
        line: Line the problem stands on, counted from 1, if known.
        field: Dotted path of the field, such as ``spec.concepts.0.source``.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        place = ":".join(str(part) for part in (file, line) if part is not None)
        super().__init__(f"{place}: {message}" if place else message, hint)
        self.file = file
        self.line = line
        self.field = field


class NotFoundError(GovernanceError):
    """A named thing does not exist."""

    exit_code = ExitCode.NOT_FOUND


class WrongStateError(GovernanceError):
    """The thing exists but is not in a state this action starts from."""

    exit_code = ExitCode.WRONG_STATE


class PolicyRefusedError(GovernanceError):
    """The policy in force forbids this."""

    exit_code = ExitCode.REFUSED_BY_POLICY


class SignOffMissingError(GovernanceError):
    """A signature the policy asks for is not there."""

    exit_code = ExitCode.SIGN_OFF_MISSING


class PipelineError(GovernanceError):
    """A model folder cannot be loaded or is of an unsupported architecture."""

    exit_code = ExitCode.PIPELINE


class EngineError(GovernanceError):
    """The solve is ill-conditioned, misses its target or got wrong shapes."""

    exit_code = ExitCode.ENGINE


class LedgerError(GovernanceError):
    """The ledger is busy, unreachable or of another schema."""

    exit_code = ExitCode.LEDGER


class IntegrityError(GovernanceError):
    """A digest, chain, proof or signature does not verify."""

    exit_code = ExitCode.INTEGRITY


class InterruptedByUserError(GovernanceError):
    """The user, or a signal, stopped the work."""

    exit_code = ExitCode.INTERRUPTED
