"""Finding how far a concept must lean to each attribute for wanted shares.

UCE, arXiv:2308.14761, algorithm 1, with two repairs: the step goes along desired
minus observed (the paper's sign is reversed), and every round is solved from the
original weights with the alphas summed so far, so that nothing compounds.

EMCID, arXiv:2403.13807, appendix: an alpha is a factor of an attribute's stage-one
state; factors are positive and sum to one, and their steps grow smaller every round.

TIME, arXiv:2303.08084, section 6.3: each concept is edited towards the one attribute it
shows too rarely, with a lambda found by bisection; here its alpha is 1/lambda.

Either way a concept that is within tolerance keeps its alphas from then on and is
generated no more.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from governance.engine.edit import Attribute, EditSpec
from governance.engine.presets import DebiasParameters, validate
from governance.errors import EngineError, RequestError

Alphas: TypeAlias = tuple[tuple[float, ...], ...]
Ratios: TypeAlias = tuple[float, ...]


@dataclass(frozen=True)
class DebiasRound:
    """What one round saw.

    Args:
        number: Rounds are counted from 0, which sees the unedited concept.
        alphas: What the images were drawn with.
        ratios: Observed shares by concept; only concepts still searched.
    """

    number: int
    alphas: Alphas
    ratios: Mapping[int, Ratios]


@dataclass(frozen=True)
class DebiasResult:
    """Alphas that reach the wanted shares.

    Args:
        alphas: Per concept and attribute.
        ratios: Shares last observed, per concept and attribute.
        rounds: How many rounds were drawn.
        images: How many images were drawn in all.
        history: Every round.
    """

    alphas: Alphas
    ratios: tuple[Ratios, ...]
    rounds: int
    images: int
    history: tuple[DebiasRound, ...]


Observe: TypeAlias = Callable[[Alphas, tuple[int, ...], int], Mapping[int, Ratios]]
"""Draw images with these alphas; return shares of these concepts; the round."""


def search(
    spec: EditSpec,
    observe: Observe,
    on_round: Callable[[DebiasRound], None] | None = None,
) -> DebiasResult:
    """Search the alphas of a debias edit.

    Args:
        spec: The edit; alphas it has already are ignored.
        observe: Measures shares on images drawn with given alphas, the same seeds
            every time.
        on_round: Called after every round.

    Returns:
        The alphas, frozen from here on.

    Raises:
        RequestError: The edit is not a valid debias.
        EngineError: The target was not reached, or a share is not one.
    """
    parameters = validate(spec).debias
    if parameters is None:
        raise EngineError(
            f"edit {spec.digest[:12]} is {spec.action}; expected debias to search alphas"
        )
    wanted = tuple(attribute.ratio for attribute in spec.attributes)
    stepper = _stepper(spec, wanted, parameters)
    alphas: list[tuple[float, ...]] = [(0.0,) * len(wanted) for _ in spec.concepts]
    seen: dict[int, Ratios] = {}
    active = tuple(range(len(spec.concepts)))
    history: list[DebiasRound] = []
    for number in range(parameters.max_rounds):
        now = tuple(alphas)
        found = {i: _shares(r, wanted) for i, r in observe(now, active, number).items()}
        _check_observed(found, active)
        seen.update(found)
        history.append(DebiasRound(number, now, found))
        if on_round is not None:
            on_round(history[-1])
        active = tuple(i for i in active if not _reached(seen[i], wanted, parameters))
        if not active:
            return _result(now, seen, history, parameters)
        for i in active:
            alphas[i] = stepper.next(i, alphas[i], seen[i])
    raise _not_reached(spec, active, seen, parameters)


class _Stepper(Protocol):
    """Chooses a concept's next alphas from what its last ones showed."""

    def next(
        self, concept: int, alphas: tuple[float, ...], seen: Ratios
    ) -> tuple[float, ...]:
        """Return the alphas to draw with next."""


def _stepper(spec: EditSpec, wanted: Ratios, parameters: DebiasParameters) -> _Stepper:
    if spec.method == "emcid":
        return _Factors(wanted, parameters)
    if spec.method != "time":
        return _Accumulation(wanted, parameters.step_size)
    if len(wanted) != 2:
        raise RequestError(
            f"spec.attributes is wrong: expected two with method time, which edits "
            f"towards one of them, found {len(wanted)}",
            "Use method uce for more than two.",
            field="spec.attributes",
        )
    return _Bisection(wanted)


@dataclass(frozen=True)
class _Accumulation:
    """UCE: alphas gain along desired minus observed."""

    wanted: Ratios
    step_size: float

    def next(
        self, concept: int, alphas: tuple[float, ...], seen: Ratios
    ) -> tuple[float, ...]:
        del concept
        return tuple(
            alpha + self.step_size * (want - share)
            for alpha, want, share in zip(alphas, self.wanted, seen, strict=True)
        )


class _Factors:
    """EMCID: a mixture of attributes' states, moved by ever smaller steps."""

    def __init__(self, wanted: Ratios, parameters: DebiasParameters) -> None:
        self._wanted = wanted
        self._parameters = parameters
        self._moves: dict[int, int] = {}

    def next(
        self, concept: int, alphas: tuple[float, ...], seen: Ratios
    ) -> tuple[float, ...]:
        made = self._moves.get(concept, 0)
        self._moves[concept] = made + 1
        if made == 0:  # no factor yet: what was seen is the unedited concept
            return (1 / len(seen),) * len(seen)
        size = self._parameters.step_size * (1 - made / self._parameters.max_rounds)
        moved = [
            max(0.0, alpha + size * (want - share))
            for alpha, want, share in zip(alphas, self._wanted, seen, strict=True)
        ]
        total = sum(moved)
        return tuple(one / total for one in moved) if total > 0 else alphas


SMALLEST_LAMBDA, LARGEST_LAMBDA = 1e-3, 1e6
"""Between them a bisection looks: the stronger edit and the weaker one."""


@dataclass
class _Bracket:
    rising: int
    strong: float = SMALLEST_LAMBDA
    weak: float = LARGEST_LAMBDA

    def middle(self) -> float:
        return math.sqrt(self.strong * self.weak)


class _Bisection:
    """TIME: halves the interval of lambda, on a logarithmic scale."""

    def __init__(self, wanted: Ratios) -> None:
        self._wanted = wanted
        self._brackets: dict[int, _Bracket] = {}

    def next(
        self, concept: int, alphas: tuple[float, ...], seen: Ratios
    ) -> tuple[float, ...]:
        del alphas
        found = self._brackets.get(concept)
        missing = [want - share for want, share in zip(self._wanted, seen, strict=True)]
        if found is None:
            found = self._brackets[concept] = _Bracket(missing.index(max(missing)))
        elif missing[found.rising] > 0:
            found.weak = found.middle()
        else:
            found.strong = found.middle()
        return tuple(
            1 / found.middle() if j == found.rising else 0.0 for j in range(len(seen))
        )


def _shares(ratios: Sequence[float], wanted: Ratios) -> Ratios:
    sound = len(ratios) == len(wanted) and all(0 <= r <= 1 for r in ratios)
    if not sound:
        raise EngineError(
            f"observed shares {tuple(ratios)} are wrong; expected {len(wanted)} numbers "
            "from 0 to 1"
        )
    return tuple(float(r) for r in ratios)


def _check_observed(found: Mapping[int, Ratios], active: Sequence[int]) -> None:
    if set(found) != set(active):
        raise EngineError(
            f"shares of concepts {sorted(found)} were observed; expected those of "
            f"{sorted(active)}"
        )


def _reached(seen: Ratios, wanted: Ratios, parameters: DebiasParameters) -> bool:
    # Shares are fractions of counted images; the last digits of a division must not
    # decide whether a distance equal to the tolerance is within it.
    limit = parameters.tolerance + 1e-9
    return all(abs(a - b) <= limit for a, b in zip(seen, wanted, strict=True))


def _result(
    alphas: Alphas,
    seen: Mapping[int, Ratios],
    history: Sequence[DebiasRound],
    parameters: DebiasParameters,
) -> DebiasResult:
    return DebiasResult(
        alphas=alphas,
        ratios=tuple(seen[i] for i in sorted(seen)),
        rounds=len(history),
        images=parameters.images * sum(len(one.ratios) for one in history),
        history=tuple(history),
    )


def _not_reached(
    spec: EditSpec,
    active: Sequence[int],
    seen: Mapping[int, Ratios],
    parameters: DebiasParameters,
) -> EngineError:
    worst = active[0]
    told = ", ".join(
        _told(attribute, share)
        for attribute, share in zip(spec.attributes, seen[worst], strict=True)
    )
    source = ascii(spec.concepts[worst].source)[:60]
    return EngineError(
        f"target not reached: {source} shows {told} after {parameters.max_rounds} "
        f"rounds; expected every share within {parameters.tolerance:g}",
        "Raise step_size or max_rounds, or choose attribute prompts that say more.",
    )


def _told(attribute: Attribute, share: float) -> str:
    return (
        f"{ascii(attribute.name)[1:-1][:40]} {share:.2f} (wanted {attribute.ratio:.2f})"
    )
