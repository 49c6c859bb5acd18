"""Keeping the libraries' own progress bars and advice off the user's terminal."""

from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging


def quiet_libraries() -> None:
    """Silence everything but errors of diffusers and transformers."""
    for library in (diffusers_logging, transformers_logging):
        library.disable_progress_bar()
        library.set_verbosity_error()
