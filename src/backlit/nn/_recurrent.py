"""Recurrent networks over sequences: RNN, LSTM, GRU."""

from __future__ import annotations

import math
import numbers
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import backlit as bl

from . import init
from ._module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backlit import Tensor

    States = tuple[Tensor, ...]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _check_arguments(input_size: Any, hidden_size: Any, bias: Any, batch_first: Any) -> None:
    for name, value in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")


def _check_dropout(dropout: Any, num_layers: int) -> None:
    number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element "
            "being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )


class RNNBase(Module):
    """What RNN, LSTM and GRU have in common: weights, checks, layers over each other.

    Layer k has `weight_ih_lk` (gates * hidden_size, size of its input), `weight_hh_lk` (gates *
    hidden_size, hidden_size), `bias_ih_lk`, `bias_hh_lk`, and with proj_size `weight_hr_lk`
    (proj_size, hidden_size); those of the direction against time end in `_reverse`. All start
    uniform in ±1/sqrt(hidden_size).
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional = float(dropout), bidirectional
        self.proj_size = proj_size
        _check_dropout(dropout, num_layers)
        _check_arguments(input_size, hidden_size, bias, batch_first)
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in self._suffixes():
                shapes = self._shapes(layer, f"_l{layer}{suffix}")
                for name, shape in shapes.items():
                    setattr(self, name, Parameter(bl.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(list(shapes))
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self._init_flat_weights()
        self.reset_parameters()

    def _suffixes(self) -> list[str]:
        """One for each direction."""
        return ["", "_reverse"] if self.bidirectional else [""]

    @property
    def _output_size(self) -> int:
        """Of one direction."""
        return self.proj_size or self.hidden_size

    def _shapes(self, layer: int, suffix: str) -> dict[str, tuple[int, ...]]:
        """The weights of one direction of a layer, in their order."""
        gates, output = _GATES[self.mode] * self.hidden_size, self._output_size
        inputs = self.input_size if layer == 0 else output * len(self._suffixes())
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, inputs)}
        shapes["weight_hh"] = (gates, output)
        if self.bias:
            shapes["bias_ih"] = shapes["bias_hh"] = (gates,)
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return {name + suffix: shape for name, shape in shapes.items()}

    # ---- the weights as one list, which programs that replace weights read and write

    def _init_flat_weights(self) -> None:
        weights = [getattr(self, name, None) for name in self._flat_weights_names]
        self._flat_weights: list[Any] = weights
        self._flat_weight_refs = [None if w is None else weakref.ref(w) for w in weights]
        self.flatten_parameters()

    def _update_flat_weights(self) -> None:
        """Take over weights that were replaced past `__setattr__`, as functional_call does."""
        table = self._parameters
        for name, ref in zip(self._flat_weights_names, self._flat_weight_refs, strict=False):
            weight = table[name] if name in table else getattr(self, name, None)
            if weight is not None and ref is not None and ref() is not weight:
                self._init_flat_weights()
                return

    def __setattr__(self, name: str, value: Any) -> None:
        names = self.__dict__.get("_flat_weights_names", ())
        if name in names and "_flat_weights" in self.__dict__:
            self._flat_weights[names.index(name)] = value
        super().__setattr__(name, value)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        result = super()._apply(fn, recurse)
        self._init_flat_weights()
        return result

    def __getstate__(self) -> dict[str, Any]:
        self._update_flat_weights()
        state = self.__dict__.copy()
        del state["_flat_weight_refs"]  # weak references cannot be pickled
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._init_flat_weights()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each direction of each layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: weights need not lie in one block of memory here."""

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    # ---- checks

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise an error for an input of wrong dtype, dimensions or size."""
        dtype = self._flat_weights[0].dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.size(-1)}"
            )

    def _batch(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return input.size(0 if self.batch_first else 1)

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the hidden state for that input."""
        layers = self.num_layers * len(self._suffixes())
        return layers, self._batch(input, batch_sizes), self._output_size

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise RuntimeError for a state of another shape."""
        if tuple(hx.shape) != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise an error for an input or a state that does not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """A state with the sequences of the batch in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    # ---- running

    def _first_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """Zeros, where the caller gives no state."""
        return bl.zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _check_dims(self, hx: Any, batched: bool) -> None:
        """A state has a dimension for the batch where the input has one."""
        wanted, kind = (3, "batched 3-D") if batched else (2, "unbatched 2-D")
        if hx.dim() != wanted:
            raise RuntimeError(
                f"For {kind} input, hx should also be {wanted}-D but got {hx.dim()}-D tensor"
            )

    def _with_batch(self, hx: Any) -> Any:
        return hx.unsqueeze(1)

    def _without_batch(self, hx: Any) -> Any:
        return hx.squeeze(1)

    def _call(self, data: Sequence[Any], hx: Any, batch_first: tuple[bool, ...]) -> tuple[Any, Any]:
        """(output, last state) of the function that computes this network."""
        function = getattr(bl, self.mode.lower())
        options = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        output, *states = function(*data, hx, self._flat_weights, *options, *batch_first)
        return output, tuple(states) if len(states) > 1 else states[0]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(output, last state) for a sequence and a first state, zeros by default."""
        self._update_flat_weights()
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            got = f"{input.dim()}D tensor" if self.mode.startswith("RNN") else f"{input.dim()}D"
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {got} instead"
            )
        batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        if hx is not None:
            self._check_dims(hx, batched)
        if not batched:
            input = input.unsqueeze(batch_dim)
            hx = None if hx is None else self._with_batch(hx)
        if hx is None:
            hx = self._first_states(input, None)
        self.check_forward_args(input, hx, None)
        output, state = self._call((input,), hx, (self.batch_first,))
        if not batched:
            return output.squeeze(batch_dim), self._without_batch(state)
        return output, state

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, order, way_back = input
        given = None if hx is None else self.permute_hidden(hx, order)
        hx = self._first_states(data, batch_sizes) if given is None else given
        self.check_forward_args(data, hx, batch_sizes)
        output, state = self._call((data, batch_sizes), hx, ())
        packed = PackedSequence(output, batch_sizes, order, way_back)
        return packed, self.permute_hidden(state, way_back)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, value in usual.items():
            if getattr(self, name) != value:
                text += f", {name}={getattr(self, name)}"
        return text


def _refuse_projection(options: dict[str, Any]) -> None:
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or relu, over a sequence.

    Input (T, B, input_size), with batch_first (B, T, input_size), without a batch (T, input_size),
    or a PackedSequence. Gives (the last layer's h of all steps, h of all layers at the last step):
    (T, B, D * hidden_size) and (D * num_layers, B, hidden_size) with D = 2 directions where
    bidirectional, else 1. `dropout` acts between layers. Raises RuntimeError for states and inputs
    of wrong size, ValueError for wrong dimensions or dtype.

        >>> output, h = RNN(3, 5, num_layers=2)(backlit.zeros(7, 4, 3))
        >>> output.shape, h.shape
        (torch.Size([7, 4, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        _refuse_projection(kwargs)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """A gated recurrent unit over a sequence.

    r, z = σ(·), n = tanh(x W_inᵀ + b_in + r ∘ (h W_hnᵀ + b_hn)), h' = (1 − z) ∘ n + z ∘ h.
    Shapes and errors are those of `RNN`; weights hold r, z, n one below the other.

        >>> output, h = GRU(3, 5, bidirectional=True)(backlit.zeros(7, 4, 3))
        >>> output.shape, h.shape
        (torch.Size([7, 4, 10]), torch.Size([2, 4, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """A long short-term memory over a sequence.

    i, f, o = σ(·), g = tanh(·), c' = f ∘ c + i ∘ g, h' = o ∘ tanh c', times W_hrᵀ with proj_size.
    State and result are pairs (h, c); h has proj_size columns where that is given. Shapes and
    errors are those of `RNN`; weights hold i, f, g, o one below the other.

        >>> output, (h, c) = LSTM(3, 5, batch_first=True)(backlit.zeros(4, 7, 3))
        >>> output.shape, h.shape, c.shape
        (torch.Size([4, 7, 5]), torch.Size([1, 4, 5]), torch.Size([1, 4, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the cell state for that input."""
        layers, batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        return layers, batch, self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        self.check_input(input, batch_sizes)
        sizes = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], sizes, "Expected hidden[0] size {}, got {}")
        sizes = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], sizes, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        return tuple(RNNBase.permute_hidden(self, t, permutation) for t in hx)

    def _first_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        c = bl.zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype)
        return RNNBase._first_states(self, input, batch_sizes), c

    def _check_dims(self, hx: Any, batched: bool) -> None:
        wanted, kind = (3, "batched 3-D") if batched else (2, "unbatched 2-D")
        if hx[0].dim() != wanted or hx[1].dim() != wanted:
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {wanted}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )

    def _with_batch(self, hx: Any) -> Any:
        return hx[0].unsqueeze(1), hx[1].unsqueeze(1)

    def _without_batch(self, hx: Any) -> Any:
        return hx[0].squeeze(1), hx[1].squeeze(1)
