"""Adam on many deltas at once: each stops, fails and is held back on its own."""

import pytest
import torch
from torch import Tensor

from governance.engine.stage_one.descent import Objective, descend, placed
from governance.errors import EngineError, InterruptedByUserError

GOALS = torch.tensor([[1.0, -2.0, 0.5], [0.25, 0.0, -0.125], [-4.0, 3.0, 2.0]])
NAMES = ("rose", "mayor", "lemon")
FAR = torch.full((3, 1), 100.0)


def towards(goals: Tensor, near: float = 0.0) -> "Seen":
    return Seen(goals, near)


class Seen:
    """The squared distance from a goal; reached within some distance of it."""

    def __init__(self, goals: Tensor, near: float) -> None:
        self.goals = goals
        self.near = near
        self.deltas: list[Tensor] = []

    def __call__(self, delta: Tensor, step: int) -> Objective:
        assert step == len(self.deltas)
        self.deltas.append(delta.detach().clone())
        losses = (delta - self.goals).square().sum(dim=1)
        return Objective(losses, losses.detach() < self.near)


def descended(
    seen: Seen, *, limits: Tensor = FAR, steps: int = 40, rows: int = 3
) -> Tensor:
    return descend(
        seen,
        limits[:rows],
        (3,),
        steps=steps,
        learning_rate=0.1,
        names=NAMES[:rows],
    )


def test_the_loss_falls_for_every_concept() -> None:
    seen = towards(GOALS)
    found = descended(seen, steps=60)
    before = GOALS.square().sum(dim=1)
    after = (found - GOALS).square().sum(dim=1)
    assert bool((after < 0.2 * before).all())


def test_a_concept_does_not_notice_the_others_in_its_batch() -> None:
    together = descended(towards(GOALS))
    for place in range(3):
        alone = descend(
            towards(GOALS[place : place + 1]),
            FAR[:1],
            (3,),
            steps=40,
            learning_rate=0.1,
            names=NAMES[place : place + 1],
        )
        assert torch.equal(alone[0], together[place])


def test_a_concept_that_is_done_keeps_the_delta_it_was_done_with() -> None:
    seen = towards(GOALS, near=0.01)
    found = descended(seen, steps=200)
    for place in range(3):
        losses = [
            float((delta[place] - GOALS[place]).square().sum()) for delta in seen.deltas
        ]
        first = next(step for step, loss in enumerate(losses) if loss < 0.01)
        assert torch.equal(found[place], seen.deltas[first][place])


def test_steps_end_soon_after_the_last_concept_is_done() -> None:
    seen = towards(GOALS[1:2], near=0.01)
    descended(seen, steps=1000, rows=1)
    done = [float((d - GOALS[1]).square().sum()) < 0.01 for d in seen.deltas]
    assert len(seen.deltas) - done.index(True) <= 10


def test_no_delta_is_longer_than_its_limit() -> None:
    limits = torch.tensor([0.5, 10.0, 1.5])
    deltas = descended(towards(GOALS), limits=limits[:, None])
    found = torch.linalg.norm(deltas, dim=1)
    assert bool((found <= limits + 1e-6).all())
    assert found[0] == pytest.approx(0.5, abs=1e-6)


def test_each_part_of_a_delta_has_its_own_limit() -> None:
    limits = torch.tensor([[0.5, 0.25]]).expand(3, 2)
    found = descend(
        towards(GOALS * 9), limits, (1, 2), steps=40, learning_rate=0.5, names=NAMES
    )
    assert torch.allclose(found[[0, 2], :1].norm(dim=1), torch.tensor(0.5))
    assert torch.allclose(found[:, 1:].norm(dim=1), torch.tensor(0.25))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("when", [0, 3, 25])
def test_a_loss_that_is_no_number_names_its_concept_and_step(
    bad: float, when: int
) -> None:
    def broken(delta: Tensor, step: int) -> Objective:
        losses = delta.square().sum(dim=1) + 1.0
        if step >= when:
            losses = losses * torch.tensor([1.0, bad, 1.0])
        return Objective(losses, torch.zeros(3, dtype=torch.bool))

    with pytest.raises(EngineError, match=f"'mayor'.*NaN or infinite at step {when};"):
        descend(broken, FAR, (3,), steps=30, learning_rate=0.1, names=NAMES)


def test_a_finished_concept_cannot_break_the_others() -> None:
    def late(delta: Tensor, step: int) -> Objective:
        losses = (delta - GOALS).square().sum(dim=1)
        if step > 5:
            losses = losses * torch.tensor([1.0, float("nan"), 1.0])
        return Objective(losses, torch.tensor([False, step == 5, False]))

    found = descend(late, FAR, (3,), steps=20, learning_rate=0.1, names=NAMES)
    assert bool(torch.isfinite(found).all())


def test_it_can_be_stopped_between_steps() -> None:
    seen = towards(GOALS)

    def stop(done: int, total: int) -> None:
        assert total == 40
        if done == 7:
            raise InterruptedByUserError("stopped")

    with pytest.raises(InterruptedByUserError):
        descend(seen, FAR, (3,), steps=40, learning_rate=0.1, names=NAMES, on_step=stop)
    assert len(seen.deltas) == 7


def test_a_delta_is_added_at_its_own_token_of_its_own_prompts() -> None:
    states = torch.zeros(4, 5, 3)
    delta = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    moved = placed(delta, states, torch.tensor([1, 2, 0, 4]), 2)
    for row, (token, concept) in enumerate([(1, 0), (2, 0), (0, 1), (4, 1)]):
        assert torch.equal(moved[row, token], delta[concept])
        assert moved[row].count_nonzero() == 3
