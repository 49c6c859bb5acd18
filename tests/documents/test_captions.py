"""Captions come from strangers: a line is read, limited, and never shown."""

import hashlib
import os
from pathlib import Path

import pytest

from governance.documents.captions import LINE_BYTES, Captions
from governance.errors import NotFoundError, RequestError


def test_every_line_that_is_not_blank_is_a_caption(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    content = "\ufeffa rose\r\n\n  a dog \n\x1b[2Jcaf\u00e9".encode()
    path.write_bytes(content)
    captions = Captions(path)
    assert list(captions) == ["a rose", "a dog", "\x1b[2Jcaf\u00e9"]
    assert captions.digest == hashlib.sha256(content).hexdigest()
    assert (captions.lines, captions.bytes_read) == (4, len(content))


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    path.write_bytes(b"a rose\n\xff\xfe\n")
    with pytest.raises(RequestError, match=r"captions.txt:2: .* byte 0xff"):
        list(Captions(path))


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    path.write_bytes(b"a" * (LINE_BYTES + 1))
    with pytest.raises(RequestError, match="16,384 bytes a line"):
        list(Captions(path))


def test_a_pipe_or_a_folder_is_no_captions_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(RequestError, match="expected a regular file"):
            list(Captions(tmp_path / name))
    with pytest.raises(NotFoundError, match="no such file"):
        list(Captions(tmp_path / "none"))
