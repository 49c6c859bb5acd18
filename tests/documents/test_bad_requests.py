import os
from pathlib import Path

import pytest

from governance.documents import limits
from governance.documents.request import load_requests
from governance.errors import ExitCode, RequestError
from tests.documents.conftest import CONCEPTS, HEAD, SPEC, Write

UPDATE = SPEC.replace("erase", "update")
DEBIAS = SPEC.replace("erase", "debias")
FEMALE = '{name: female, prompt: "a female {}", ratio: 0.5}'
MALE = '{name: male, prompt: "a male {}", ratio: 0.5}'
TWO = "  concepts: [{source: a doctor}, {source: a nurse}]\n"


def concepts(*items: str) -> str:
    return "  concepts:\n" + "".join(f"    - {item}\n" for item in items)


def attributes(*items: str) -> str:
    return "  attributes:\n" + "".join(f"    - {item}\n" for item in items)


CASES: dict[str, tuple[dict[str, str], str, int, str]] = {
    "an unknown field": (
        {"spec": SPEC + "  strength: 9\n"},
        "spec.strength",
        10,
        "unknown field",
    ),
    "an unknown field of a concept": (
        {"concepts": concepts("{source: Kora, target: art}")},
        "spec.concepts.0.target",
        11,
        "unknown field",
    ),
    "another version": (
        {"head": HEAD.replace("/v1", "/v9")},
        "apiVersion",
        1,
        "expected one of governance/v1, found 'governance/v9'",
    ),
    "another kind": (
        {"head": HEAD.replace("ConceptEdit", "Pod")},
        "kind",
        2,
        "expected one of ConceptEdit, found `Pod`",
    ),
    "no title": (
        {"head": HEAD.replace("title: Stop imitating Kora", "title:")},
        "metadata",
        4,
        "expected `title`, found none",
    ),
    "an empty rationale": (
        {"head": HEAD.replace("Takedown request by the artist", '" "')},
        "metadata.rationale",
        6,
        "expected text, found an empty one",
    ),
    "a title over the limit": (
        {"head": HEAD.replace("Stop", "S" * 120)},
        "metadata.title",
        4,
        "expected at most 120 characters, found 135",
    ),
    "a title that is a truth value": (
        {"head": HEAD.replace("Stop imitating Kora", "no")},
        "metadata.title",
        4,
        "expected text, found plain `no`",
    ),
    "a number for a model": (
        {"head": HEAD.replace("miniature", "1.10")},
        "metadata.model",
        5,
        "expected text, found `1.10` (not text without quotes)",
    ),
    "an unknown action": (
        {"spec": SPEC.replace("erase", "destroy")},
        "spec.action",
        8,
        "expected one of debias, erase, moderate, update, found `destroy`",
    ),
    "an unknown method": (
        {"spec": SPEC.replace("uce", "magic")},
        "spec.method",
        9,
        "expected one of emcid, refact, time, uce, uce-2023, found `magic`",
    ),
    "no concepts at all": (
        {"concepts": ""},
        "spec",
        8,
        "expected concepts or concepts_file, found neither",
    ),
    "an empty list of concepts": (
        {"concepts": "  concepts: []\n"},
        "spec.concepts",
        10,
        "expected at least one concept, found none",
    ),
    "concepts that are a mapping": (
        {"concepts": "  concepts: {source: Kora}\n"},
        "spec.concepts",
        10,
        "expected a list, found a mapping",
    ),
    "a concept that is a word": (
        {"concepts": concepts("Kora")},
        "spec.concepts.0",
        11,
        "expected a mapping, found `Kora`",
    ),
    "a concept without a source": (
        {"concepts": concepts("{destination: art}")},
        "spec.concepts.0",
        11,
        "expected a source, found none",
    ),
    "an empty source": (
        {"concepts": concepts('{source: " "}')},
        "spec.concepts.0.source",
        11,
        "expected text, found an empty one",
    ),
    "a source of 100,000 characters": (
        {"concepts": concepts("{source: " + "x" * 100_000 + "}")},
        "spec.concepts.0.source",
        11,
        "expected at most 1,000 characters, found 100,000",
    ),
    "a source equal to its destination but for look-alikes": (
        {"concepts": concepts("{source: Kora, destination: \uff2b\u041eRA}")},
        "spec.concepts.0",
        11,
        "source and destination are the same, 'Kora'",
    ),
    "one source with two destinations": (
        {
            "concepts": concepts(
                "{source: Kora, destination: art}", "{source: KORA, destination: Lume}"
            )
        },
        "spec.concepts.1",
        12,
        "'KORA' has two destinations, first on line 11",
    ),
    "one concept twice": (
        {
            "concepts": concepts(
                "{source: Kora, destination: art}", "{source: kora, destination: Art}"
            )
        },
        "spec.concepts.1",
        12,
        "'kora' is listed twice, first on line 11",
    ),
    "an edited concept in its own preserve set": (
        {"concepts": CONCEPTS + '  preserve: [Lume, "kora "]\n'},
        "spec.preserve.1",
        12,
        "'kora' is edited by spec.concepts.0 (line 11)",
    ),
    "an update without a destination": (
        {"spec": UPDATE, "concepts": concepts("{source: Kora}")},
        "spec.concepts.0",
        11,
        "update needs a destination for 'Kora', found none",
    ),
    "an update to nothing": (
        {"spec": UPDATE, "concepts": concepts('{source: Kora, destination: " "}')},
        "spec.concepts.0",
        11,
        "update needs a destination for 'Kora', found none",
    ),
    "a prompt where the method has none": (
        {"concepts": concepts("{source: Bela, prompt: the mayor}")},
        "spec.concepts.0.prompt",
        11,
        "method uce has no prompt",
    ),
    "images where the method takes none": (
        {"concepts": concepts("{source: Bela, images: [a.png]}")},
        "spec.concepts.0.images",
        11,
        "method uce takes no images",
    ),
    "images beside a destination": (
        {
            "spec": SPEC.replace("uce", "emcid"),
            "concepts": concepts("{source: Bela, destination: x, images: [a.png]}"),
        },
        "spec.concepts.0.images",
        11,
        "expected images or a destination, found both",
    ),
    "values where the method takes none": (
        {"spec": SPEC + "  values: a.safetensors\n"},
        "spec.values",
        10,
        "method uce takes no values",
    ),
    "attributes without debias": (
        {"concepts": CONCEPTS + attributes(FEMALE, MALE)},
        "spec.attributes",
        13,
        "action erase takes no attributes, only debias does",
    ),
    "debias without attributes": (
        {"spec": DEBIAS, "concepts": concepts("{source: a doctor}")},
        "spec.action",
        8,
        "debias needs attributes, found none",
    ),
    "debias with a destination": (
        {"spec": DEBIAS, "concepts": CONCEPTS + attributes(FEMALE, MALE)},
        "spec.concepts.0",
        11,
        "debias takes no destination",
    ),
    "ratios that do not sum to one": (
        {"spec": DEBIAS, "concepts": TWO + attributes(FEMALE)},
        "spec.attributes",
        12,
        "expected ratios that sum to 1, found a sum of 0.5",
    ),
    "a ratio above one": (
        {"spec": DEBIAS, "concepts": TWO + attributes(FEMALE.replace("0.5", "1.5"))},
        "spec.attributes.0.ratio",
        12,
        "expected a ratio between 0 and 1, found 1.5",
    ),
    "a ratio in words": (
        {"spec": DEBIAS, "concepts": TWO + attributes(FEMALE.replace("0.5", "half"))},
        "spec.attributes.0.ratio",
        12,
        "expected a number, found `half`",
    ),
    "an attribute twice": (
        {"spec": DEBIAS, "concepts": TWO + attributes(FEMALE, FEMALE)},
        "spec.attributes.1",
        13,
        "attribute 'female' is listed twice, first on line 12",
    ),
    "an attribute without {} for two concepts": (
        {"spec": DEBIAS, "concepts": TWO + attributes(FEMALE.replace(" {}", ""), MALE)},
        "spec.attributes.0.prompt",
        12,
        "expected {} for the concept, since there are 2 concepts",
    ),
    "too few alphas": (
        {
            "spec": DEBIAS,
            "concepts": TWO
            + attributes(FEMALE.replace("0.5", "0.5, alpha: [1]"), MALE),
        },
        "spec.attributes.0.alpha",
        12,
        "expected one alpha per concept, 2, found 1",
    ),
    "alphas for some attributes only": (
        {
            "spec": DEBIAS,
            "concepts": TWO
            + attributes(FEMALE.replace("0.5", "0.5, alpha: [1, 2]"), MALE),
        },
        "spec.attributes",
        12,
        "expected an alpha for every attribute or for none",
    ),
    "parameters that are a list": (
        {"spec": SPEC + "  parameters: [1]\n"},
        "spec.parameters",
        10,
        "expected a mapping, found a list",
    ),
    "a parameter that is a trap": (
        {"spec": SPEC + "  parameters: {lambda: .inf}\n"},
        "spec.parameters.lambda",
        10,
        "found plain `.inf`",
    ),
    "a specificity check without a prompt": (
        {"spec": SPEC + "  checks: {specificity: [{label: red}]}\n"},
        "spec.checks.specificity.0",
        10,
        "expected `prompt`, found none",
    ),
}


@pytest.mark.parametrize(
    ("parts", "field", "line", "problem"), CASES.values(), ids=CASES.keys()
)
def test_a_request_is_refused_for(
    write: Write, parts: dict[str, str], field: str, line: int, problem: str
) -> None:
    with pytest.raises(RequestError) as caught:
        load_requests(write(**parts))

    error = caught.value
    assert problem in error.message
    assert error.message.startswith(f"request.yaml:{line}: {field}: ")
    assert (error.file, error.line, error.field) == ("request.yaml", line, field)
    assert error.exit_code is ExitCode.USAGE
    assert error.hint


TEXT_FIELDS = {
    "metadata.title": {"head": HEAD.replace("Stop imitating Kora", '"a\\eb"')},
    "metadata.model": {"head": HEAD.replace("miniature", '"a\\eb"')},
    "metadata.rationale": {
        "head": HEAD.replace("Takedown request by the artist", '"a\\eb"')
    },
    "metadata.reference": {"head": HEAD + '  reference: "a\\eb"\n'},
    "spec.concepts.0.source": {"concepts": concepts('{source: "a\\eb"}')},
    "spec.concepts.0.destination": {
        "concepts": concepts('{source: a, destination: "a\\eb"}')
    },
    "spec.concepts.0.prompt": {
        "spec": SPEC.replace("uce", "refact"),
        "concepts": concepts('{source: a, prompt: "a\\eb"}'),
    },
    "spec.preserve.0": {"concepts": CONCEPTS + '  preserve: ["a\\eb"]\n'},
    "spec.preserve_file": {"concepts": CONCEPTS + '  preserve_file: "a\\eb"\n'},
    "spec.concepts_file": {"concepts": '  concepts_file: "a\\eb"\n'},
    "spec.parameters.templates.0": {
        "spec": SPEC + '  parameters: {templates: ["a\\eb"]}\n'
    },
    "spec.checks.efficacy.0": {"spec": SPEC + '  checks: {efficacy: ["a\\eb"]}\n'},
    "spec.checks.generality.0": {"spec": SPEC + '  checks: {generality: ["a\\eb"]}\n'},
    "spec.checks.specificity.0.prompt": {
        "spec": SPEC + '  checks: {specificity: [{prompt: "a\\eb"}]}\n'
    },
    "spec.checks.specificity.0.label": {
        "spec": SPEC + '  checks: {specificity: [{prompt: a, label: "a\\eb"}]}\n'
    },
    "spec.attributes.0.name": {
        "spec": DEBIAS,
        "concepts": TWO + attributes(FEMALE.replace("female,", '"a\\eb",')),
    },
    "spec.attributes.0.prompt": {
        "spec": DEBIAS,
        "concepts": TWO + attributes(FEMALE.replace("a female {}", "a\\eb {}")),
    },
}


@pytest.mark.parametrize(
    ("field", "parts"), TEXT_FIELDS.items(), ids=TEXT_FIELDS.keys()
)
def test_a_control_character_is_refused_in(
    write: Write, field: str, parts: dict[str, str]
) -> None:
    with pytest.raises(RequestError) as caught:
        load_requests(write(**parts))

    assert caught.value.field == field
    assert "found U+001B" in caught.value.message
    assert caught.value.message.isprintable()


def test_an_unknown_key_is_shown_harmlessly(write: Write) -> None:
    with pytest.raises(RequestError) as caught:
        load_requests(write(spec=SPEC + '  "\\e]52;c;x\\a": 1\n'))

    assert caught.value.message.endswith("spec.\\x1b]52;c;x\\x07: unknown field")


def test_one_bad_document_refuses_the_whole_file(write: Write) -> None:
    path = write()
    path.write_text(path.read_text() + "---\n" + path.read_text() + "    - {}\n")

    with pytest.raises(RequestError, match=r"request.yaml:24: spec.concepts.1"):
        load_requests(path)


def test_a_file_outside_the_folder_is_refused(write: Write, tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("source\nKora\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    for name in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv"):
        path = write(concepts=f"  concepts_file: {name}\n").rename(inside / "r.yaml")
        with pytest.raises(RequestError) as caught:
            load_requests(path)
        assert caught.value.message == (
            "r.yaml:10: spec.concepts_file: expected a file inside the request's "
            f"folder, '{name}' leads outside"
        )


def test_a_link_that_stays_inside_the_folder_is_followed(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "real.csv").write_text("source\nPax\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")

    [loaded] = load_requests(write(concepts="  concepts_file: link.csv\n"))

    assert loaded.request.concepts[0].source == "Pax"


def test_a_missing_file_a_folder_and_a_pipe_are_refused(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, problem in (
        ("none.csv", "found none at 'none.csv'"),
        ("folder", "expected a regular file"),
        ("pipe", "expected a regular file"),
        ("/dev/zero", "leads outside"),
    ):
        with pytest.raises(RequestError, match=problem):
            load_requests(write(concepts=f"  concepts_file: {name}\n"))


def test_a_file_over_its_limit_is_refused(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIST_FILE_BYTES", 10)
    (tmp_path / "a.csv").write_text("source\nKora and more\n")

    with pytest.raises(RequestError, match="a file of at most 10 bytes, found more"):
        load_requests(write(concepts="  concepts_file: a.csv\n"))


def test_more_concepts_than_allowed_are_refused(write: Write, tmp_path: Path) -> None:
    rows = "".join(f"artist number {index}\n" for index in range(10_000))
    (tmp_path / "a.csv").write_text("source\n" + rows)

    with pytest.raises(RequestError) as caught:
        load_requests(write("  concepts_file: a.csv\n"))

    assert "expected at most 10,000 concepts, found 10,001" in caught.value.message


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "expected a header of source, destination, prompt"),
        (b"name\nKora\n", 1, "unknown or repeated: all of them"),
        (b"source,source\nKora,Pax\n", 1, "expected a header"),
        (b"source,destination\nKora\n", 2, "expected 2 columns, found 1"),
        (b"source\nKora\n,\n", 3, "expected 1 columns, found 2"),
        (b'source\n"Kora\n', 2, "not CSV: unexpected end of data"),
        (b'source\n"a\nb"\n', 3, "found U+000A"),
        (b'source,destination\n"",art\n', 2, "expected text, found an empty one"),
        (b"source\na\x1bb\n", 2, "found U+001B"),
        (b"source\nPax\nPAX\n", 3, "'PAX' is listed twice, first on line 2"),
    ],
)
def test_a_bad_concepts_file_names_its_own_line(
    write: Write, tmp_path: Path, content: bytes, line: int, problem: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)

    with pytest.raises(RequestError) as caught:
        load_requests(write(concepts="  concepts_file: a.csv\n"))

    assert caught.value.message.startswith(f"a.csv:{line}: spec.concepts_file")
    assert problem in caught.value.message


def test_a_concepts_file_that_is_not_utf8_is_refused(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"source\nK\xf6ra\n")

    with pytest.raises(RequestError, match="found byte 0xf6 at offset 8"):
        load_requests(write(concepts="  concepts_file: a.csv\n"))
