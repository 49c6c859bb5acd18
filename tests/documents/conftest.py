from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = """\
apiVersion: governance/v1
kind: ConceptEdit
metadata:
  title: Stop imitating Kora
  model: miniature
  rationale: Takedown request by the artist
"""
SPEC = """\
spec:
  action: erase
  method: uce
"""
CONCEPTS = """\
  concepts:
    - {source: Kora, destination: art}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a request whose parts can be replaced, one after the other."""

    def write_request(
        *extra: str, head: str = HEAD, spec: str = SPEC, concepts: str = CONCEPTS
    ) -> Path:
        path = tmp_path / "request.yaml"
        path.write_text(head + spec + concepts + "".join(extra), encoding="utf-8")
        return path

    return write_request
