"""In which forms a snapshot leaves: as it was signed, or derived from that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from governance.canonical import JSON
from governance.errors import UsageError

Kind: TypeAlias = Literal["diffusers", "delta", "lora"]
Keys: TypeAlias = Literal["kohya", "diffusers"]
Dtype: TypeAlias = Literal["float32", "float16", "bfloat16"]
KINDS: tuple[Kind, ...] = get_args(Kind)
KEYS: tuple[Keys, ...] = get_args(Keys)
DTYPES: tuple[Dtype, ...] = get_args(Dtype)

ADAPTER = "pytorch_lora_weights.safetensors"
"""The file stock diffusers looks for in a folder of an adapter."""
DELTA = "delta.safetensors"
TABLE = "delta.json"


@dataclass(frozen=True, slots=True)
class Form:
    """What an export holds.

    Args:
        kind: A whole pipeline, factors in float64, or an adapter in float32.
        keys: How an adapter names its tensors; ``None`` for the other kinds.
        dtype: What a whole pipeline was cast to; ``None`` where it was not.
    """

    kind: Kind = "diffusers"
    keys: Keys | None = None
    dtype: Dtype | None = None

    @property
    def derived(self) -> bool:
        """Whether its bytes are made from those that were signed, not the same."""
        return self.kind != "diffusers" or self.dtype is not None

    @property
    def words(self) -> str:
        """Name the form for people."""
        extra = {"lora": f", {self.keys} keys", "diffusers": f", {self.dtype}"}
        return self.kind + (extra.get(self.kind, "") if self.derived else "")

    def document(self) -> dict[str, JSON]:
        """Return it as JSON."""
        return {"format": self.kind, "keys": self.keys, "dtype": self.dtype}


def form_of(kind: str | None, keys: str | None, dtype: str | None) -> Form:
    """Read a form from what somebody asked for.

    Args:
        kind: ``diffusers`` where omitted.
        keys: For ``lora`` only; ``kohya`` where omitted.
        dtype: For ``diffusers``; ``lora`` knows only ``float32``.

    Raises:
        UsageError: A word is unknown, or does not go with the others.
    """
    kind = kind or "diffusers"
    _check("--format", kind, KINDS)
    if keys is not None:
        _check("--keys", keys, KEYS)
        if kind != "lora":
            raise UsageError(f"--keys: expected --format lora with it, found {kind}")
    if dtype is not None:
        _check("--dtype", dtype, DTYPES)
    if kind == "lora":
        _only("float32", dtype, "an adapter of fewer bits is up to 3e-3 off")
        return Form("lora", cast("Keys", keys or "kohya"))
    if kind == "delta":
        _only(None, dtype, "a delta is float64, so that it is exact")
        return Form("delta")
    return Form("diffusers", None, cast("Dtype | None", dtype))


def form_from(document: Mapping[str, JSON]) -> Form | None:
    """Read a form back from a document that is not trusted; ``None`` if it is none."""
    values = [document.get(key) for key in ("format", "keys", "dtype")]
    if any(not isinstance(value, str | None) for value in values):
        return None
    kind, keys, dtype = (cast("str | None", value) for value in values)
    try:
        found = form_of(kind, keys, dtype)
    except UsageError:
        return None
    return found if found.document() == dict(document) else None


def _check(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(
            f"{option}: expected {', '.join(allowed)}, found {value[:40]!r}"
        )


def _only(allowed: str | None, dtype: str | None, reason: str) -> None:
    if dtype not in (None, allowed):
        raise UsageError(f"--dtype {dtype}: {reason}", "Leave --dtype out.")
