"""Where the parts of a request stand, for errors that are found later."""

from dataclasses import dataclass

from governance.documents.fields import Field
from governance.errors import RequestError


@dataclass(frozen=True, slots=True)
class Places:
    """Every field of a request that can be named in a message.

    Args:
        root: The whole document.
        concepts: Each concept, wherever it is written.
        preserve: Each preserved text, wherever it is written.
    """

    root: Field
    concepts: tuple[Field, ...]
    preserve: tuple[Field, ...]

    def at(self, path: str) -> Field:
        """Return the deepest field there is on a dotted path.

        Args:
            path: Such as ``spec.concepts.0.source`` or ``spec.parameters.lambda``.
        """
        parts = path.split(".")
        lists = {"concepts": self.concepts, "preserve": self.preserve}
        if parts[0] == "spec" and len(parts) > 2 and parts[1] in lists:
            found, number = lists[parts[1]], parts[2]
            if number.isascii() and number.isdigit() and int(number) < len(found):
                return found[int(number)].at(parts[3:])
        return self.root.at(parts)

    def located(self, error: RequestError) -> RequestError:
        """Return an error with file and line, unless it names them already.

        Args:
            error: What is wrong with this request.
        """
        if error.file is not None or error.line is not None:
            return error
        found = self.at(error.field or "")
        message = error.message
        if error.field and not message.startswith(error.field):
            message = f"{error.field}: {message}"
        return RequestError(
            message,
            error.hint,
            file=found.file,
            line=found.node.line,
            field=error.field,
        )
