"""The authors' files are read as published; a bad row is named."""

import json
import os
from pathlib import Path

import pytest

from governance.errors import NotFoundError, RequestError
from governance.evaluation.cases import Kind
from governance.evaluation.formats import load_dataset

DATA = Path(os.environ.get("GOVERNANCE_TEST_DATA", "../shared/data"))
TIMED = "old,new,positive1,gt1,negative1,gn1\n"


def write(place: Path, text: str) -> Path:
    file = place / "set.csv"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(place: Path, kind: Kind, text: str) -> RequestError:
    with pytest.raises(RequestError) as caught:
        load_dataset(write(place, text), kind)
    return caught.value


@pytest.mark.parametrize(
    ("file", "kind", "edits", "probes"),
    [
        ("timed/TIMED_test_set.csv", Kind.TIMED, 147, 11),
        ("timed/TIMED_test_set_filtered_SD14.csv", Kind.TIMED, 104, 11),
        ("road/RoAD_test.csv", Kind.ROAD, 90, 11),
        ("timed/TIMED_gender_test_set.csv", Kind.GENDER, 35, 6),
        ("uce/artists1734_prompts.csv", Kind.ARTIST, 1734, 9),
        ("iceb/imgnet_aug_edit.json", Kind.ICEB, 300, 9),
        ("iceb/rectification_train.csv", Kind.RECTIFICATION, 207, 3),
    ],
)
def test_a_published_file_loads_whole(
    file: str, kind: Kind, edits: int, probes: int
) -> None:
    if not (DATA / file).is_file():
        pytest.skip(f"no {DATA / file}; set GOVERNANCE_TEST_DATA")
    found = load_dataset(DATA / file, kind)
    assert len(found.cases) == edits
    assert len(found.cases[0].probes) == probes


def test_a_timed_row_asks_source_positives_and_negatives(timed: Path) -> None:
    case = load_dataset(timed, Kind.TIMED).cases[0]
    assert (case.source, case.destination, case.line) == ("a rose", "a blue rose", 2)
    [first] = case.of("efficacy")
    assert (first.prompt, first.oracle) == ("a rose", "a blue rose")
    [positive] = case.of("generality")
    assert positive.oracle == "photo of a blue rose"
    negative = next(case.of("specificity"))
    # An unedited picture of another thing is its own oracle.
    assert negative.prompt == negative.oracle == negative.old == "a lemon"
    assert negative.new == "a blue lemon"


def test_a_road_row_edits_the_role_and_knows_who_held_it(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "Type,Prompt,Oracle,Old,New,Positive1,Positive_oracle1,Positive_old1,"
        "Positive_new1,Negative1,Negative_new1\n"
        "Role,the mayor,caro as the mayor,bela,caro,the mayor at sea,"
        "caro as the mayor at sea,bela at sea,caro at sea,a baker,caro\n",
    )
    [case] = load_dataset(file, Kind.ROAD).cases
    assert (case.source, case.destination) == ("the mayor", "caro")
    assert (case.aligned, case.shows) == ("caro as the mayor", "bela")
    [probe] = case.of("generality")
    assert (probe.old, probe.new) == ("bela at sea", "caro at sea")


def test_a_gender_row_names_its_rare_value(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "old,new,validation,ex1\n"
        "a doctor,a female doctor,A photo of a doctor,a doctor at sea\n",
    )
    [case] = load_dataset(file, Kind.GENDER).cases
    assert case.action == "debias"
    assert [a.name for a in case.attributes] == ["female"]
    assert case.aligned == "a female doctor"


def test_an_artist_is_erased_and_held_against_the_next_ones(tmp_path: Path) -> None:
    rows = [
        f"{n},{n},{style} by {artist},{n + 7},{artist}"
        for n, (artist, style) in enumerate(
            (a, s) for a in ("kora", "lume", "pax") for s in ("art", "a painting")
        )
    ]
    text = ",case_number,prompt,evaluation_seed,artist\n" + "\n".join(rows) + "\n"
    cases = load_dataset(write(tmp_path, text), Kind.ARTIST).cases
    assert [case.source for case in cases] == ["kora", "lume", "pax"]
    assert cases[0].action == "erase"
    assert [p.prompt for p in cases[1].of("specificity")] == [
        "a painting by pax",
        "a painting by kora",
    ]
    assert next(cases[0].of("efficacy")).seeds == (7,)


def test_an_artist_with_a_destination_is_updated(tmp_path: Path) -> None:
    text = (
        ",case_number,prompt,evaluation_seed,artist,destination\n"
        "0,0,art by kora,1,kora,\n1,1,art by kora,2,kora,lume\n"
    )
    erased, swapped = load_dataset(write(tmp_path, text), Kind.ARTIST).cases
    assert (erased.action, erased.destination) == ("erase", "art")
    assert (swapped.action, swapped.destination) == ("update", "lume")
    assert next(swapped.of("efficacy")).oracle == "art by lume"


def test_iceb_records_are_grouped_by_class(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [
        {"class name": "hen", "text prompt": "A {} at dawn", "random seed": "3"},
        {"class name": "hen", "text prompt": "Hen on a fence", "random seed": 4},
        {"class name": "jay", "text prompt": "a {}", "random seed": 5},
    ]
    for record in records:
        record["dest"] = "kite"
    file = tmp_path / "edit.json"
    file.write_text(json.dumps(records), encoding="utf-8")
    hen, jay = load_dataset(file, Kind.ICEB).cases
    assert [p.prompt for p in hen.probes] == [
        "A hen at dawn",
        "hen on a fence",
        "a jay",
    ]
    assert next(hen.of("generality")).new == "kite on a fence"
    assert jay.destination == "kite"


def test_a_rectified_alias_is_asked_bare_first(tmp_path: Path) -> None:
    text = (
        "source,dest,prompts,seed_train,seeds,source id,dest id\n"
        "torpedo,electric ray,\"['An image of {}', '{}']\",5525,[],5,5\n"
    )
    [case] = load_dataset(write(tmp_path, text), Kind.RECTIFICATION).cases
    assert [p.prompt for p in case.probes] == ["torpedo", "An image of torpedo"]
    assert case.probes[0].seeds == (5525,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TIMED + "a,b,c,d,e\n", "set.csv:2: expected 6 columns, found 5"),
        (
            TIMED + "a,,c,d,e,f\n",
            "set.csv:2: new: expected a text, found an empty cell",
        ),
        (TIMED + "a,b,c,,e,f\n", "set.csv:2: gt1: expected a text"),
        (TIMED + "a,b,c,d,e,f\ng,h,i,j,k,\n", "set.csv:3: gn1: expected a text"),
        (TIMED + "a\x1b,b,c,d,e,f\n", "set.csv:2: old: expected no control characters"),
        (TIMED + f"{'a' * 1001},b,c,d,e,f\n", "set.csv:2: old: expected at most 1,000"),
        ("old,new,positve1\na,b,c\n", "set.csv:1: header: unknown columns positve1"),
        ("old,old,new\na,b,c\n", "set.csv:1: header: repeated columns old"),
        ("", "set.csv:1: header: missing columns old, new"),
        (TIMED, "set.csv:2: expected at least one row, found none"),
        (TIMED + 'a,"b\n', "set.csv:2: not CSV"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_field(
    tmp_path: Path, text: str, told: str
) -> None:
    assert told in refusal(tmp_path, Kind.TIMED, text).message


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (
            Kind.GENDER,
            "old,new,validation\na doctor,two female doctors,x\n",
            "set.csv:2: new: expected one word more than `old`",
        ),
        (
            Kind.ARTIST,
            "prompt,evaluation_seed,artist\nart by nobody,1,kora\n",
            "set.csv:2: prompt: expected a text that holds the artist's name",
        ),
        (
            Kind.ARTIST,
            "prompt,evaluation_seed,artist\nart by kora,one,kora\n",
            "set.csv:2: evaluation_seed: expected a whole number, found 'one'",
        ),
        (
            Kind.RECTIFICATION,
            "source,dest,prompts,seed_train\na,b,__import__('os'),1\n",
            "set.csv:2: prompts: expected a list of texts that each hold {} once",
        ),
        (Kind.ICEB, "[{]", "set.csv: not JSON"),
        (Kind.ICEB, "[]", "set.csv: expected a list of records"),
        (
            Kind.ICEB,
            '[{"class name": "hen", "text prompt": "{}", "random seed": 1}]',
            "set.csv:1: dest: expected what the class becomes (the edit file)",
        ),
    ],
)
def test_each_format_says_what_it_expected(
    tmp_path: Path, kind: Kind, text: str, told: str
) -> None:
    assert told in refusal(tmp_path, kind, text).message


def test_bytes_that_are_no_text_are_named_by_their_line(tmp_path: Path) -> None:
    file = tmp_path / "set.csv"
    file.write_bytes(TIMED.encode() + b"a,\xff,c,d,e,f\n")
    with pytest.raises(RequestError, match=r"set\.csv:2: expected UTF-8 text"):
        load_dataset(file, Kind.TIMED)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        load_dataset(tmp_path / "none.csv", Kind.TIMED)
