"""`DistributedSampler`: the part of a dataset that one of several training processes sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backlit as bl

from ._sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index, beginning with `rank`, of an order that all ranks share.

    The order is drawn from seed + epoch: call `set_epoch` before each pass. The first indices are
    repeated so that all ranks get equally many, or the last ones left out with `drop_last`.
    backlit has no process groups, so `num_replicas` and `rank` must be given.

        >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError(
                "Requires distributed package to be available. backlit has none. "
                "Try giving num_replicas and rank."
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        size = len(dataset)
        self.num_samples = size // num_replicas if drop_last else -(-size // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = list(range(size))
        if self.shuffle:
            generator = bl.Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = bl.randperm(size, generator=generator).tolist()
        while len(order) < self.total_size:
            order += order[: self.total_size - len(order)]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch
