"""The miniature: an embedded, really trained text-to-image pipeline and its judge.

Light to import: no tensor library is loaded until a submodule is.
"""

from pathlib import Path

_WEIGHTS = Path(__file__).resolve().parent / "weights"


def pipeline_path() -> Path:
    """Say where the shipped diffusers pipeline is.

    Returns:
        A folder that `diffusers.StableDiffusionPipeline.from_pretrained` loads.
    """
    return _WEIGHTS / "pipeline"


def statistics_path() -> Path:
    """Say where the shipped key covariances of its text encoder are.

    Returns:
        A safetensors file as `governance statistics compute` makes them.
    """
    return _WEIGHTS / "statistics.safetensors"


def judge_path() -> Path:
    """Say where the shipped judge is.

    Returns:
        A folder that `governance.pipeline.judge_model.load_judge` loads.
    """
    return _WEIGHTS / "judge"
