"""How to use an export that is not a signed model as it stands, in words."""

from governance.snapshots.forms import ADAPTER, DELTA, TABLE
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.markup import code
from governance.snapshots.record import Derivation

_LORA = """\
## Load it

```python
from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained(BASE)  # the base model named above
pipe.load_lora_weights(FOLDER, weight_name="{file}")
...
pipe.unload_lora_weights()  # the base again, bit for bit
```

Load it at scale 1.0, the default: at any other scale it is another edit, which nobody \
measured or signed. Stock diffusers needs the package `peft` for this. The factors are \
exact and in float32: over a float32 base, base and adapter draw what the signed weights \
draw to 1e-4 of a pixel's range. Over a base of 16 bits, the signed weights were rounded \
once more, when they were merged: computed in float32, pictures of a few steps differ by \
up to 2e-3; computed in 16 bits the adapter is rounded too, and what the network \
predicts differs by about 1e-3 of its size."""
_DELTA = """\
## Load it

`{table}` names two tensors of `{file}` for every changed weight of the base, `up` \
[d_out, r] and `down` [r, d_in], in float64. The edited weight is W + up . down, \
computed in float64 and rounded once to the dtype of W:

```python
import json
from safetensors.torch import load_file

table = json.load(open("{table}"))["weights"]
factors = load_file("{file}")
for row in table.values():
    change = factors[row["up"]] @ factors[row["down"]]
    # add it to the tensor row["name"] of the component row["component"]
```

Taking a change off again is loading the base: subtracting it would round twice."""
_CAST = """\
## Load it

Load the folder with stock diffusers and `torch_dtype=torch.{dtype}`. Every \
floating-point tensor was cast to {dtype}; the edited ones from the signed bytes."""


def form_section(inputs: ExportInputs, derivation: Derivation | None) -> str:
    """Return what a derived export is and how it is loaded; nothing for others.

    Args:
        inputs: What the export is made from.
        derivation: How its files were derived.
    """
    if derivation is None:
        return ""
    form = derivation.form
    how = {
        "lora": _LORA.format(file=ADAPTER),
        "delta": _DELTA.format(table=TABLE, file=DELTA),
        "diffusers": _CAST.format(dtype=form.dtype),
    }[form.kind]
    return (
        f"{how}\n\nThese files are derived ({form.words}) from the snapshot "
        f"{code(inputs.snapshot.digest)}. What reviewers signed is that snapshot: their "
        "signatures cover these files only as far as you trust who derived them, or "
        "derive them again."
    )
