"""`backlit.utils.data.distributed`: the sampler of one of several training processes."""

from __future__ import annotations

from ._distributed import DistributedSampler as DistributedSampler
