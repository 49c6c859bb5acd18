"""A signature that would not count is asked of no key, and leaves nothing behind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from governance.domain.signoff import Decision
from governance.errors import (
    GovernanceError,
    PolicyRefusedError,
    WrongStateError,
)
from governance.identity.signers import FileSigner
from governance.service.change_records import ChangeWish
from governance.service.facade import JobKind
from governance.service.ports import Parts
from tests.service.fakes import FakeSolver
from tests.service.house import House, build
from tests.service.test_changes import newer
from tests.service.test_joint_rollback import both, revert

APPROVE = ChangeWish(Decision.APPROVE)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Namespaces that keys are asked to sign in, from now on."""
    found: list[str] = []
    sign = FileSigner.sign

    def watched(signer: FileSigner, message: bytes, namespace: str) -> str:
        found.append(namespace)
        return sign(signer, message, namespace)

    monkeypatch.setattr(FileSigner, "sign", watched)
    return found


@pytest.fixture
def pair(tmp_path: Path, parts: Parts) -> House:
    return both(tmp_path, parts)


def refused(
    house: House,
    asked: Sequence[str],
    kind: type[GovernanceError],
    act: Callable[[], object],
) -> str:
    """Do what is refused; return how, once nothing was asked, stored or recorded."""
    before, size, signed = set(house.store.digests()), house.size(), len(asked)
    with pytest.raises(kind) as error:
        act()
    assert len(asked) == signed, "a key was asked"
    assert set(house.store.digests()) == before, "a statement was stored"
    assert house.size() == size
    return error.value.message


def test_a_proposers_own_approval_is_refused_unsigned(
    house: House, asked: list[str]
) -> None:
    edit = house.ready("ana")
    said = refused(house, asked, PolicyRefusedError, lambda: house.approve("ana", edit))
    assert "an approval by 'ana' does not count: given by the proposer" in said
    assert house.approve("ben", edit).state == "LIVE"
    assert asked[-1:] == ["signoff@governance"], "what counts is asked of the key"


def test_a_second_approval_of_an_edit_is_refused_unsigned(
    tmp_path: Path, parts: Parts, asked: list[str]
) -> None:
    house = build(
        tmp_path, parts, change=lambda spec: spec.update(required_approvals=2)
    )
    edit = house.ready("ana")
    house.approve("ben", edit)
    said = refused(house, asked, WrongStateError, lambda: house.approve("ben", edit))
    assert "'ben' approved this already" in said


def test_a_proposers_own_approval_of_a_change_is_refused_unsigned(
    house: House, asked: list[str]
) -> None:
    change = house.as_("ana").propose_policy(newer(house)).id
    said = refused(
        house,
        asked,
        PolicyRefusedError,
        lambda: house.as_("ana").sign_change(change, APPROVE),
    )
    assert "an approval by 'ana' does not count" in said
    assert house.as_("ben").sign_change(change, APPROVE).state == "ACTIVE"


def test_a_second_signature_on_a_revert_is_refused_unsigned_and_unsolved(
    pair: House, solver: FakeSolver, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    monkeypatch.setattr(solver, "solve", _unwanted)
    said = refused(pair, asked, WrongStateError, lambda: revert(pair, "ben", edit))
    assert "'ben' signed for it already" in said


def test_a_second_signature_on_a_return_is_refused_unsigned(
    pair: House, asked: list[str]
) -> None:
    pair.live()
    pair.as_("ben").activate("base", "start over")
    said = refused(
        pair,
        asked,
        WrongStateError,
        lambda: pair.as_("ben").activate("base", "start over"),
    )
    assert "'ben' signed for it already" in said


def _unwanted(*_: object, **__: object) -> None:
    raise AssertionError("solved for somebody who could not sign")


def test_whoever_may_not_take_back_is_refused_before_the_solve(
    pair: House, solver: FakeSolver, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = pair.live()
    monkeypatch.setattr(solver, "solve", _unwanted)
    with pytest.raises(PolicyRefusedError, match="belongs to nobody"):
        pair_job(pair, "ben", "mallory", edit)
    with pytest.raises(PolicyRefusedError, match="belongs to 'ana'"):
        pair_job(pair, "ben", "ana", edit)
    assert asked[-1] == "signoff@governance", "the last key asked approved the edit"


def pair_job(house: House, who: str, key: str, edit: str) -> object:
    keys = {**house.keys, who: house.keys[key]}
    return replace(house, keys=keys).job(
        who, JobKind.REVERT, edit=edit, reason="settled"
    )


def test_a_proposer_who_may_not_take_back_learns_so_before_the_solve(
    tmp_path: Path, parts: Parts, solver: FakeSolver, asked: list[str]
) -> None:
    house = both(tmp_path, parts, required_approvals=1, proposer_allowed=False)
    edit = house.live()
    solve = solver.solve
    solver.solve = _unwanted  # type: ignore[method-assign, assignment]
    said = refused(
        house,
        asked,
        PolicyRefusedError,
        lambda: revert(house, "ana", edit),
    )
    assert "given by the proposer" in said
    solver.solve = solve  # type: ignore[method-assign]
    assert revert(house, "ben", edit)["state"] == "REVERTED"


def test_whoever_could_not_sign_for_a_revert_ends_none_and_is_asked_for_nothing(
    tmp_path: Path, parts: Parts, asked: list[str]
) -> None:
    house = both(tmp_path, parts, proposer_allowed=False)
    edit = house.live()
    revert(house, "ben", edit)
    said = refused(
        house,
        asked,
        PolicyRefusedError,
        lambda: house.as_("ana").withdraw_revert(edit, "keep it"),
    )
    assert "does not count: given by the proposer" in said


def test_a_refusal_in_the_transaction_leaves_no_statement(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else decided while the key was asked."""
    edit = house.ready("ana")
    sign = FileSigner.sign

    def meanwhile(signer: FileSigner, message: bytes, namespace: str) -> str:
        monkeypatch.setattr(FileSigner, "sign", sign)
        house.as_("ana").withdraw(edit, "not needed")
        return sign(signer, message, namespace)

    monkeypatch.setattr(FileSigner, "sign", meanwhile)
    before = set(house.store.digests())
    with pytest.raises(WrongStateError, match="WITHDRAWN"):
        house.approve("ben", edit)
    assert set(house.store.digests()) == before


def test_what_was_signed_and_recorded_is_kept_for_ssh_keygen(house: House) -> None:
    edit = house.live()
    (signed,) = house.as_("ana").edit(edit).signoffs
    assert revert(house, "ben", edit)["state"] == "REVERTED"
    data = house.as_("ana").log()[-1].payload["data"]
    assert isinstance(data, dict)
    kept = [house.store.get(digest) for digest in house.store.digests()]
    assert str(data["signature"]).encode() in kept
    assert signed.signature.encode() in kept
