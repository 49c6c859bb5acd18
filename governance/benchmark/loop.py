"""The published loops, written plainly from their equations in float32.

UCE, arXiv:2308.14761, eq. 7, and TIME, arXiv:2303.08084, eq. 2, as their authors run
them: for each cross-attention matrix on its own, two sums of outer products over all
concepts, and one explicit inverse,

    mat1 = lambda W + sum_i s_i (W c*_i) k_i^T + sum_j t_j (W p_j) p_j^T
    mat2 = lambda I + sum_i s_i k_i k_i^T + sum_j t_j p_j p_j^T
    W'   = mat1 mat2^-1

A concept may have several rows (TIME: every token of every template); their outer
products are formed together and then summed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LoopConcept:
    """One text of the published loop.

    Args:
        keys: Rows of the text [n, d].
        targets: What they shall be read as [n, d]; the keys themselves where they
            are preserved.
        weight: s_i or t_j.
    """

    keys: Tensor
    targets: Tensor
    weight: float


def edited(W: Tensor, concepts: Sequence[LoopConcept], ridge: float) -> Tensor:
    """Edit one matrix.

    Args:
        W: [d_out, d], in the precision to compute in.
        concepts: Edited and preserved texts, in the same precision.
        ridge: Lambda.

    Returns:
        W' [d_out, d].
    """
    mat1 = ridge * W
    mat2 = ridge * torch.eye(W.shape[1], dtype=W.dtype)
    for concept in concepts:
        values = concept.targets @ W.T
        keys = concept.keys
        mat1 += concept.weight * (values[:, :, None] @ keys[:, None, :]).sum(dim=0)
        mat2 += concept.weight * (keys[:, :, None] @ keys[:, None, :]).sum(dim=0)
    return mat1 @ torch.inverse(mat2)
