"""The card says everything, and nothing in it obeys a stranger."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from governance.canonical import JSON, canonical_bytes
from governance.domain.snapshot import ResolvedEdit
from governance.snapshots.card import model_card
from governance.snapshots.inputs import ExportInputs, TensorNorm
from governance.snapshots.limits import LIMITS
from governance.snapshots.names import LeftOut
from governance.snapshots.report_evidence import evidence_facts
from tests.snapshots.people import ADA, BOB, approval, edit, request, rollback

NORMS = (TensorNorm("unet/x.safetensors:a.attn2.to_k.weight", 1.25),)
LEFT = (LeftOut("unet/x.bin", "a pickle"),)


def card_of(inputs: ExportInputs) -> str:
    return model_card(inputs, NORMS, LEFT).decode()


def front(card: str) -> dict[str, Any]:
    _, head, _ = card.split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(head)
    return found


def test_the_card_says_who_what_why_and_how_well(inputs: ExportInputs) -> None:
    card = card_of(inputs)
    said = re.sub(r"\\(.)", r"\1", card)
    (one,) = inputs.edits
    for wanted in (
        "Stop imitating Kora",
        "Takedown request by the artist",
        "This edit erases 1 concept by the method uce",
        '"kora" becomes "art"',
        ADA.name,
        "Held still | 2 preserved prompts",
        '{"edit_scale":1,"lambda":0.5,"preserve_scale":1,',
        one.digest,
        one.resolved.digest,
        inputs.snapshot.digest,
        inputs.folder.digest,
        "a.attn2.to_k.weight` | 1.25",
        "0.020 (0.000 to 0.100, n = 64) | 0.910 (0.800 to 0.970, n = 64)",
        BOB.name,
        "The numbers hold.",
        f"policy default, version 3, digest `{inputs.policy.digest}`",
        inputs.evidence[0].digest,
        f"{inputs.head.size} entries, root `{inputs.head.root}`",
        "a pickle",
    ):
        assert wanted in said, wanted


def test_the_card_says_what_it_does_not_prove(inputs: ExportInputs) -> None:
    card = card_of(inputs)
    assert all(limit in card for limit in LIMITS)
    for wanted in ("white-box", "local clock", "does not prove who held"):
        assert wanted in card


def test_a_demo_says_that_one_program_signed_for_both(inputs: ExportInputs) -> None:
    demo = card_of(replace(inputs, origin="demo"))
    assert "One program made both reviewers' keys and signed for both" in demo
    assert "One program" not in card_of(inputs)


def test_the_front_matter_is_what_the_hub_reads(inputs: ExportInputs) -> None:
    hub = replace(inputs, source="runwayml/stable-diffusion-v1-5@main")
    assert front(card_of(hub)) == {
        "library_name": "diffusers",
        "pipeline_tag": "text-to-image",
        "tags": ["text-to-image", "concept-editing", "governance"],
        "base_model": "runwayml/stable-diffusion-v1-5",
        "base_model_relation": "finetune",
    }


@pytest.mark.parametrize(
    "source", ["a: b\nlicense: mit", "x\n---\n# hi", "../../etc", "a/b/c", "{}", "é"]
)
def test_a_hostile_source_stays_out_of_the_front_matter(
    inputs: ExportInputs, source: str
) -> None:
    found = front(card_of(replace(inputs, source=source)))
    assert found.keys() == {"library_name", "pipeline_tag", "tags"}


def test_a_rollback_is_told_as_one(inputs: ExportInputs) -> None:
    card = card_of(replace(inputs, signoffs=(rollback(inputs, BOB),)))
    assert "| Action | revert |" in card
    assert "| Reason | It was enough. |" in card
    assert "-n rollback@governance" in card


def test_an_unsigned_and_unmeasured_edit_is_called_that(inputs: ExportInputs) -> None:
    unsigned = replace(inputs.edits[0], key=None, signature=None)
    card = card_of(replace(inputs, edits=(unsigned,), signoffs=(), results=()))
    assert "the proposal is unsigned" in card
    assert "Nobody signed." in card
    assert "Nothing was measured." in card


def test_hundreds_of_tensors_are_told_in_few_lines(inputs: ExportInputs) -> None:
    norms = [TensorNorm(f"unet/x.safetensors:{n}", 1.0) for n in range(280)]
    card = model_card(inputs, norms, ()).decode()
    assert "280 tensors differ" in card
    assert "and 240 more" in card
    assert card.count("unet/x.safetensors:") == 40


def test_ten_thousand_concepts_are_told_in_few_lines(inputs: ExportInputs) -> None:
    document = request()
    spec = document["spec"]
    assert isinstance(spec, dict)
    spec["concepts"] = [{"source": f"artist {n}"} for n in range(10_000)]
    card = card_of(replace(inputs, edits=(edit(document),)))
    assert "erases 10000 concepts" in card
    assert "and 9980 more" in card
    assert len(card) < 20_000


HOSTILE = (
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "](javascript:alert(1)) [x](https://evil.example)",
            "![x](https://evil.example/track.png)",
            "a | b | c",
            "`code` ``` ```sh",
            "**bold** _it_ # head",
            "x\n\n# A heading\n\n- a list\n\n---\nlicense: mit\n---\n",
            "\x1b[31mred\x1b[0m \u202egnp.exe\u202c \u200b",
            "&lt;b&gt; &#60;",
            "www.evil.example me@evil.example https://evil.example",
            "--- | --- \\",
            "$$\\href{https://evil.example}{x}$$",
            "{{ 7 * 7 }} {% raw %}",
            "\ud800 lone",
        ]
    )
    | st.text()
)


def poisoned(inputs: ExportInputs, poison: str) -> ExportInputs:
    """The inputs with a stranger's text in every place a stranger can write."""
    document: dict[str, JSON] = {
        "metadata": {"title": poison, "rationale": poison, "reference": poison},
        "spec": {
            "action": poison,
            "method": poison,
            "concepts": [
                {"source": poison, "destination": poison, "prompt": poison},
                {"source": poison},
                poison,
            ],
            "attributes": [{"name": poison, "prompt": poison, "ratio": 0.5}],
            "preserve": [poison],
        },
    }
    # A resolution of another request: only the words matter here.
    one = replace(
        inputs.edits[0],
        id=poison,
        resolved=ResolvedEdit("0" * 64, {}),
        proposer=poison,
        time=poison,
        certificate=({"source": poison, "residual": 0.1, "drift": poison},),
        request=document,
    )
    said = {**inputs.signoffs[0].document, "comment": poison, "role": poison}
    result = replace(inputs.results[0], edit=poison, metric=poison, limit=poison)
    return replace(
        inputs,
        model=poison,
        source=poison,
        origin=poison,
        created=poison,
        edits=(one,),
        signoffs=(
            replace(inputs.signoffs[0], document=said, principal=poison, key=poison),
        ),
        results=(result,),
        policy=replace(inputs.policy, name=poison),
    )


def shape(card: str) -> list[str]:
    """The structure a reader's program sees: every block and inline mark, no words."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(
        ["table", "strikethrough"]
    )
    body = card.split("---\n", 2)[2]
    return [
        part.type
        for token in markdown.parse(body)
        for part in (token, *(token.children or ()))
        if part.type != "text"
    ]


@settings(deadline=None, max_examples=50)
@given(HOSTILE)
def test_no_text_changes_the_shape_of_the_page(inputs: ExportInputs, text: str) -> None:
    plain, hostile = (
        model_card(poisoned(inputs, poison), NORMS, (LeftOut(poison, poison),))
        for poison in ("plain", f"x{text}x".encode("utf-8", "replace").decode())
    )
    assert shape(hostile.decode()) == shape(plain.decode())
    assert front(hostile.decode()).keys() <= {*front(plain.decode())}
    assert b"\x1b" not in hostile
    assert "\u202e" not in hostile.decode()


def test_a_comment_with_markup_is_shown_as_written(inputs: ExportInputs) -> None:
    hostile = "<img src=x> [click](https://evil.example) *now*"
    card = card_of(replace(inputs, signoffs=(approval(inputs, BOB, comment=hostile),)))
    assert "<img" not in card
    html = MarkdownIt("commonmark").enable("table").render(card.split("---\n", 2)[2])
    assert "&lt;img src=x&gt; [click](https://evil.example) *now*" in html


def test_the_hubs_own_library_reads_the_card(inputs: ExportInputs) -> None:
    hub = replace(inputs, source="owner/model@0123abc", licence="openrail")
    card = ModelCard(card_of(hub))
    data: Any = card.data
    said = data.to_dict()
    assert said["base_model"] == "owner/model"
    assert said["license"] == "openrail"
    assert said["library_name"] == "diffusers"
    assert card.text.lstrip().startswith("# miniature with 1 concept edit")


def test_the_card_states_the_eight_groups_in_their_order(inputs: ExportInputs) -> None:
    headings = re.findall(r"(?m)^## (.*)$", card_of(inputs))
    assert headings == [
        "1. Identity and files",
        "2. Base model",
        "3. Edits",
        "4. Evaluation",
        "5. Decisions and signatures",
        "6. Policy",
        "7. Ledger and proofs",
        "8. Limits: what this record does not prove",
    ]


def test_the_policy_stands_in_the_card_verbatim(inputs: ExportInputs) -> None:
    fences = re.findall(r"(?ms)^(`{3,})yaml\n(.*?)\n\1$", card_of(inputs))
    ((_, text),) = fences
    assert yaml.safe_load(text) == inputs.policy.document


def test_no_policy_ends_the_block_it_stands_in(inputs: ExportInputs) -> None:
    note = "x\n```\n# A heading\n````\n<script>"
    document: dict[str, JSON] = {"metadata": {"note": note, "````": "~~~"}}
    policy = replace(inputs.policy, document=document)
    card = card_of(replace(inputs, policy=policy))
    html = MarkdownIt("commonmark").enable("table").render(card.split("---\n", 2)[2])
    assert "<script" not in html
    assert "<h1>A heading" not in html
    assert html.count("<h2>") == 8


def test_the_card_says_on_what_and_by_what_it_was_measured(
    inputs: ExportInputs,
) -> None:
    document: dict[str, JSON] = {
        "edits": {"E-0001": "b" * 64},
        "candidate": "c" * 64,
        "details": {
            "judge": "a" * 64,
            "sampler": {"steps": 20},
            "seeds": {"E-0001 efficacy kora": [1, 2]},
            "blast_radius": [{"prompt": "a lamp", "moved": 0.25}],
        },
    }
    data = canonical_bytes(document)
    facts = evidence_facts(inputs.evidence[0].digest, lambda _: data, pictures=False)
    card = model_card(inputs, NORMS, LEFT, evidence=[facts]).decode()
    said = re.sub(r"\\(.)", r"\1", card)
    for wanted in (
        "E-0001 was measured on another set of edits than this snapshot",
        f"Measured on | another set of edits than this snapshot: `{'c' * 64}`",
        f"Judge | `{'a' * 64}`",
        'Sampler | `{"steps":20}`',
        "2 draws; the evidence lists them",
        "a lamp | 0.25",
        "Wilson score interval of a share at 95 % confidence",
        "Drift of preserved prompts",
        "its canonical form",
        "for the namespace proposal@governance",
    ):
        assert wanted in said
