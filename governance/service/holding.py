"""Who stores before recording, and who clears away what nobody recorded: never both.

An action stores objects first and names them in an entry last. In between nothing
tells them from what a killed action left. So every action holds the object folder,
shared with the others, from before it stores until it has recorded; whoever clears
away needs the folder alone. A process that is killed gives its hold back.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from governance.errors import LedgerError
from governance.ledger.files import locked_folder


@contextmanager
def holding(objects: Path) -> Iterator[None]:
    """Keep what is stored meanwhile, though no entry names it yet.

    Args:
        objects: The folder of the objects; held as often as wanted.

    Raises:
        LedgerError: It cannot be opened.
    """
    with _locked(objects, alone=False):
        yield


@contextmanager
def nobody_storing(objects: Path) -> Iterator[bool]:
    """Have the folder alone, if no action holds it.

    Args:
        objects: The folder of the objects.

    Yields:
        Whether it is had alone; actions that begin meanwhile wait.

    Raises:
        LedgerError: It cannot be opened.
    """
    with _locked(objects, alone=True) as alone:
        yield alone


@contextmanager
def _locked(objects: Path, *, alone: bool) -> Iterator[bool]:
    with ExitStack() as lock:
        try:
            found = lock.enter_context(locked_folder(objects, alone=alone))
        except OSError as error:
            raise LedgerError(
                f"the object store {objects} cannot be held: {error.strerror}",
                "Check the disk and its permissions.",
            ) from error
        yield found
