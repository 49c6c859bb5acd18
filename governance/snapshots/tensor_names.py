"""How deltas and adapters call the weights they change; needs no tensor library."""

import re

from governance.snapshots.forms import Keys

SECOND = "text_encoder_2"
_PREFIXES = {"unet": "lora_unet", "text_encoder": "lora_te", SECOND: "lora_te2"}
_TEXT = re.compile(r"^(?:text_model\.)?(?=encoder\.layers\.)")


def delta_name(component: str, name: str) -> str:
    """Return how a delta file names a weight.

    Two text encoders call their weights the same, so the second one's carry the
    component's name, as they do in files of statistics and values.

    Args:
        component: Folder of the component.
        name: The weight's name in the component's files.
    """
    return f"{SECOND}.{name}" if component == SECOND else name


def adapter_name(family: str, component: str, name: str, keys: Keys) -> str:
    """Return what an adapter calls a module, without the factor's own ending.

    The names of text encoders carry ``text_model.``, whether the base's do or not:
    loaders take it away where the encoder has none, and never add it.

    Args:
        family: Architecture of the base.
        component: Folder of the component.
        name: The weight's name in the component's files.
        keys: How tensors are named.
    """
    module = name.removesuffix(".weight")
    if component != "unet":
        module = _TEXT.sub("text_model.", module)
    if keys == "diffusers":
        layer = "lora" if component == "unet" else "lora_linear_layer"
        return f"{component}.{module}.{layer}"
    prefix = _PREFIXES.get(component, f"lora_{component}")
    if family == "sdxl" and component == "text_encoder":
        prefix = "lora_te1"
    return f"{prefix}_{module.replace('.', '_')}"


def adapter_endings(keys: Keys) -> tuple[str, ...]:
    """Return what follows a module's name: down, up and, for kohya, alpha."""
    if keys == "kohya":
        return ".lora_down.weight", ".lora_up.weight", ".alpha"
    return ".down.weight", ".up.weight"
