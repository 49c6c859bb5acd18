"""The shipped key covariances are those of the shipped encoder and captions."""

from itertools import islice

import torch

from governance.canonical import sha256_hex
from governance.miniature import pipeline_path, statistics_path
from governance.miniature.statistics import captions, captions_file
from governance.pipeline.covariances import CovarianceFile, check_shapes
from governance.pipeline.folder import open_pipeline
from governance.pipeline.statistics import (
    encoder_digests,
    key_widths,
    measure_keys,
)


def test_shipped_statistics_are_of_the_shipped_encoder_and_captions() -> None:
    folder = open_pipeline(pipeline_path())
    file = CovarianceFile(statistics_path())
    assert file.encoders == encoder_digests(folder)
    assert set(file.places) == set(key_widths(folder))
    check_shapes(file, key_widths(folder))
    texts = list(captions())
    assert file.about["captions"] == sha256_hex(captions_file(texts))
    assert file.about["caption_count"] == len(texts)


def test_other_captions_of_the_same_grammar_tell_about_the_same() -> None:
    file = CovarianceFile(statistics_path())
    texts = list(islice(captions(seed=7), 400))
    found = measure_keys(open_pipeline(pipeline_path()), texts)
    for place, own in found.covariances.items():
        shipped = file.covariance(*place)
        apart = torch.linalg.norm(own - shipped) / torch.linalg.norm(shipped)
        assert (
            apart < 0.1
        )  # sampling noise; another encoder is as far as its own length
        assert torch.linalg.eigvalsh(shipped)[0] > 0
