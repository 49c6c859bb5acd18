"""Card and report say what the record says, or verifying names them."""

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from governance.canonical import JSON, canonical_bytes, sha256_hex
from governance.domain.signoff import Head, Signed
from governance.domain.snapshot import ResolvedEdit, Snapshot
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import FileRecord, PipelineFolder
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import (
    ExportedEdit,
    ExportedEvidence,
    ExportedPolicy,
    ExportInputs,
    TensorNorm,
)
from governance.snapshots.names import CARD, PAGES_FORM, REPORT, LeftOut
from governance.snapshots.pages import card_of
from governance.snapshots.parts import Exporting
from governance.snapshots.report import report_page
from governance.snapshots.report_evidence import EvidenceFacts, evidence_facts
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import evidence_document, inputs_for, measured, moved
from tests.snapshots.logs import logged
from tests.snapshots.people import BOB, TIME, approval, edit, request
from tests.snapshots.test_seals import stock_accepts, vouch
from tests.snapshots.test_verify import messages, named, reseal

MANIFEST = "governance/manifest.json"


def seal(export: Path, *paths: str) -> None:
    """Let manifest and model signature fit pages that a forger wrote."""
    for path in paths:
        vouch(export, json.loads((export / MANIFEST).read_text()), path)


# What a forger who holds the model signing key changes


@pytest.mark.parametrize(
    ("path", "lie"),
    [
        (CARD, lambda text: text.replace("0.910", "0.999")),
        (CARD, lambda text: text.replace("not stated in the base folder", "mit")),
        (CARD, lambda text: text.replace("Stop imitating Kora", "Improve Kora")),
        (CARD, lambda text: text.replace("bob@example.org", "eve@example.org")),
        (CARD, lambda text: text + "\nFound lawful by counsel.\n"),
        (CARD, lambda text: text.replace("## 8. Limits", "## 8. Praise")),
        (CARD, lambda text: text.replace("library_name", "license: mit\nlibrary_name")),
        (REPORT, lambda text: text.replace("0.910", "0.999")),
        (REPORT, lambda text: text.replace("PASS", "BEST")),
        (REPORT, lambda text: text.replace("The numbers hold.", "Splendid.")),
        (REPORT, lambda text: text.replace("</main>", "<p>Lawful.</p></main>")),
        (REPORT, lambda text: text.replace("</body>", "<script>1</script></body>")),
        (REPORT, lambda text: text.replace("Written by governance", "Written by us")),
        (REPORT, lambda _: ""),
    ],
)
def test_a_page_that_says_otherwise_than_the_record_is_named(
    export: Path, path: str, lie: Callable[[str], str]
) -> None:
    before = (export / path).read_text()
    after = lie(before)
    assert after != before
    (export / path).write_text(after)
    seal(export, path)
    stock_accepts(export)
    # The report names the card's digest.
    also = [(REPORT, "proof")] if path == CARD else []
    assert named(export) == sorted([(path, "proof"), *also])
    assert "it says otherwise than the record" in messages(export)


def test_every_line_of_the_pages_is_compared(export: Path) -> None:
    for path in (CARD, REPORT):
        original = (export / path).read_bytes()
        text = original.decode()
        for at in range(0, len(text), max(1, len(text) // 12)):
            (export / path).write_text(text[:at] + "*" + text[at:])
            seal(export, path)
            assert (path, "proof") in named(export), (path, at)
        (export / path).write_bytes(original)
        seal(export, path)
    assert named(export) == []


def test_pages_of_another_form_are_noted_and_vouched_for_by_nobody(
    export: Path,
) -> None:
    manifest = json.loads((export / MANIFEST).read_text())
    assert manifest["pages"] == PAGES_FORM
    manifest["pages"] = PAGES_FORM + 1
    (export / CARD).write_text("---\nlicense: mit\n---\n\nLawful.\n")
    vouch(export, manifest, CARD)
    verdict = verify_export(export)
    assert verdict.findings == ()
    (note,) = verdict.notes
    assert "written by another version of the program" in note
    assert f"form {PAGES_FORM + 1}, this one writes {PAGES_FORM}" in note


def test_an_untouched_export_leaves_nothing_uncompared(pristine: Path) -> None:
    verdict = verify_export(pristine)
    assert (verdict.ok, verdict.notes) == (True, ())


# Pictures


def png(colour: tuple[int, int, int], side: int = 420) -> bytes:
    """A picture that no page holds as it is: noise of a colour."""
    noise = Image.effect_noise((side, side), 40).convert("RGB")
    out = io.BytesIO()
    Image.blend(noise, Image.new("RGB", noise.size, colour), 0.6).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def pictured(folder: PipelineFolder, store: ObjectStore, tmp_path: Path) -> Path:
    """An export whose report holds pictures that were reduced."""
    plain = inputs_for(folder, store, (edit(request()),), moved(folder))
    digests = [store.put_bytes(png(colour)) for colour in ((200, 0, 0), (0, 0, 200))]
    document = evidence_document(plain.snapshot, plain.edits, digests[0])
    document["images"] = [
        {
            "edit": "E-0001",
            "prompt": "a painting by kora",
            "seed": 7,
            "base": digests[0],
            "live": None,
            "candidate": digests[1],
        }
    ]
    stored = store.put_bytes(canonical_bytes(document))
    found = replace(plain, evidence=(ExportedEvidence(stored, tuple(digests)),))
    inputs = logged(replace(found, signoffs=(approval(found, BOB),)))
    return export_diffusers(inputs, store, tmp_path / "pictured").path


def jpegs(export: Path) -> list[bytes]:
    found = re.findall(
        r"data:image/jpeg;base64,([^\"]+)", (export / REPORT).read_text()
    )
    return [base64.b64decode(item) for item in found]


def swap(export: Path, old: bytes, new: bytes) -> None:
    text = (export / REPORT).read_text()
    before, after = (base64.b64encode(data).decode() for data in (old, new))
    assert before in text
    (export / REPORT).write_text(text.replace(before, after))
    seal(export, REPORT)


def saved(
    data: bytes,
    quality: int,
    change: Callable[[Any], None] | None = None,
    **more: Any,
) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        if change is not None:
            change(image)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, **more)
    return out.getvalue()


def test_pictures_that_change_places_are_named(pictured: Path) -> None:
    assert named(pictured) == []
    before, after = jpegs(pictured)
    swap(pictured, after, before)
    assert named(pictured) == [(REPORT, "proof")]
    assert "picture 2 is not the one in the evidence" in messages(pictured)


def test_a_picture_that_was_retouched_is_named(pictured: Path) -> None:
    def paint(image: Any) -> None:
        image.paste((255, 255, 255), (100, 100, 140, 140))

    before, _ = jpegs(pictured)
    swap(pictured, before, saved(before, 90, paint))
    assert named(pictured) == [(REPORT, "proof")]
    assert "picture 1 is not the one in the evidence" in messages(pictured)


def turned() -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 3  # Orientation: upside down.
    return {"exif": exif}


def tinted() -> dict[str, Any]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return {"icc_profile": profile.tobytes()}


@pytest.mark.parametrize(
    "more", [turned(), tinted(), {"comment": b"a real photo"}, {"dpi": (1, 400)}]
)
def test_a_picture_that_a_browser_shows_otherwise_is_named(
    pictured: Path, more: dict[str, Any]
) -> None:
    """The pixels are the same; what stands beside them turns or tints them."""
    before, _ = jpegs(pictured)
    swap(pictured, before, saved(before, 85, **more))
    assert named(pictured) == [(REPORT, "proof")]
    assert "picture 1 is not the one in the evidence" in messages(pictured)


def test_the_same_picture_reduced_by_another_library_passes(pictured: Path) -> None:
    before, _ = jpegs(pictured)
    again = saved(before, 88)
    assert again != before
    swap(pictured, before, again)
    assert named(pictured) == []


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"GIF89a", b"x" * 5000])
def test_garbage_in_place_of_a_picture_is_named(pictured: Path, data: bytes) -> None:
    swap(pictured, jpegs(pictured)[0], data)
    assert named(pictured) == [(REPORT, "proof")]


def test_a_picture_that_evidence_names_is_missed(pictured: Path) -> None:
    picture = sorted((pictured / "governance/evidence").glob("*.png"))[0]
    path = picture.relative_to(pictured).as_posix()
    picture.unlink()
    reseal(pictured)
    assert named(pictured) == [(path, "missing")]
    assert "names this picture" in messages(pictured)


def test_a_digest_that_evidence_only_mentions_is_no_picture(export: Path) -> None:
    """The candidate's digest stands in the evidence, but names no picture."""
    (evidence,) = (export / "governance/evidence").glob("*.json")
    data = evidence.read_bytes()
    path = f"governance/evidence/{sha256_hex(data)}.png"
    (export / path).write_bytes(data)
    reseal(export)
    assert (path, "added") in named(export)


# Their form

PINNED = {1: "425d3cdf383144dd9119c4f9bec1dd47ff4076e5618d64a9b339f3749f89ed75"}
"""Form to the digest of the pages below. Whoever changes what a page says counts up
``PAGES_FORM`` and adds a line: an export written before is then noted, not refused."""


def fixed() -> Exporting:
    """An export in which nothing is drawn by lot."""
    snapshot = Snapshot("0" * 64, (), {"unet/a.safetensors:w": "1" * 64})
    document = request()
    one = ExportedEdit(
        id="E-0001",
        request=document,
        resolved=ResolvedEdit("2" * 64, {"lambda": 0.5}),
        proposer="ada@example.org",
        key="ssh-ed25519 AAAA",
        signature="signature",
        time=TIME,
        parameters={"lambda": 0.5},
        certificate=({"source": "kora", "residual": 0.25, "drift": 0.5},),
    )
    statement = {"decision": "approve", "comment": "Good.", "evidence": "3" * 64}
    inputs = ExportInputs(
        folder=PipelineFolder(Path(), "sd1", (FileRecord("a", 1, "4" * 64),), ()),
        model="miniature",
        source="example/model@1",
        snapshot=snapshot,
        edits=(one,),
        policy=ExportedPolicy("default", 3, "5" * 64, {"spec": {"suite": "quick"}}),
        origin="governance/test",
        head=Head(8, "6" * 64),
        created=TIME,
        evidence=(ExportedEvidence("3" * 64, ("7" * 64,)),),
        signoffs=(
            Signed("bob@example.org", "ssh-ed25519 BBBB", statement, "sig", 6, TIME),
        ),
        results=measured((one,)),
        licence="mit",
    )
    return Exporting(
        inputs=inputs,
        norms=(TensorNorm("unet/a.safetensors:w", 0.5, "8" * 64, "1" * 64),),
        left_out=(LeftOut("b.bin", "a pickle"),),
        links={},
        derivation=None,
        files=(FileRecord("unet/a.safetensors", 9, "9" * 64),),
        version="1",
    )


def told(_: str) -> bytes:
    """An evidence document without pictures, whatever is asked for."""
    details: dict[str, JSON] = {
        "judge": "a" * 64,
        "sampler": {"steps": 20},
        "seeds": {"E-0001 efficacy kora": [1, 2]},
        "silent": ["E-0001 ratio: too few"],
        "blast_radius": [{"prompt": "a lamp", "moved": 0.25}],
        "rows": [{"edit": "E-0001", "metric": "efficacy", "prompt": "kora", "n": 2}],
    }
    document: dict[str, JSON] = {
        "edits": {"E-0001": "b" * 64},
        "candidate": "c" * 64,
        "suite": "d" * 64,
        "details": details,
    }
    return canonical_bytes(document)


def read_evidence() -> list[EvidenceFacts]:
    return [evidence_facts("3" * 64, told)]


def test_whoever_changes_a_page_counts_up_its_form() -> None:
    about = fixed()
    digest = sha256_hex(card_of(about, told) + report_page(about, read_evidence()))
    assert PINNED[PAGES_FORM] == digest
