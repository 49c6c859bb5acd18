"""Seeds follow from what is measured, and search and evidence never share them."""

from governance.checks.seeds import search_seeds, seeds_for

CANDIDATE, OTHER, SUITE = "a" * 64, "b" * 64, "c" * 64


def test_seeds_are_the_same_for_the_same_measurement_and_grow_at_the_end() -> None:
    seeds = seeds_for(CANDIDATE, SUITE, "a rose", 100)
    assert seeds == seeds_for(CANDIDATE, SUITE, "a rose", 100)
    assert seeds[:10] == seeds_for(CANDIDATE, SUITE, "a rose", 10)
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_another_candidate_suite_or_prompt_has_other_seeds() -> None:
    found = [
        seeds_for(CANDIDATE, SUITE, "a rose", 50),
        seeds_for(OTHER, SUITE, "a rose", 50),
        seeds_for(CANDIDATE, OTHER, "a rose", 50),
        seeds_for(CANDIDATE, SUITE, "a lemon", 50),
    ]
    assert len({seed for seeds in found for seed in seeds}) == 200


def test_evidence_never_looks_at_a_seed_the_search_looked_at() -> None:
    searched = set(search_seeds(CANDIDATE, "a doctor", 500))
    assert len(searched) == 500
    assert searched.isdisjoint(seeds_for(CANDIDATE, SUITE, "a doctor", 500))


def test_seeds_are_known_numbers_on_every_machine() -> None:
    # sha256 of four lines, its first four bytes halved; computed with coreutils:
    # printf '%s\n%s\n%s\n0' aaa... ccc... 'a rose' | sha256sum
    assert seeds_for(CANDIDATE, SUITE, "a rose", 1) == (937715931,)
