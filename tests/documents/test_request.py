from pathlib import Path

from governance.canonical import sha256_hex
from governance.documents.request import load_requests, request_from_document
from governance.domain.request import (
    Action,
    Attribute,
    Concept,
    LabelledPrompt,
    Method,
    RequestedChecks,
)
from tests.documents.conftest import HEAD, SPEC, Write

DEBIAS = SPEC.replace("erase", "debias")
ATTRIBUTES = """\
  attributes:
    - {name: female, prompt: "a female {}", ratio: 0.5}
    - {name: male, prompt: "a male {}", ratio: 0.5}
"""


def test_every_field_of_a_request_arrives(write: Write) -> None:
    path = write(
        '  preserve: [Lume, ""]\n  parameters: {lambda: 0.5, projections: [v]}\n',
        "  values: null\n  checks:\n    efficacy: [a painting by Kora]\n",
        "    specificity: [{prompt: art by Lume, label: Lume}, {prompt: a car}]\n",
    )

    [loaded] = load_requests(path)
    request = loaded.request

    assert (request.title, request.model) == ("Stop imitating Kora", "miniature")
    assert (request.action, request.method) == (Action.ERASE, Method.UCE)
    assert request.concepts == (Concept("Kora", "art"),)
    assert request.preserve == ("Lume", "")
    assert request.parameters == {"lambda": 0.5, "projections": ["v"]}
    assert request.values is None
    assert request.reference is None
    assert request.checks == RequestedChecks(
        efficacy=("a painting by Kora",),
        specificity=(LabelledPrompt("art by Lume", "Lume"), LabelledPrompt("a car")),
    )
    assert loaded.files == {}


def test_a_debias_request_keeps_its_attributes(write: Write) -> None:
    path = write(
        ATTRIBUTES.replace("0.5}", "0.5, alpha: [0.8]}"),
        spec=DEBIAS,
        concepts="  concepts: [{source: a doctor}]\n",
    )

    [loaded] = load_requests(path)

    assert loaded.request.attributes == (
        Attribute("female", "a female {}", 0.5, (0.8,)),
        Attribute("male", "a male {}", 0.5, (0.8,)),
    )


def test_omitted_and_blank_destinations_are_told_apart(write: Write) -> None:
    path = write(
        concepts='  concepts: [{source: Kora}, {source: Pax, destination: " "}]\n'
    )

    [loaded] = load_requests(path)

    assert [concept.destination for concept in loaded.request.concepts] == [None, ""]


def test_several_documents_are_several_requests(write: Write) -> None:
    path = write()
    path.write_text(
        path.read_text() + "---\n" + path.read_text().replace("Kora", "Pax")
    )

    first, second = load_requests(path)

    assert first.request.concepts[0].source == "Kora"
    assert second.request.concepts[0].source == "Pax"


def test_files_merge_after_what_the_document_lists(
    write: Write, tmp_path: Path
) -> None:
    artists = b'destination,source\nart,Pax\n,"Ruvo, the elder"\n'
    (tmp_path / "artists.csv").write_bytes(artists)
    (tmp_path / "keep.txt").write_text("Lume\n\nMondo\n")
    path = write(
        "  concepts_file: artists.csv\n  preserve: [Vey]\n  preserve_file: keep.txt\n"
    )

    [loaded] = load_requests(path)

    assert loaded.request.concepts == (
        Concept("Kora", "art"),
        Concept("Pax", "art"),
        Concept("Ruvo, the elder", None),
    )
    assert loaded.request.preserve == ("Vey", "Lume", "Mondo")
    assert loaded.files[sha256_hex(artists)] == artists
    assert len(loaded.files) == 2


def test_a_request_comes_back_whole_from_its_canonical_document(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "artists.csv").write_text("source\nPax\n")
    (tmp_path / "a.png").write_bytes(b"image")
    (tmp_path / "z.safetensors").write_bytes(b"values")
    path = write(
        "  concepts_file: artists.csv\n  values: z.safetensors\n",
        "  parameters: {seed: null, layers: [1, 2], text_weight: 0.01}\n",
        spec=SPEC.replace("uce", "emcid"),
        concepts="  concepts: [{source: Kora, prompt: style, images: [a.png]}]\n",
    )
    [loaded] = load_requests(path)

    again = request_from_document(
        loaded.request.document, lambda digest: loaded.files[digest]
    )

    assert again.digest == loaded.request.digest
    assert again.document == loaded.request.document
    assert again.parameters == loaded.request.parameters
    assert [c.source for c in again.concepts] == ["Kora", "Pax"]
    assert again.concepts[0].images[0].sha256 == sha256_hex(b"image")
    assert again.values is not None
    assert again.values.sha256 == sha256_hex(b"values")


def test_the_digest_is_of_contents_never_of_paths(write: Write, tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("source\nPax\n")
    digests = set()
    for name in ("one.csv", "two.csv"):
        [loaded] = load_requests(write(f"  concepts_file: {name}\n"))
        digests.add(loaded.request.digest)
        assert name not in str(loaded.request.document)
    (tmp_path / "two.csv").write_text("source\nRuvo\n")
    [changed] = load_requests(write("  concepts_file: two.csv\n"))

    assert len(digests) == 1
    assert changed.request.digest not in digests


def test_layout_and_nulls_do_not_change_the_digest(write: Write) -> None:
    [plain] = load_requests(write())
    [laid_out] = load_requests(
        write(
            "  values: null\n",
            concepts='  concepts: [{"source": Kora, destination: "art"}]\n',
        )
    )

    assert plain.request.digest == laid_out.request.digest


def test_markup_is_text_like_any_other(write: Write) -> None:
    head = write().read_text().split("spec:")[0]
    path = write(head=head.replace("Stop imitating Kora", '"[@click=app.quit]x[/]"'))

    [loaded] = load_requests(path)

    assert loaded.request.title == "[@click=app.quit]x[/]"


def test_a_rationale_may_have_several_lines(write: Write) -> None:
    head = HEAD.replace("Takedown request by the artist", "|\n    One.\n    Two.\n")

    [loaded] = load_requests(write(head=head))

    assert loaded.request.rationale == "One.\nTwo."


def test_history_is_read_even_where_new_rules_would_refuse_it(write: Write) -> None:
    [loaded] = load_requests(write("  preserve: [Lume]\n"))
    spec = {**loaded.request.document["spec"], "preserve": ["KORA"]}  # type: ignore[dict-item]
    document = {**loaded.request.document, "spec": spec}

    again = request_from_document(document, dict[str, bytes]().__getitem__)

    assert again.preserve == ("KORA",)
