"""`backlit.utils.data`: datasets, samplers and the DataLoader, named as in PyTorch."""

from __future__ import annotations

from ._collate import default_collate as default_collate, default_convert as default_convert
from ._dataloader import DataLoader as DataLoader
from ._dataset import (
    ChainDataset as ChainDataset,
    ConcatDataset as ConcatDataset,
    Dataset as Dataset,
    IterableDataset as IterableDataset,
    StackDataset as StackDataset,
    Subset as Subset,
    TensorDataset as TensorDataset,
    random_split as random_split,
)
from ._distributed import DistributedSampler as DistributedSampler
from ._sampler import (
    BatchSampler as BatchSampler,
    RandomSampler as RandomSampler,
    Sampler as Sampler,
    SequentialSampler as SequentialSampler,
    SubsetRandomSampler as SubsetRandomSampler,
    WeightedRandomSampler as WeightedRandomSampler,
)
from ._worker import WorkerInfo as WorkerInfo, get_worker_info as get_worker_info
