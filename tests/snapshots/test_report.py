"""The report says all eight groups, loads nothing, and obeys nobody."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from governance.canonical import JSON
from governance.domain.signoff import Head
from governance.ledger.store import ObjectStore
from governance.snapshots.inputs import (
    ExportedEvidence,
    ExportedResult,
    ExportInputs,
    TensorNorm,
)
from governance.snapshots.limits import DEMO, LIMITS
from governance.snapshots.names import REPORT, LeftOut
from governance.snapshots.pages import report_part
from governance.snapshots.parts import Exporting
from governance.snapshots.report import report_page
from governance.snapshots.report_base import BaseFacts
from governance.snapshots.report_edit import facts_of
from governance.snapshots.report_evidence import EvidenceFacts, evidence_facts
from governance.snapshots.report_one import OneEdit, one_edit_page
from governance.snapshots.report_pictures import PAIRS, choose, small
from governance.text import safe
from tests.snapshots.page import Page
from tests.snapshots.people import ADA, BOB
from tests.snapshots.test_card import HOSTILE, poisoned

NORMS = (TensorNorm("unet/x.safetensors:to_k.weight", 1.25, "aa" * 32, "bb" * 32),)
LEFT = (LeftOut("unet/x.bin", "a pickle: it can run code"),)
ELEMENTS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "nav",
        "main",
        "footer",
        "section",
        "article",
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "a",
        "strong",
        "ol",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "div",
        "span",
        "code",
        "pre",
        "br",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "img",
        "svg",
        "line",
        "circle",
    ]
)
ATTRIBUTES = frozenset(
    [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "focusable",
        "scope",
        "src",
        "alt",
        "viewbox",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
    ]
)


def about(inputs: ExportInputs, **changes: object) -> Exporting:
    plain = Exporting(inputs, NORMS, LEFT, {}, None, inputs.folder.files)
    return replace(plain, **changes)  # type: ignore[arg-type]


def png(colour: str, side: int = 8) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


def noise(seed: int, side: int = 256) -> bytes:
    out = io.BytesIO()
    data = hashlib.shake_256(str(seed).encode()).digest(side * side * 3)
    Image.frombytes("RGB", (side, side), data).save(out, "PNG")
    return out.getvalue()


def evidence_of(
    store: ObjectStore,
    prompts: Sequence[str],
    edit: str = "E-0001",
    candidate: str = "12" * 32,
    **details: JSON,
) -> EvidenceFacts:
    """Evidence on one edit, red before and blue after."""
    before, after = store.put_bytes(png("red")), store.put_bytes(png("blue"))
    rows: list[JSON] = [
        {"edit": edit, "prompt": p, "seed": at, "base": before, "candidate": after}
        for at, p in enumerate(prompts)
    ]
    document: dict[str, JSON] = {
        "suite": "5a" * 32,
        "candidate": candidate,
        "edits": {edit: "34" * 32},
        "images": rows,
        "details": {"judge": "1d" * 32, "sampler": {"steps": 20}, **details},
    }
    digest = store.put_bytes(json.dumps(document).encode())
    return evidence_facts(digest, store.get)


@pytest.fixture
def page(inputs: ExportInputs, store: ObjectStore) -> Page:
    evidence = evidence_of(store, ["a painting by kora", "a lemon"])
    return Page(report_page(about(inputs), [evidence]).decode())


def test_the_eight_groups_stand_under_numbered_headings(page: Page) -> None:
    assert page.headings == [
        "1. Identity and files",
        "2. Base model",
        "3. Edits",
        "4. Evaluation",
        "5. Decisions and signatures",
        "6. Policy",
        "7. Ledger and proofs",
        "8. Limits: what this record does not prove",
    ]
    ids = [item.attributes["id"] for item in page.named("h2")]
    links = [item.attributes["href"] for item in page.named("a")]
    assert links == [f"#{name}" for name in ids]
    assert len(ids) == 8


def test_every_group_states_its_facts(page: Page, inputs: ExportInputs) -> None:
    (one,) = inputs.edits
    for wanted in (
        # identity, base
        inputs.snapshot.digest,
        inputs.folder.digest,
        inputs.folder.files[0].sha256,
        "not stated in the base folder",
        "a pickle: it can run code",
        # edits
        "Stop imitating Kora",
        "Takedown request by the artist",
        '"kora" becomes "art"',
        one.digest,
        one.resolved.digest,
        "2 preserved prompts",
        *("aa" * 32, "bb" * 32, "1.25"),
        # evaluation
        *("5a" * 32, "1d" * 32),
        "0.0200.000 to 0.100, n = 64",
        "0.9100.800 to 0.970, n = 64",
        ">= 0.7",
        # decisions
        BOB.name,
        "The numbers hold.",
        inputs.signoffs[0].signature.splitlines()[1],
        inputs.signoffs[0].key,
        # policy, verbatim
        "required_approvals: 1",
        "distinct_from_proposer: true",
        inputs.policy.digest,
        # ledger
        inputs.head.root,
        ADA.name,
        f"ssh-keygen -Y verify -f governance/allowed_signers -I {BOB.name} ",
        # limits
        *LIMITS,
    ):
        assert wanted in page.text, wanted


def test_a_licence_and_a_revision_are_those_of_the_base(inputs: ExportInputs) -> None:
    hub = replace(inputs, source="owner/model@0123abc", licence="openrail")
    text = Page(report_page(about(hub), []).decode()).text
    for wanted in ("owner/model", "0123abc", "openrail, as its own card says"):
        assert wanted in text


def test_a_demo_warns_above_everything(inputs: ExportInputs) -> None:
    text = Page(report_page(about(replace(inputs, origin="demo")), []).decode()).text
    assert text.index(DEMO) < text.index("1. Identity")
    assert DEMO not in Page(report_page(about(inputs), []).decode()).text


def test_the_page_loads_and_runs_nothing(page: Page) -> None:
    assert {item.name for item in page.elements} <= ELEMENTS
    assert {key for item in page.elements for key in item.attributes} <= ATTRIBUTES
    assert all(str(i.attributes["src"]).startswith("data:") for i in page.named("img"))
    assert all(str(i.attributes["href"]).startswith("#") for i in page.named("a"))
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert page.odd == []


def test_the_browser_is_told_to_load_nothing_but_this_style(page: Page) -> None:
    (policy,) = [
        str(item.attributes["content"])
        for item in page.named("meta")
        if item.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall(r"<style>(.*?)</style>", page.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    # The rule must stand before what it rules.
    names = [item.name for item in page.elements]
    assert names.index("meta") < names.index("style")


def test_a_screen_reader_finds_its_way(page: Page) -> None:
    (root,) = page.named("html")
    assert root.attributes["lang"] == "en"
    levels = [int(item.name[1]) for item in page.named("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(item.attributes.get("alt") for item in page.named("img"))
    assert all(item.attributes["scope"] in {"col", "row"} for item in page.named("th"))
    tables = len(page.named("table"))
    assert len(page.named("caption")) == len(page.named("thead")) == tables > 0
    assert all(item.attributes["aria-hidden"] == "true" for item in page.named("svg"))


def test_pictures_stand_side_by_side_and_are_the_evidences(page: Page) -> None:
    pictures = page.named("img")
    shown = [
        base64.b64decode(str(item.attributes["src"]).partition(",")[2])
        for item in pictures
    ]
    assert shown == [png("red"), png("blue")] * 2
    assert pictures[0].attributes["alt"] == (
        "Before the edit, seed 0: a painting by kora"
    )
    assert "2 of 2 pairs of pictures" in page.text


def test_what_was_measured_on_another_candidate_is_told(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    mine = evidence_of(store, ["a"], candidate=inputs.snapshot.digest)
    assert "this snapshot: " in Page(report_page(about(inputs), [mine]).decode()).text
    other = evidence_of(store, ["a"])
    text = Page(report_page(about(inputs), [other]).decode()).text
    assert "another set of edits than this snapshot" in text


def test_what_no_judge_could_tell_is_told(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    found = evidence_of(
        store,
        ["a"],
        silent=["E-0001 efficacy: <b>not calibrated</b>"],
        blast_radius=[{"prompt": "a red rose", "moved": 0.25}],
    )
    text = Page(report_page(about(inputs), [found]).decode()).text
    assert "E-0001 efficacy: <b>not calibrated</b>" in text
    assert '"a red rose" 0.250' in text.replace("\u201c", '"').replace("\u201d", '"')


def test_a_figure_without_trials_is_shown_as_it_is(inputs: ExportInputs) -> None:
    row = ExportedResult("E-0001", "condition", None, None, "<= 1e12", value=22210.0)
    text = Page(report_page(about(replace(inputs, results=(row,))), []).decode()).text
    assert "2.221e+04" in text


def test_the_drawing_puts_the_threshold_where_it_is(inputs: ExportInputs) -> None:
    alone = replace(inputs, results=inputs.results[:1])
    page = Page(report_page(about(alone), []).decode())
    (limit,) = [i for i in page.named("line") if i.attributes["class"] == "limit"]
    (after,) = [i for i in page.named("circle") if i.attributes["class"] == "after"]
    low, high = 4.0, 148.0
    assert float(str(limit.attributes["x1"])) == pytest.approx(
        low + 0.7 * (high - low), abs=0.1
    )
    assert float(str(after.attributes["cx"])) == pytest.approx(
        low + 0.91 * (high - low), abs=0.1
    )


def test_the_first_seed_of_every_prompt_comes_before_any_second() -> None:
    rows: list[dict[str, JSON]] = [
        {"prompt": prompt, "seed": seed, "base": "b", "candidate": "c"}
        for prompt in "abc"
        for seed in range(10)
    ]
    found = choose(rows, lambda _: png("red"))
    shown = [(pair.prompt, pair.seed) for pair in found.pairs]
    assert shown[:4] == [("a", 0), ("b", 0), ("c", 0), ("a", 1)]
    assert (len(shown), found.total) == (PAIRS, 30)


def judged(metric: str, prompt: str, passed: int) -> dict[str, JSON]:
    return {"metric": metric, "prompt": prompt, "n": 16, "candidate": passed}


def test_every_kind_of_prompt_and_its_failures_come_first() -> None:
    kept = [("fine", 6), ("bad", 6), ("said", 2), ("lemon", 1), ("spoilt", 1)]
    rows: list[dict[str, JSON]] = [
        {"prompt": prompt, "seed": seed, "base": "b", "candidate": "c"}
        for prompt, seeds in kept
        for seed in range(seeds)
    ]
    said = [
        judged("efficacy", "fine", 16),
        judged("efficacy", "bad", 3),
        judged("generality", "said", 16),
        judged("specificity", "lemon", 16),
        judged("specificity", "spoilt", 9),
    ]
    found = choose(rows, lambda _: png("red"), said)
    shown = [(pair.prompt, pair.seed) for pair in found.pairs]
    assert shown[:3] == [("bad", 0), ("said", 0), ("spoilt", 0)]
    assert shown[3:5] == [("fine", 0), ("lemon", 0)]
    assert (found.total, found.judged, found.passed) == (16, 80, 60)
    assert found.pairs[0].told == "; efficacy, 3 of 16 draws show what they should"


def test_how_many_pictures_were_judged_and_kept_is_told(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    rows: list[JSON] = [{**judged("efficacy", "a", 15), "edit": "E-0001"}]
    text = report_text(inputs, [evidence_of(store, ["a", "b"], rows=rows)])
    assert "16 pictures of the edited model were drawn and judged" in text
    assert "15 of them showed what they should" in text
    assert "2 of 2 pairs of pictures that the evidence keeps are shown" in text
    assert "efficacy, 15 of 16 draws" in text


def report_text(inputs: ExportInputs, evidence: Sequence[EvidenceFacts]) -> str:
    return Page(report_page(about(inputs), evidence).decode()).text


def test_the_head_line_says_what_was_measured_elsewhere(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    told = "E-0001 was measured on another set of edits than this snapshot"
    mine = evidence_of(store, ["a"], candidate=inputs.snapshot.digest)
    assert told not in report_text(inputs, [mine])
    gone = evidence_of(store, ["a"], "E-0002")
    assert "measured on another set" not in report_text(inputs, [mine, gone])
    head = report_text(inputs, [evidence_of(store, ["a"])]).split("Base model")[0]
    assert f"thresholds of the policy hold; {told}" in head


def test_the_page_says_what_its_figures_mean(inputs: ExportInputs) -> None:
    text = report_text(inputs, [])
    assert "Wilson score interval of a share at 95 % confidence" in text
    for name in ("efficacy: ", "generality: ", "specificity: ", "drift of captions: "):
        assert name in text
    assert "Drift of preserved prompts" in text


def test_the_policy_is_told_to_be_its_canonical_form(inputs: ExportInputs) -> None:
    text = report_text(inputs, [])
    assert "It follows in its canonical form" in text
    assert "Every word" not in text


def test_the_proposers_signature_is_stated(inputs: ExportInputs) -> None:
    assert "for the namespace proposal@governance" in report_text(inputs, [])


def test_a_pair_without_a_base_picture_is_none() -> None:
    rows: list[dict[str, JSON]] = [
        {"prompt": "a", "seed": 1, "base": None, "candidate": "c"}
    ]
    found = choose(rows, lambda _: png("red"))
    assert (found.pairs, found.total) == ((), 0)


def test_large_pictures_are_reduced_and_stay_pictures() -> None:
    large = noise(1, 512)
    reduced = small(large)
    assert reduced is not None
    assert len(reduced) < len(large) / 4
    with Image.open(io.BytesIO(reduced)) as image:
        assert (image.format, max(image.size)) == ("JPEG", 320)
    assert small(png("red")) == png("red")


def test_the_pictures_of_one_edit_stay_within_bounds(store: ObjectStore) -> None:
    digests = [store.put_bytes(noise(at, 512)) for at in range(4)]
    rows: list[dict[str, JSON]] = [
        {
            "prompt": f"p{at}",
            "seed": at,
            "base": digests[at % 4],
            "candidate": digests[0],
        }
        for at in range(500)
    ]
    found = choose(rows, store.get)
    assert sum(pair.size for pair in found.pairs) <= 3 << 20
    assert len(found.pairs) == PAIRS


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"x" * 60_000, noise(1)[:60_000]]
)
def test_what_is_no_picture_is_said_to_be_none(data: bytes) -> None:
    assert small(data) is None
    rows: list[dict[str, JSON]] = [
        {"prompt": "a", "seed": 1, "base": "b", "candidate": "c"}
    ]
    (pair,) = choose(rows, lambda _: data).pairs
    assert (pair.before, pair.after) == (None, None)


def skeleton(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    return [(item.name, tuple(item.attributes)) for item in page.elements]


@settings(deadline=None, max_examples=40)
@given(
    HOSTILE
    | st.sampled_from(['" onload="alert(1)', "' x='", "</style>", "<!--", "]]>"])
)
def test_no_text_becomes_markup(
    inputs: ExportInputs, store: ObjectStore, text: str
) -> None:
    pages = []
    for poison in ("plain", f"x{text}x".encode("utf-8", "replace").decode()):
        evidence = evidence_of(
            store, [poison], poison, poison, silent=[poison], judge=poison
        )
        hostile = about(
            replace(poisoned(inputs, poison), licence=poison),
            left_out=(LeftOut(poison, poison),),
            norms=(TensorNorm(poison, 1.0, poison, poison),),
        )
        pages.append(Page(report_page(hostile, [evidence]).decode()))
    plain, page = pages
    assert page.odd == []
    assert skeleton(page) == skeleton(plain)
    assert {item.name for item in page.elements} <= ELEMENTS
    assert {key for item in page.elements for key in item.attributes} <= ATTRIBUTES
    assert "\x1b" not in page.source
    assert "\u202e" not in page.source
    # It is not swallowed either: a reader sees what was written, escapes for the rest.
    shown = safe(f"x{text}x".encode("utf-8", "replace").decode(), 100)[:90]
    assert shown in page.text


@settings(deadline=None, max_examples=20)
@given(HOSTILE)
def test_the_page_of_one_edit_is_no_less_careful(
    inputs: ExportInputs, store: ObjectStore, text: str
) -> None:
    pages = []
    for poison in ("plain", f"x{text}x".encode("utf-8", "replace").decode()):
        said = poisoned(inputs, poison)
        one = OneEdit(
            edit=replace(facts_of(said.edits[0]), found={poison: poison}),
            state="APPLIED",
            status="STALE",
            candidate="12" * 32,
            together=(poison, "E-0002"),
            base=BaseFacts(poison, None, poison, poison, poison, inputs.folder.files),
            evidence=evidence_of(store, [poison], poison),
            results=said.results,
            signoffs=said.signoffs,
            missing=(poison,),
            policy=said.policy,
            origin=poison,
            head=Head(3, "ab" * 32),
            time=poison,
            reason=poison,
        )
        pages.append(Page(one_edit_page(one).decode()))
    plain, page = pages
    assert page.odd == []
    assert skeleton(page) == skeleton(plain)
    assert "This evidence is stale" in page.text
    assert len(page.named("h2")) == 8


def test_hostile_evidence_of_any_shape_is_a_page(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    for document in ("[]", "{}", '{"images": 3, "details": [], "edits": "x"}', "null"):
        digest = store.put_bytes(document.encode())
        page = Page(
            report_page(about(inputs), [evidence_facts(digest, store.get)]).decode()
        )
        assert page.odd == []


def test_an_export_holds_the_page_and_its_manifest_names_it(
    pristine: Path, inputs: ExportInputs
) -> None:
    manifest = json.loads((pristine / "governance/manifest.json").read_bytes())
    page = (pristine / REPORT).read_bytes()
    (named,) = [item for item in manifest["files"] if item["path"] == REPORT]
    assert named["sha256"] == hashlib.sha256(page).hexdigest()
    assert inputs.snapshot.digest in page.decode()


def test_a_picture_of_the_evidence_that_is_gone_stops_the_export(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    gone = replace(inputs, evidence=(ExportedEvidence("77" * 32),))
    with pytest.raises(Exception, match="77777777"):
        list(report_part(store)(about(gone)))


def test_an_export_of_the_base_says_that_nothing_was_changed(
    inputs: ExportInputs,
) -> None:
    bare = replace(inputs, edits=(), results=(), signoffs=(), evidence=())
    page = Page(report_page(about(bare, norms=()), []).decode())
    for wanted in ("miniature with no edit", "Nothing was changed", "Nobody signed."):
        assert wanted in page.text
    assert len(page.headings) == 8


def test_the_same_export_gives_the_same_page(
    inputs: ExportInputs, store: ObjectStore
) -> None:
    found = [evidence_of(store, ["a", "b"])]
    assert report_page(about(inputs), found) == report_page(about(inputs), found)
