"""Pooling, padding and interpolation of images, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._measure import Work, case


def both_ways(torch: Any, call: Callable[[Any, Any], Any], *sizes: int) -> Work:
    """`call(F, x)` and the gradient of its sum by x."""
    torch.manual_seed(0)
    x = torch.randn(*sizes, requires_grad=True)
    g = torch.ones_like(call(torch.nn.functional, x))
    return lambda: torch.autograd.grad(call(torch.nn.functional, x), x, g)


@case("max_pool2d 2 × 2 of (64, 6, 24, 24), and its gradient", "≥ 2")
def max_pool_small(torch: Any) -> Work:
    return both_ways(torch, lambda F, x: F.max_pool2d(x, 2), 64, 6, 24, 24)


@case("max_pool2d 3 × 3, stride 2, of (16, 64, 56, 56), and its gradient", "≥ 2", pairs=9)
def max_pool_large(torch: Any) -> Work:
    return both_ways(torch, lambda F, x: F.max_pool2d(x, 3, 2, 1), 16, 64, 56, 56)


@case("avg_pool2d 2 × 2 of (64, 16, 24, 24), and its gradient", "≥ 2", pairs=15)
def avg_pool(torch: Any) -> Work:
    return both_ways(torch, lambda F, x: F.avg_pool2d(x, 2), 64, 16, 24, 24)


@case("adaptive_avg_pool2d to 7 × 7 of (8, 64, 28, 28), and its gradient", "≥ 1", pairs=15)
def adaptive(torch: Any) -> Work:
    return both_ways(torch, lambda F, x: F.adaptive_avg_pool2d(x, 7), 8, 64, 28, 28)


@case("interpolate bilinear × 2 of (4, 16, 64, 64), and its gradient", "≥ 1", pairs=15)
def bilinear(torch: Any) -> Work:
    def call(F: Any, x: Any) -> Any:
        return F.interpolate(x, scale_factor=2, mode="bilinear")

    return both_ways(torch, call, 4, 16, 64, 64)


@case("reflection padding of (16, 32, 28, 28), and its gradient", "≥ 1", pairs=15)
def reflection(torch: Any) -> Work:
    return both_ways(torch, lambda F, x: F.pad(x, (1, 1, 1, 1), "reflect"), 16, 32, 28, 28)
