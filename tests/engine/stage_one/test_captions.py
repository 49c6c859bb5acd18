"""A caption that the model cannot read is named, with where to give others."""

import pytest

from governance.engine.stage_one.refact import refuse_long_captions
from governance.errors import RequestError
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.stage_one_text import open_tails


def test_a_caption_that_does_not_fit_is_named_by_field_and_place(
    sd1: PipelineFolder,
) -> None:
    captions = ("a red cat", "a red cat " * 60)
    with pytest.raises(RequestError, match="the given caption 1") as caught:
        refuse_long_captions(open_tails(sd1)[0], captions)
    assert caught.value.field == "spec.parameters.contrast"
    assert "`contrast` captions of your own" in caught.value.hint


def test_captions_that_fit_are_taken(sd1: PipelineFolder) -> None:
    refuse_long_captions(open_tails(sd1)[0], ("a red cat", "kora"))
