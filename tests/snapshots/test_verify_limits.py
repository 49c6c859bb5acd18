"""A document too large to be any export's is refused before it is parsed."""

import json
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import digest_of, sha256_hex
from governance.errors import IntegrityError
from governance.snapshots import reading
from governance.snapshots.manifest import read_manifest
from governance.snapshots.proofs import POLICIES, SUITES
from governance.snapshots.record import readable
from governance.snapshots.verify import verify_export
from governance.snapshots.verify_policies import Kept
from tests.snapshots.test_verify import reseal

MANIFEST = "governance/manifest.json"
RECORD = "governance"
MARKS = "commas, colons and brackets"


def messages(export: Path, path: str) -> list[str]:
    found = verify_export(export).findings
    return [item.message for item in found if item.path == path]


def numbers(size: int) -> bytes:
    """Return a JSON list of small numbers, of about so many bytes."""
    return b"[" + b"1," * (size // 2) + b"1]"


def test_a_manifest_of_60_megabytes_is_refused_by_its_size(export: Path) -> None:
    (export / MANIFEST).write_bytes(numbers(60_000_000))
    assert messages(export, MANIFEST) == [
        f"{MANIFEST} is larger than {reading.MANIFEST_LIMIT} bytes"
    ]


@pytest.mark.parametrize(
    "data",
    [
        numbers(7_000_000),
        b"[" + b"{}," * 2_000_000 + b"{}]",
        b"[" * 3_000_000,
        b'{"a":' * 1_000_000,
        json.dumps({str(key): 0 for key in range(400_000)}).encode(),
    ],
    ids=["numbers", "objects", "nested lists", "nested objects", "keys"],
)
def test_a_manifest_of_too_many_values_is_not_parsed(
    export: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    (export / MANIFEST).write_bytes(data)
    monkeypatch.setattr(json, "loads", parsed)
    (message,) = messages(export, MANIFEST)
    assert MARKS in message
    assert message.endswith(f"expected at most {reading.MANIFEST_MARKS_LIMIT}")


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("edits.json", reading.EDITS_MARKS_LIMIT),
        ("policy.yaml", reading.POLICY_MARKS_LIMIT),
        ("proofs.json", reading.MARKS_LIMIT),
    ],
)
def test_a_document_of_too_many_values_names_the_limit(
    export: Path, name: str, most: int
) -> None:
    (export / RECORD / name).write_bytes(numbers(2 * most + 10))
    reseal(export)
    found = messages(export, f"{RECORD}/{name}")
    assert any(
        MARKS in item and item.endswith(f"expected at most {most}") for item in found
    ), found


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("edits.json", reading.DOCUMENT_LIMIT),
        ("proofs.json", reading.DOCUMENT_LIMIT),
        ("policy.yaml", reading.POLICY_LIMIT),
        ("allowed_signers", reading.SIGNERS_LIMIT),
    ],
)
def test_a_document_of_too_many_bytes_names_the_limit(
    export: Path, name: str, most: int
) -> None:
    with (export / RECORD / name).open("wb") as file:
        file.truncate(most + 1)
    reseal(export)
    path = f"{RECORD}/{name}"
    assert f"{path} is larger than {most} bytes" in messages(export, path)


@pytest.mark.parametrize(
    ("place", "most"),
    [
        (POLICIES, reading.POLICY_MARKS_LIMIT),
        (SUITES, reading.SUITE_MARKS_LIMIT),
    ],
)
def test_a_kept_document_of_too_many_values_names_the_limit(
    export: Path, place: str, most: int
) -> None:
    (path, *_) = (export / place).iterdir()
    data = numbers(2 * most + 10)
    path.write_bytes(data)
    reseal(export)
    manifest = read_manifest(export)
    kept = Kept(export, manifest, frozenset(manifest.files))
    with pytest.raises(IntegrityError, match=f"{MARKS}: expected at most {most}"):
        kept.read(place, sha256_hex(data))
    assert not verify_export(export).ok


def test_the_manifest_of_a_thousand_edits_of_a_large_model_is_a_third_of_the_limit(
    pristine: Path,
) -> None:
    """An SDXL has 140 matrices of keys and values, and about 60 files."""
    manifest: dict[str, Any] = json.loads((pristine / MANIFEST).read_bytes())
    digests = [digest_of(number) for number in range(1000)]
    manifest["snapshot"]["edits"] = digests
    name = "unet/diffusion_pytorch_model.safetensors:up_blocks.0.attentions.2."
    manifest["snapshot"]["tensors"] = {
        f"{name}transformer_blocks.9.attn2.to_k.weight.{number}": digests[number]
        for number in range(140)
    }
    one = manifest["signoffs"][0]
    manifest["signoffs"] = [one] * 2000
    manifest["files"] += [manifest["files"][0]] * 5000
    data = readable(manifest)
    assert len(data) < reading.MANIFEST_LIMIT / 3
    reading.refuse_crowded(data, MANIFEST, reading.MANIFEST_MARKS_LIMIT // 3)
