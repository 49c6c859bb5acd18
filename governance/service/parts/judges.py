"""Which judge speaks about a model."""

from pathlib import Path
from typing import TYPE_CHECKING

from governance.canonical import digest_of, sha256_hex
from governance.domain.state import ModelRecord
from governance.errors import PipelineError
from governance.miniature import judge_path, pipeline_path

if TYPE_CHECKING:
    from governance.pipeline.judge_model import Judge


class Judges:
    """Opens the judge that was calibrated on a model, once."""

    def __init__(self) -> None:
        self._judge: Judge | None = None
        self._digest = ""
        self._miniature = ""

    def of(self, model: ModelRecord) -> "tuple[Judge, str]":
        """Return a model's judge and its digest.

        Args:
            model: The registered model.

        Raises:
            PipelineError: No judge was calibrated on this model.
        """
        if model.digest != self._miniature_digest():
            raise PipelineError(
                f"model {model.name}: no judge was calibrated on it; expected the "
                f"embedded miniature, found {model.digest[:12]}",
                "Image checks run on the miniature in this version; `governance edit "
                "apply` and its certificate work on every supported model.",
            )
        if self._judge is None:
            from governance.pipeline.judge_model import load_judge

            self._digest = folder_digest(judge_path())
            self._judge = load_judge(judge_path())
        return self._judge, self._digest

    def _miniature_digest(self) -> str:
        if not self._miniature:
            from governance.pipeline.folder import open_pipeline

            self._miniature = open_pipeline(pipeline_path()).digest
        return self._miniature


def folder_digest(folder: Path) -> str:
    """Return one digest over every file of a judge."""
    return digest_of(
        {
            path.relative_to(folder).as_posix(): sha256_hex(path.read_bytes())
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )
