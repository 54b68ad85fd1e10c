"""Operations that choose their formula by their arguments, line by line beside PyTorch."""

from __future__ import annotations

import re
import warnings

import pytest

import backlit

from oracle import assert_close, first_sentence, plain

LINES = """
u.clamp(max=300) ;; u.clamp(min=-5) ;; u.clamp(max=100) ;; i.clamp(1.5) ;; b.clamp(0, 1)
x.clamp() ;; i.clamp(max=2.5) ;; i.clone().clamp_(max=2.5) ;; T.clamp(x, min=d)
T.clamp(x, min=T.tensor(1.5), max=d) ;; T.clamp(x, max=i) ;; T.clamp(x, T.tensor(1.0), 2.0)
T.clamp_min(x, 1.0) ;; T.clamp_min(x, d) ;; T.clip(x, 0, 1) ;; T.clamp(x, min=0)
T.clamp(x, min=x, max=x) ;; T.clamp_max(i, 2**62 + 1) ;; i.clamp(max=2**63 - 1)
T.clamp(x, 2, 1) ;; y.clone().clip_(0, 1) ;; T.clamp(n, 0, 1) ;; T.clamp(x, min=float("nan"))
T.clamp(x, min=n) ;; T.clamp_(y.clone(), 0) ;; y.clone().clamp_min_(1) ;; T.clamp(i, min=i)
T.clamp(i, max=u) ;; T.clamp(b, min=i) ;; y.clone().clamp_max_(y * 0)
T.clamp(x, -1e300, 1e300) ;; u < 300 ;; u + 300 ;; u == 456 ;; u * -1 ;; u > -1 ;; u - 1
u // 3 ;; u % 3 ;; u ** 2 ;; -u ;; ~u ;; i8 * 100 ;; i8 + 127 ;; i8 - 128 ;; abs(i8)
T.add(i, i, alpha=1.5) ;; T.add(x, i, alpha=True) ;; T.add(b, b, alpha=True)
T.add(b, b, alpha=2) ;; T.add(i, 1) ;; T.add(i, i, alpha=True) ;; T.add(x, 2.0, alpha=3)
x.add(x, alpha=2) ;; y.clone().add_(1, alpha=2) ;; T.add(2, x) ;; T.sub(b, i) ;; b - b ;; b - 1
1 - b ;; b - True ;; T.sub(x, x, alpha=2) ;; T.sub(2.0, x) ;; y.clone().subtract_(1)
T.subtract(x, i) ;; T.rsub(b, 1) ;; T.rsub(x, 2, alpha=3) ;; T.rsub(x, d, alpha=3)
T.rsub(x, 2) ;; T.rsub(i, 2) ;; T.rsub(i, 2.5) ;; 2.5 - i ;; 2 - i ;; T.lerp(x, d, 0.5)
T.lerp(x, x, d) ;; T.lerp(x, x, 0.5) ;; T.lerp(x, x + 1, x) ;; T.lerp(i, i, 0.5)
T.lerp(x, i, 0.5) ;; x.lerp(x, 2) ;; T.lerp(b, b, b) ;; y.clone().lerp_(y, 0.3)
T.lerp(x, x + 1, T.tensor(0.25)) ;; T.lerp(x, x.sum(), 0.25) ;; T.round(x, decimals=0)
T.round(x, decimals=1) ;; T.round(i, decimals=1) ;; T.round(i) ;; T.round(b) ;; T.round(x)
T.round(T.tensor([125.0, 135.0]), decimals=-1) ;; x.round(decimals=2) ;; y.clone().round_()
y.clone().round_(decimals=1) ;; T.addcdiv(i, i, i) ;; T.addcdiv(x, i, i)
T.addcmul(i, i, i, value=1.5) ;; T.addcmul(i, i, i, value=2) ;; T.addcmul(b, b, b)
T.addcmul(x, x, d) ;; T.addcdiv(x, x, x, value=2) ;; T.addcmul(x, x, x, value=0.5)
y.clone().addcmul_(y, y, value=3) ;; T.where(x, x, x) ;; T.where(u, x, x) ;; T.where(b, 1, 2)
T.where(b, 1.0, 2) ;; T.where(b, x, 2) ;; T.where(b, i, 2.5) ;; T.where(b, x, d)
x.where(b, 1) ;; T.where(b, True, 0) ;; T.where(b, x, x.sum()) ;; T.where(b.view(2, 1), x, -x)
T.where(T.tensor(True), x, 0.0) ;; T.where(b, T.tensor(1.0), i) ;; T.where(b, T.tensor(1), 2.0)
T.where(b, b, b) ;; T.pow(i, -1) ;; T.pow(2, i) ;; T.pow(2.0, i) ;; T.pow(2, x) ;; x**x
T.pow(x, 2) ;; i.clone().pow_(0.5) ;; T.float_power(x, 2) ;; T.float_power(2, x)
T.float_power(x, x) ;; i.clone().float_power_(2) ;; y.clone().float_power_(2) ;; T.pow(b, b)
b**2 ;; b**2.0 ;; T.pow(i, T.tensor([-1, 2])) ;; T.pow(1, x) ;; x**0.5 ;; x**-1 ;; x**3 ;; x**0
x**1 ;; x**-2 ;; x**-0.5 ;; 2**x ;; 0**x ;; i**2 ;; i**3 ;; y.clone().pow_(2)
y.clone().pow_(y) ;; i.pow(2.0) ;; i.pow(0.5) ;; 2**i ;; 2.5**i ;; i.clone().pow_(2)
x**T.tensor(2) ;; d**x ;; T.float_power(i, 2) ;; T.float_power(i, i)
d.detach().clone().float_power_(3) ;; T.pow(x, True) ;; (-x)**0.5 ;; T.pow(-2.0, x)
T.div(x, 2, rounding_mode="floor") ;; T.div(x, d, rounding_mode="trunc")
T.div(x, d, rounding_mode="x") ;; T.div(2, x) ;; T.div(i, 0, rounding_mode="floor") ;; i // 0
i / 0 ;; i % 0 ;; b / b ;; b // b ;; b % b ;; i.clone().div_(2) ;; 2 // x ;; x // 2 ;; 2 % x
2 / x ;; 2 - x ;; 2**x ;; 2 / i ;; 7 // i ;; 7 % i ;; -7 // i ;; -7 % i ;; -i // 2 ;; -i % 2
T.div(-i, 2, rounding_mode="trunc") ;; T.fmod(-i, 2) ;; T.true_divide(i, i) ;; T.divide(x, 2)
y.clone().divide_(2, rounding_mode="floor") ;; T.floor_divide(x, 0.3) ;; T.fmod(x, 0.7)
y.clone().div_(3, rounding_mode="trunc") ;; T.remainder(x, 0.7) ;; T.remainder(2.0, x) ;; x % x
x // x ;; i / 2 ;; i // 2 ;; i // 2.0 ;; T.heaviside(x, x) ;; T.heaviside(i, x)
T.heaviside(i, u) ;; T.heaviside(y - 1, y) ;; T.igamma(x, x) ;; T.ldexp(x, i) ;; T.ldexp(i, i)
T.ldexp(u, x) ;; T.frexp(x) ;; T.frexp(i) ;; T.frexp(n) ;; T.copysign(x, -1)
T.copysign(i, -1.0) ;; T.xlogy(2, x) ;; T.xlogy(x, 2) ;; T.copysign(x, -x)
T.copysign(x, -0.0) ;; T.fmod(x, 2) ;; T.remainder(x, 2) ;; T.special.zeta(2, x + 1)
T.special.xlog1py(x, 2) ;; T.special.xlog1py(2, x) ;; T.special.xlog1py(x, x) ;; T.xlogy(x, x)
T.special.zeta(x + 1, 2) ;; T.mvlgamma(x + 3, 2) ;; T.mvlgamma(x, 4) ;; T.mvlgamma(i + 3, 2)
T.mvlgamma(i + 3, 0) ;; T.polygamma(1, x) ;; T.polygamma(0, x) ;; T.polygamma(-1, x)
x.polygamma(2) ;; T.special.polygamma(2, i) ;; T.special.multigammaln(x + 3, 2) ;; x.mvlgamma(1)
T.logit(x / 9) ;; T.logit(x / 9, 0.2) ;; T.logit(i) ;; T.nan_to_num(x) ;; T.nan_to_num(i)
T.nan_to_num(x, 1.0, 2.0, 3.0) ;; T.nan_to_num(b) ;; T.nan_to_num(n) ;; T.nan_to_num(n, nan=7)
T.nan_to_num(n * d.detach()) ;; T.nan_to_num(n, posinf=1.0) ;; T.prelu(x, T.tensor([0.2]))
T.prelu(x, T.tensor([0.2, 0.3])) ;; T.prelu(x.view(1, 2), T.tensor([0.2, 0.3]))
T.prelu(x, T.tensor(0.2)) ;; T.prelu(x, d[:1])
T.prelu(-x.view(2, 1, 1).expand(2, 2, 3), T.tensor([0.2, 0.3])) ;; T.threshold(x, 1, 0)
T.threshold(i, 1, 0) ;; F.gelu(x, approximate="tanh") ;; F.gelu(x, approximate="z") ;; F.gelu(x)
T.real(x) is x ;; T.conj(x) is x ;; T.conj_physical(x) is x ;; T.resolve_conj(x) is x
T.positive(x) is x ;; T.positive(b) ;; T.imag(x) ;; x.real is x ;; T.angle(x) ;; T.angle(-i)
T.angle(n) ;; +x is x ;; +b ;; T.isreal(x) ;; T.is_nonzero(x) ;; T.is_signed(u)
T.is_nonzero(T.tensor(0)) ;; T.is_complex(u) ;; T.is_floating_point(x) ;; x.is_signed()
x.is_conj() ;; x.conj().grad_fn ;; T.sgn(x) ;; T.fix(i) ;; T.bitwise_and(b, True) ;; True & b
3 & i ;; 1 << i ;; i << 1 ;; i << 1.5 ;; x << 1 ;; x & x ;; i & 1.0 ;; 3 | i ;; 3 ^ i
i.logical_and(x) ;; T.bitwise_xor(i, i) ;; ~i ;; ~b ;; ~x ;; i >> 1 ;; 8 >> i ;; i << 70
T.bitwise_and(3, i) ;; i.__rand__(1) ;; i.__rlshift__(1)
T.add(x, x, out=T.tensor([0.0, 0.0])) ;; T.add(i, i, out=T.tensor([0.0, 0.0]))
T.add(y, 1, out=T.tensor([0, 0])) ;; T.exp(y, out=T.tensor([]))
T.add(y, 1, out=T.tensor([0.0] * 3)) ;; T.clamp(y, 1, out=T.tensor([0.0, 0.0]))
T.pow(y, 2, out=T.tensor([0.0, 0.0])) ;; T.div(y, 2, out=T.tensor([0.0, 0.0]))
T.isclose(i, i) ;; T.isclose(x, d) ;; T.isclose(x, x, rtol=-1) ;; T.allclose(x, d)
T.equal(x, d) ;; T.equal(x, x[:1]) ;; T.isclose(b, b) ;; T.isclose(n, n)
T.isclose(n, n, equal_nan=True) ;; T.isclose(x, x + 1e-6) ;; T.isclose(i, i + 1, rtol=0.5)
T.isclose(x, x + 0.5, atol=0.6) ;; T.allclose(y, y + 1e-9) ;; T.equal(y, y) ;; T.equal(y, y + 1)
T.isclose(i, i, 0, 0) ;; T.sign(b) ;; T.neg(b) ;; T.sigmoid(b) ;; b * b ;; b + b ;; b + 1
b + 1.5 ;; b * 2 ;; b / 2 ;; T.celu(x, 0) ;; T.maximum(x, i) ;; T.sinc(i) ;; x + d
x + T.tensor(1.0, dtype=T.float64) ;; i + T.tensor(1.5) ;; u + i8 ;; i8 + i ;; T.tensor(1) + 1.5
u + T.tensor(1) ;; i * True ;; T.tensor(True) + 1 ;; T.tensor(2, dtype=T.uint8) * i8
y * T.tensor(2, dtype=T.float64) ;; T.tensor(2.0) * d ;; b * 1.5 ;; i.clone().add_(1.5)
i.clone().add_(x) ;; b.clone().add_(1) ;; i8.clone().add_(i) ;; u.clone().mul_(2.5)
y.clone().mul_(d.detach()) ;; i.clone().__ior__(4) ;; b.clone().__iand__(True)
i.clone().__ixor__(1) ;; i.clone().__ilshift__(1) ;; i.clone().__irshift__(1) ;; T.atan2(x, 2)
T.maximum(x, 2) ;; x + "a" ;; x < "a" ;; x == "a" ;; x != None ;; T.exp(2) ;; T.exp("a")
T.eq(1, x) ;; x.eq(1) ;; T.exp(x, x) ;; T.exp() ;; T.relu_(y.clone()) ;; T.exp_(y.clone())
y.clone().sigmoid_() ;; T.abs_(y.clone()) ;; x + T.ones(3) ;; T.atan2(x, T.ones(2, 3, 3))
y.clone().add_(T.ones(2, 2)) ;; T.ones(2, 1).add_(y) ;; y.expand(3, 2).add_(1)
"""


def namespace(T):
    values = {
        "T": T,
        "F": T._C._nn,
        "u": T.tensor([1, 200], dtype=T.uint8),
        "i8": T.tensor([1, -128], dtype=T.int8),
        "i": T.tensor([1, 2]),
        "b": T.tensor([True, False]),
        "x": T.tensor([1.25, 2.0], requires_grad=True),
        "y": T.tensor([1.25, 2.0]),
        "n": T.tensor([float("nan"), float("inf")]),
    }
    values["d"] = values["x"] * T.tensor([1.0, 1.0], dtype=T.float64)
    return values


def evaluate(line, T):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = eval(line, namespace(T))
        except Exception as error:
            text = first_sentence(error)
            text = re.sub(r'"\w+" not implemented', '"kernel" not implemented', text)
            text = re.sub(r"type \w+ can't be cast to .*", "type can't be cast", text)
            return ["raised", type(error).__name__, text]
    first = result[0] if isinstance(result, tuple) else result
    name = first.grad_fn.name() if isinstance(first, T.Tensor) and first.grad_fn else ""
    # several functions of PyTorch are compositions, whose last step carries the name
    name = name.replace("torch::autograd::", "")
    result = [plain(item, T) for item in result] if isinstance(result, tuple) else plain(result, T)
    return [result, name, [first_sentence(w.message) for w in told]]


@pytest.mark.parametrize("line", re.split(r"\n| ;; ", LINES.strip()))
def test_line(line):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    assert_close(evaluate(line, backlit), evaluate(line, torch), 3e-7)
