"""The adaptive softmax (Grave et al. 2017): rare classes in clusters with smaller projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import backlit as bl
from backlit import Tensor

from . import functional as F
from ._containers import ModuleList, Sequential
from ._linear import Linear
from ._module import Module

if TYPE_CHECKING:
    from collections.abc import Sequence


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log P(target) for classes sorted by frequency, most frequent first. (N, in), (N) -> (N), ().

    The head decides between the classes below `cutoffs[0]` and one entry for each cluster
    [cutoffs[i], cutoffs[i + 1]); cluster i projects to in_features // div_value^(i + 1) features
    before it tells its own classes apart:

        log P(class) = log P(cluster | head) + log P(class | cluster).

    Returns the named tuple (output, loss), with the loss -mean(output). A single sample, (in) with
    a target of no dimensions, works too. A target outside of [0, n_classes) raises RuntimeError.

    >>> layer = AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[5, 10], div_value=2.0)
    >>> layer.log_prob(backlit.ones(2, 8)).exp().sum(1).round(decimals=4).detach()
    tensor([1., 1.])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_cutoffs(list(cutoffs), n_classes)
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            project = Linear(in_features, hidden, bias=False, **options)
            self.tail.append(Sequential(project, Linear(hidden, classes, bias=False, **options)))

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.head.reset_parameters()
        for cluster in self.tail:
            for layer in cluster:
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> _ASMoutput:
        _check_shapes(input, target)
        batched = target.dim() > 0
        if not batched:
            input, target = input.unsqueeze(0), target.unsqueeze(0)
        low, high = target.min().item(), target.max().item()
        if low < 0 or high >= self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], "
                f"but values in range [{low}, {high}] were found. "
            )
        in_head = target.clone()  # the entry of the head that stands for the target
        output = input.new_zeros(target.size(0))
        for i, cluster in enumerate(self.tail):
            first, last = self.cutoffs[i], self.cutoffs[i + 1]
            rows = ((target >= first) & (target < last)).nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            within = F.log_softmax(cluster(input.index_select(0, rows)), dim=1)
            place = (target[rows] - first).unsqueeze(1)
            output = output.index_copy(0, rows, within.gather(1, place).squeeze(1))
            in_head[rows] = self.shortlist_size + i
        head = F.log_softmax(self.head(input), dim=1)
        output = output + head.gather(1, in_head.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """log P of each class. (N, in_features) -> (N, n_classes)."""
        return self._all_classes(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The class of the largest `log_prob`. (N, in_features) -> (N).

        Clusters are only computed for samples of which the head does not choose a class itself.
        """
        head = self.head(input)
        output = head.argmax(dim=1)
        rows = (output >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel():
            output[rows] = self._all_classes(input[rows], head[rows]).argmax(dim=1)
        return output

    def _all_classes(self, input: Tensor, head: Tensor) -> Tensor:
        chance = F.log_softmax(head, dim=1)
        short, clusters = chance[:, : self.shortlist_size], chance[:, self.shortlist_size :]
        within = [F.log_softmax(cluster(input), dim=1) for cluster in self.tail]
        return bl.cat((short, *(w + clusters[:, i, None] for i, w in enumerate(within))), 1)


def _check_cutoffs(cutoffs: list[int], n_classes: int) -> None:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    if (
        cutoffs != sorted(set(cutoffs))
        or cutoffs[0] <= 0
        or cutoffs[-1] > n_classes - 1
        or any(int(c) != c for c in cutoffs)
    ):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
            "order, where each value is between 1 and n_classes-1"
        )


def _check_shapes(input: Tensor, target: Tensor) -> None:
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() == 1 and input.size(0) != target.size(0):
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.dim() != target.dim() + 1:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, "
            f"but found inputs with size {input.size()}"
        )
