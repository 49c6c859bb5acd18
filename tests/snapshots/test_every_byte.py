"""Each byte of an export is flipped in turn; none passes for what was exported.

The verdict is the sum of what its stages find, so a byte is named as soon as the one
stage that is responsible for its file names it: the hash of each file in the manifest,
the model signature for the manifest and for itself. The whole verification runs on
bytes from everywhere.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.errors import IntegrityError
from governance.service.facade import JobKind
from governance.snapshots.manifest import Manifest, read_manifest
from governance.snapshots.names import MANIFEST, MODEL_SIGNATURE
from governance.snapshots.verify import verify_export
from governance.snapshots.verify_files import verify_files
from governance.snapshots.verify_seals import verify_seals
from tests.crash.synthetic import build_model, synthetic_parts
from tests.flips import LONGEST, patterns
from tests.service.house import build

pytestmark = pytest.mark.timeout(LONGEST)

WHOLE = 509
"""A prime: every so many bytes, everything is verified."""
SAMPLE = 61
"""A prime: every so many bytes, each bit is flipped alone."""
SMALL = 50 * 1024
SUITE = """
apiVersion: governance/v1
kind: CheckSuite
metadata: {name: one, version: 1}
spec:
  tiers: [weights]
  sampler: {steps: 1, guidance: 1.0}
  images: {efficacy: 1, generality: 1, specificity: 1, ratio: 1}
  weights: {captions: [a]}
  holdout: []
  judge: {floor: 0.5, images: 1}
"""


def made(root: Path, *, edited: bool) -> Path:
    """Export two small matrices under the shortest policy, as they are or edited."""

    def shortest(spec: dict[str, JSON]) -> None:
        kept = {"required_approvals", "distinct_from_proposer", "roles", "suite"}
        for name in spec.keys() - kept:
            del spec[name]
        spec["actions"] = {"erase": {"methods": ["uce"]}}
        spec["thresholds"] = [{"metric": "efficacy", "op": ">=", "value": 0.5}]
        (root / "quick.yaml").write_text(SUITE, encoding="utf-8")

    model = build_model(root / "model")
    house = build(root, synthetic_parts(), change=shortest, model=model)
    if edited:
        house.live("kora")
    target = root / "out"
    house.job("ana", JobKind.EXPORT, snapshot="live", output=str(target))
    assert verify_export(target).ok
    return target


@pytest.fixture(scope="module", params=["untouched", "edited"])
def small(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An export of a base model, and one of a live edit of it."""
    return made(
        tmp_path_factory.mktemp("small"), edited=bool(request.param == "edited")
    )


def test_an_export_can_be_small_enough_to_flip_all_of_it(tmp_path: Path) -> None:
    """One of an edit is larger, and is flipped byte by byte as well."""
    export = made(tmp_path, edited=False)
    assert sum((export / path).stat().st_size for path in paths(export)) < SMALL


def paths(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def flipped(path: Path, step: int = 1) -> Iterator[tuple[int, int]]:
    """Flip one byte at a time in place; the file is as it was in the end.

    Yields:
        Where, and which bits.
    """
    content = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for position in range(0, len(content), step):
            for bits in patterns(position, SAMPLE * step):
                file.seek(position)
                file.write(bytes([content[position] ^ bits]))
                yield position, bits
            file.seek(position)
            file.write(content[position : position + 1])


def test_every_byte_of_every_file_in_the_manifest_counts(
    small: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(small)
    assert set(paths(small)) == {*manifest.files, MANIFEST, MODEL_SIGNATURE}
    for number, (path, record) in enumerate(manifest.files.items()):
        alone = tmp_path / str(number)
        (alone / path).parent.mkdir(parents=True)
        (alone / path).write_bytes((small / path).read_bytes())
        only = replace(manifest, files={path: record})
        assert verify_files(alone, only) == (frozenset([path]), ())
        for at in flipped(alone / path):
            intact, findings = verify_files(alone, only)
            assert not intact, (path, at)
            assert [found.path for found in findings] == [path], (path, at)


def test_every_byte_of_the_manifest_is_signed(small: Path) -> None:
    intact, _ = verify_files(small, read_manifest(small))
    for at in flipped(small / MANIFEST):
        try:
            manifest = read_manifest(small)
        except IntegrityError:
            continue
        assert any(verify_seals(small, manifest, intact)), at


def proof(path: Path) -> tuple[bytes, bytes, str]:
    """Return what a bundle proves: what is signed, the signature, and as what."""
    envelope = json.loads(path.read_bytes())["dsseEnvelope"]
    (signature,) = envelope["signatures"]
    return (
        base64.b64decode(envelope["payload"]),
        base64.b64decode(signature["sig"]),
        envelope["payloadType"],
    )


def test_every_byte_of_the_signature_counts_or_proves_the_same(small: Path) -> None:
    """What helps to find the key is no part of the proof, and no other key passes."""
    manifest: Manifest = read_manifest(small)
    intact, _ = verify_files(small, manifest)
    path = small / MODEL_SIGNATURE
    proven, tried, same = proof(path), 0, 0
    for at in flipped(path):
        tried += 1
        if not any(verify_seals(small, manifest, intact)):
            assert proof(path) == proven, at
            same += 1
    assert same < tried // 20, "hardly any byte of a bundle proves nothing"


def test_the_whole_verdict_names_the_file_and_never_breaks(small: Path) -> None:
    for path in paths(small):
        for at in flipped(small / path, WHOLE):
            verdict = verify_export(small)
            if path == MODEL_SIGNATURE and verdict.ok:
                continue
            assert not verdict.ok, (path, at)
            if path != MANIFEST:
                assert path in {found.path for found in verdict.findings}, at
    assert verify_export(small).ok
