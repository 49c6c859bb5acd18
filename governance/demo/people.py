"""Two throw-away reviewers, so that four eyes can be shown by one program."""

from dataclasses import dataclass
from pathlib import Path

from governance.identity.keys import generate_key


@dataclass(frozen=True, slots=True)
class Person:
    """A demo reviewer and the key pair made for them.

    Args:
        principal: Name they sign as.
        key: Private key file, mode 0600.
        roles: Roles under the policy.
    """

    principal: str
    key: Path
    roles: tuple[str, ...]

    @property
    def public_key(self) -> Path:
        """The public key beside the private one."""
        return self.key.with_name(self.key.name + ".pub")


def make_people(folder: Path) -> tuple[Person, Person]:
    """Make a proposer and a reviewer with a new key each.

    Args:
        folder: New folder for the keys; made private.

    Returns:
        Proposer and reviewer.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=False)
    people = tuple(
        Person(f"{name}@demo", folder / name, ("reviewer",)) for name in ("ana", "ben")
    )
    for person in people:
        generate_key(person.key, comment=person.principal)
    return people[0], people[1]
