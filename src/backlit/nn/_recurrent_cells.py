"""One step of a recurrent layer: RNNCell, LSTMCell, GRUCell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backlit as bl

from . import init
from ._module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from backlit import Tensor


class RNNCellBase(Module):
    """What the cells have in common: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`."""

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = num_chunks * hidden_size
        shapes: dict[str, Any] = {"weight_ih": (gates, input_size)}
        shapes |= {"weight_hh": (gates, hidden_size), "bias_ih": gates, "bias_hh": gates}
        for name, shape in shapes.items():
            wanted = bias or name.startswith("weight")
            empty = Parameter(bl.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, empty)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _check_dims(self, what: str, t: Tensor) -> None:
        if t.dim() not in (1, 2):
            raise ValueError(
                f"{self._get_name()}: Expected {what} to be 1D or 2D, got {t.dim()}D instead"
            )

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _step(self, function: Any, input: Tensor, hx: Tensor | None) -> Tensor:
        """One step of a cell with one state."""
        self._check_dims("input", input)
        if hx is not None:
            self._check_dims("hidden", hx)
        if input.dim() == 1:
            hx = None if hx is None else hx.unsqueeze(0)
            return self._step(function, input.unsqueeze(0), hx).squeeze(0)
        if hx is None:
            hx = bl.zeros(input.size(0), self.hidden_size, dtype=input.dtype)
        return function(input, hx, *self._weights())

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or relu.

    Input (B, input_size) and state (B, hidden_size), zeros by default, or both without B; gives
    the new state. Raises RuntimeError where sizes do not fit, ValueError for other dimensions.

        >>> RNNCell(3, 5)(backlit.zeros(4, 3)).shape
        torch.Size([4, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        functions = {"tanh": bl.rnn_tanh_cell, "relu": bl.rnn_relu_cell}
        if self.nonlinearity not in functions:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(functions[self.nonlinearity], input, hx)


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit; see `GRU`. Shapes and errors are those of `RNNCell`.

    >>> GRUCell(3, 5)(backlit.zeros(4, 3), backlit.zeros(4, 5)).shape
    torch.Size([4, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(bl.gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory; see `LSTM`. The state is the pair (h, c).

    >>> h, c = LSTMCell(3, 5)(backlit.zeros(4, 3))
    >>> h.shape, c.shape
    (torch.Size([4, 5]), torch.Size([4, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        self._check_dims("input", input)
        for k, state in enumerate(hx or ()):
            self._check_dims(f"hx[{k}]", state)
        if input.dim() == 1:
            hx = None if hx is None else (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
            h, c = self.forward(input.unsqueeze(0), hx)
            return h.squeeze(0), c.squeeze(0)
        if hx is None:
            zeros = bl.zeros(input.size(0), self.hidden_size, dtype=input.dtype)
            hx = (zeros, zeros)
        return bl.lstm_cell(input, hx, *self._weights())
