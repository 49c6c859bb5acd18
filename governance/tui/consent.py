"""When a decision counts as meant: pure rules, with the clock handed in."""

from dataclasses import dataclass

from governance.tui.acts import Field, Matter

DEAF_SECONDS = 0.3
"""Keys this soon after the panel opened were meant for something else."""
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Consent:
    """One opened panel.

    Args:
        matter: What is being decided.
        opened: Clock when the panel opened.
    """

    matter: Matter
    opened: float

    @property
    def expected(self) -> str:
        """The characters that confirm."""
        return self.matter.confirm[-DIGITS:]

    def deaf(self, now: float) -> bool:
        """Whether a key at ``now`` is too early to be meant."""
        return now - self.opened < DEAF_SECONDS

    def objection(self, typed: str, text: str) -> str | None:
        """Say why what was typed does not confirm; ``None`` when it does.

        Args:
            typed: The confirmation field.
            text: The reason, comment or folder field.

        Returns:
            The objection; empty while the person is still typing.
        """
        if len(typed) < DIGITS:
            return ""
        if typed.lower() != self.expected:
            name = self.matter.digests[0][0]
            return (
                f"not confirmed: the {name} digest ends in {self.expected}, "
                f"found {typed}"
            )
        if self.matter.act.asks in (Field.REASON, Field.FOLDER) and not text.strip():
            return f"not confirmed: give a {self.matter.act.asks} first"
        return None
