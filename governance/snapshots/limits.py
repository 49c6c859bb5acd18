"""What a record of edits does not prove, in words; and what a demonstration is not."""

DEMO_ORIGIN = "demo"
DEMO = (
    "This is a demonstration. One program made both reviewers' keys and signed for "
    "both: no person looked at anything, and four eyes did not meet."
)
LIMITS = (
    (
        "A closed-form edit changes what a prompt asks for, not everything the model "
        "could draw. It is not safe against somebody who has the weights: published "
        "white-box prompt attacks bring an erased concept back in 79.6 % (UCE), 75.4 % "
        "(RECE) and 74.6 % (MACE) of attempts on nudity. UnlearnDiffAtk, "
        "arXiv 2310.11868, is such an attack. The figures are from the literature, not "
        "measured on this model."
    ),
    (
        "The results hold for the prompts, seeds, sampler and judge named in the "
        "evidence. A judge is a model too, and can be wrong. Languages, spellings and "
        "ways of asking that no prompt of the evidence has were not tested."
    ),
    (
        "The pictures shown are a selection by a fixed rule; every picture of the "
        "evidence was part of what reviewers signed."
    ),
    "Times are those of the local clock of the machine that wrote the ledger.",
    (
        "A signature proves that a key signed a statement. It does not prove who held "
        "the key, that the signer looked at the images, or that the edit is lawful."
    ),
    (
        "Without allowed signers obtained elsewhere, the record is consistent with "
        "itself, but authorship is not proven: whoever can write this folder can write "
        "another one, with other keys."
    ),
    (
        "The signatures cover the base model's digest and every edited tensor. Bytes "
        "beside those in an edited file are covered by the manifest only; compare them "
        "with the base model where that matters."
    ),
    (
        "The ledger is tamper-evident up to the last head that somebody else holds. "
        "It proves what was recorded, not that everything that happened was recorded."
    ),
)
