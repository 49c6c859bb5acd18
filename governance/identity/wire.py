"""Strings and numbers as SSH puts them on the wire (RFC 4251, section 5)."""

from governance.errors import IntegrityError


def pack_string(data: bytes) -> bytes:
    """Return bytes with their length in front."""
    return len(data).to_bytes(4, "big") + data


class Reader:
    """Takes an SSH message apart, never reading beyond its end.

    Args:
        data: The message.
        name: What it is, for errors.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            IntegrityError: If there are fewer.
        """
        end = self._at + count
        if end > len(self._data):
            message = f"the {self._name} is cut off"
            raise IntegrityError(message)
        self._at, start = end, self._at
        return self._data[start:end]

    def expect(self, data: bytes) -> None:
        """Step over bytes that must come next.

        Raises:
            IntegrityError: If others do.
        """
        if self.take(len(data)) != data:
            message = f"the {self._name} does not begin as one does"
            raise IntegrityError(message)

    def number(self) -> int:
        """Return the next 32-bit number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next string's bytes."""
        return self.take(self.number())

    def positive(self) -> int:
        """Return the next multiple-precision integer, which must be above zero.

        Raises:
            IntegrityError: If it is not, or is not in its shortest form.
        """
        data = self.string()
        value = int.from_bytes(data, "big", signed=True)
        if value <= 0 or len(data) != value.bit_length() // 8 + 1:
            message = f"the {self._name} holds a malformed number"
            raise IntegrityError(message)
        return value

    def end(self) -> None:
        """Refuse anything that follows.

        Raises:
            IntegrityError: If bytes are left.
        """
        if self._at != len(self._data):
            message = f"the {self._name} has bytes behind its end"
            raise IntegrityError(message)
