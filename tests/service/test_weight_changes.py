"""The first tier multiplies captions with what reads captions, and nothing else."""

from pathlib import Path

import pytest

from governance.pipeline.folder import open_pipeline
from governance.pipeline.tensors import tensor_bytes
from governance.pipeline.weights import PipelineWeights
from governance.service.parts.checker import prompt_changes
from tests.pipeline.tiny import Family, build


@pytest.mark.parametrize(
    ("family", "width", "count"), [("sdxl", 44, 16), ("sd3", 52, 1), ("flux", 52, 1)]
)
def test_only_what_reads_prompt_rows_is_measured_on_captions(
    tmp_path: Path, family: Family, width: int, count: int
) -> None:
    weights = PipelineWeights(open_pipeline(build(tmp_path / "model", family)))
    every = [site.key for site in weights.sites]
    every += [site.key for site in weights.text_sites]
    edited = {key: tensor_bytes(weights.read_key(key) * 2) for key in every}
    changes = prompt_changes(weights, edited)
    assert [change.before.shape[1] for change in changes] == [width] * count
    for change in changes:
        assert (change.after == change.before * 2).all()
