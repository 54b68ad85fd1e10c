"""`nn.functional`: layers without state. Names that C++ provides are its functions themselves."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import backlit as bl
from backlit import _namespace
from backlit._C import (
    _nn,
    conv1d as conv1d,
    conv2d as conv2d,
    conv3d as conv3d,
    conv_tbc as conv_tbc,
    conv_transpose1d as conv_transpose1d,
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from backlit._limits import scalar_name

from ._f_activations import (
    SELU_ALPHA as _SELU_ALPHA,
    SELU_SCALE as _SELU_SCALE,
    celu as celu,
    celu_ as celu_,
    elu as elu,
    elu_ as elu_,
    gelu as gelu,
    glu as glu,
    gumbel_softmax as gumbel_softmax,
    hardshrink as hardshrink,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    hardtanh_ as hardtanh_,
    leaky_relu as leaky_relu,
    leaky_relu_ as leaky_relu_,
    log_softmax as log_softmax,
    logsigmoid as logsigmoid,
    mish as mish,
    prelu as prelu,
    relu as relu,
    relu6 as relu6,
    relu_ as relu_,
    rrelu as rrelu,
    rrelu_ as rrelu_,
    selu as selu,
    selu_ as selu_,
    sigmoid as sigmoid,
    silu as silu,
    softmax as softmax,
    softmin as softmin,
    softplus as softplus,
    softshrink as softshrink,
    softsign as softsign,
    tanh as tanh,
    tanhshrink as tanhshrink,
    threshold as threshold,
    threshold_ as threshold_,
)
from ._f_attention import multi_head_attention_forward as multi_head_attention_forward
from ._f_ctc import ctc_loss as ctc_loss
from ._f_embedding import embedding as embedding, embedding_bag as embedding_bag
from ._f_grid_sample import (
    affine_grid as affine_grid,
    grid_sample as grid_sample,
)
from ._f_grouped import (
    grouped_mm as grouped_mm,
    scaled_grouped_mm as scaled_grouped_mm,
    scaled_mm as scaled_mm,
)
from ._f_losses import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    cosine_similarity as cosine_similarity,
    cross_entropy as cross_entropy,
    gaussian_nll_loss as gaussian_nll_loss,
    huber_loss as huber_loss,
    kl_div as kl_div,
    l1_loss as l1_loss,
    linear_cross_entropy as linear_cross_entropy,
    mse_loss as mse_loss,
    nll_loss as nll_loss,
    pairwise_distance as pairwise_distance,
    poisson_nll_loss as poisson_nll_loss,
    smooth_l1_loss as smooth_l1_loss,
)
from ._f_margin_losses import (
    cosine_embedding_loss as cosine_embedding_loss,
    hinge_embedding_loss as hinge_embedding_loss,
    margin_ranking_loss as margin_ranking_loss,
    multi_margin_loss as multi_margin_loss,
    multilabel_margin_loss as multilabel_margin_loss,
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
    soft_margin_loss as soft_margin_loss,
    triplet_margin_loss as triplet_margin_loss,
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from ._f_pooling import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
    adaptive_avg_pool2d as adaptive_avg_pool2d,
    adaptive_avg_pool3d as adaptive_avg_pool3d,
    adaptive_max_pool1d as adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices as adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d as adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices as adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d as adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices as adaptive_max_pool3d_with_indices,
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    avg_pool3d as avg_pool3d,
    max_pool1d as max_pool1d,
    max_pool1d_with_indices as max_pool1d_with_indices,
    max_pool2d as max_pool2d,
    max_pool2d_with_indices as max_pool2d_with_indices,
    max_pool3d as max_pool3d,
    max_pool3d_with_indices as max_pool3d_with_indices,
)
from ._f_resampling import (
    channel_shuffle as channel_shuffle,
    interpolate as interpolate,
    native_channel_shuffle as native_channel_shuffle,
    pixel_shuffle as pixel_shuffle,
    pixel_unshuffle as pixel_unshuffle,
    upsample as upsample,
    upsample_bilinear as upsample_bilinear,
    upsample_nearest as upsample_nearest,
)
from ._f_unpooling import (
    fractional_max_pool2d as fractional_max_pool2d,
    fractional_max_pool2d_with_indices as fractional_max_pool2d_with_indices,
    fractional_max_pool3d as fractional_max_pool3d,
    fractional_max_pool3d_with_indices as fractional_max_pool3d_with_indices,
    local_response_norm as local_response_norm,
    lp_pool1d as lp_pool1d,
    lp_pool2d as lp_pool2d,
    lp_pool3d as lp_pool3d,
    max_unpool1d as max_unpool1d,
    max_unpool2d as max_unpool2d,
    max_unpool3d as max_unpool3d,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backlit import Tensor

fold = _nn.fold
linear = _nn.linear
pad = _nn.pad
unfold = _nn.unfold
_dropout = _nn.dropout
scaled_dot_product_attention = _nn.scaled_dot_product_attention

__getattr__ = _namespace.missing_attribute(__name__)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[..., o] = x1[..., i] weight[o, i, j] x2[..., j] + bias[o]."""
    for name, input, dim in (("input1", input1, 1), ("input2", input2, 2)):
        if input.size(-1) != weight.size(dim):
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: "
                f"got {input.size(-1)} but expected {weight.size(dim)}"
            )
    output = bl.einsum("...i,oij,...j->...o", input1, weight, input2)
    return output if bias is None else output + bias


def normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None
) -> Tensor:
    """x / max(‖x‖p, eps) along `dim`."""
    result = input / input.norm(p, dim, True).clamp(min=eps).expand_as(input)
    return result if out is None else out.copy_(result)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Zeros with a one at the index each element names. (*) -> (*, num_classes)."""
    if tensor.dtype != bl.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return bl.empty([*tensor.shape, num_classes], dtype=bl.int64)
    if int(tensor.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = int(tensor.max())
    if num_classes == -1:
        num_classes = largest + 1
    elif largest >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    zeros = bl.zeros([*tensor.shape, num_classes], dtype=bl.int64)
    return zeros.scatter_(-1, tensor.unsqueeze(-1), 1)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances between all pairs of rows. (N, M) -> (N (N - 1) / 2,)."""
    first, second = bl.triu_indices(input.size(0), input.size(0), 1)
    return (input[first] - input[second]).norm(p, -1)


# ---- dropout


def _check_p(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _finish(input: Tensor, output: Tensor, inplace: bool) -> Tensor:
    return input.copy_(output) if inplace and output is not input else output


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element is 0 with probability p, else divided by 1 - p."""
    _check_p(p)
    if inplace:
        return _finish(input, _dropout(input, p, training), True)
    return _dropout(input, p, training)


def _noise(input: Tensor, p: float, feature: bool) -> Tensor:
    """Ones with probability 1 - p, zeros otherwise; one draw per element or per (N, C)."""
    if feature:
        if input.dim() < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shape = [*input.shape[:2]] + [1] * (input.dim() - 2)
        return bl.empty(shape, dtype=input.dtype).bernoulli_(1 - p)
    return bl.empty_like(input, requires_grad=False).bernoulli_(1 - p)


def _drop(input: Tensor, p: float, training: bool, feature: bool, alpha: bool) -> Tensor:
    if p == 0 or not training or input.numel() == 0:
        return input
    if p == 1:
        return input * bl.zeros([], dtype=input.dtype)
    noise = _noise(input, p, feature)
    if not alpha:
        return input * noise.div_(1 - p)
    # Dropped units go to SELU's lower limit; a and b restore mean 0 and variance 1.
    limit = _SELU_ALPHA * _SELU_SCALE
    a = 1 / ((limit * limit * p + 1) * (1 - p)) ** 0.5
    b = (noise - 1).mul_(limit * a).add_(limit * a * p)
    return input * noise.mul_(a) + b


def _channel_dropout(name: str, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    return _finish(input, _drop(input, p, training, True, False), inplace)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels are 0 with probability p. (N, C, L) or (C, L)."""
    _check_p(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that "
            "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
            "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    batch = input if input.dim() == 3 else input.unsqueeze(0)
    output = _drop(batch, p, training, True, False)
    return _finish(input, output if batch is input else output.squeeze(0), inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels are 0 with probability p. (N, C, H, W)."""
    _check_p(p)
    dims = input.dim()
    if dims not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {dims}-D input to dropout2d, which is deprecated and will "
            "result in an error in a future release. To retain the behavior and silence this "
            "warning, please use dropout instead. Note that dropout2d exists to provide "
            "channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, and "
            "an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=2,
        )
    if dims == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. This behavior will change in a future release to interpret the input as one "
            "without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
            "dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _channel_dropout("dropout2d", input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels are 0 with probability p. (N, C, D, H, W) or (C, D, H, W)."""
    _check_p(p)
    dims = input.dim()
    if dims not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {dims}-D input to dropout3d, which is deprecated and will "
            "result in an error in a future release. To retain the behavior and silence this "
            "warning, please use dropout instead.",
            stacklevel=2,
        )
    if dims == 4:
        output = _drop(input.unsqueeze(0), p, training, True, False).squeeze(0)
        return _finish(input, output, inplace)
    return _channel_dropout("dropout3d", input, p, training, inplace)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout for SELU networks: mean and variance stay as they are."""
    _check_p(p)
    return _finish(input, _drop(input, p, training, False, True), inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels."""
    _check_p(p)
    return _finish(input, _drop(input, p, training, True, True), inplace)


# ---- embedding and normalisation


def _check_normalized_shape(input: Tensor, normalized_shape: Sequence[int]) -> list[int]:
    shape = list(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    if input.dim() < len(shape):
        raise ValueError(
            f"Input tensor must have at least {len(shape)} dimensions, but got {input.dim()}"
        )
    if list(input.shape[-len(shape) :]) != shape:
        expected = ", ".join(map(str, shape))
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [*{expected}], "
            f"but got input of size{list(input.shape)}"
        )
    return shape


layer_norm = _nn.layer_norm


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x²) + eps) * weight over the last dimensions."""
    if not isinstance(input, bl.Tensor):
        raise TypeError(
            f"rms_norm(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}"
        )
    shape = _check_normalized_shape(input, normalized_shape)
    if weight is not None and list(weight.shape) != shape:
        raise RuntimeError(
            "Expected weight to be of same shape as normalized_shape, but got weight of shape "
            f"{list(weight.shape)} and normalized_shape = {shape}"
        )
    if not (input.is_floating_point() or input.is_complex()):
        raise NotImplementedError(f"\"rms_norm\" not implemented for '{scalar_name(input)}'")
    if eps is None:
        eps = bl.finfo(input.dtype).eps
    dims = tuple(range(-len(shape), 0))
    output = input * (input.pow(2).mean(dims, keepdim=True) + eps).rsqrt()
    return (output if weight is None else output * weight).to(input.dtype)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) over each group of channels. (N, C, *)."""
    if input.dim() < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.dim()}"
        )
    count, channels = input.shape[:2]
    if count * channels // num_groups * math.prod(input.shape[2:]) == 1:
        sizes = [count * channels // num_groups, num_groups, *input.shape[2:]]
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {sizes}"
        )
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(input.shape)} and num_groups={num_groups}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and list(value.shape) != [channels]:
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(value.shape)} and input of shape "
                f"{list(input.shape)}"
            )
        check_parameter_dtype(input, value)
    x = input.float() if input.dtype in (bl.float16, bl.bfloat16) else input
    if x.numel():
        size = x.numel() // (count * num_groups)
        x = layer_norm(x.reshape(count, num_groups, size), (size,), eps=eps).reshape(x.shape)
    return _affine(x, weight, bias).to(input.dtype)


def check_parameter_dtype(input: Tensor, parameter: Tensor | None) -> None:
    """Raise unless it is that of the input, or float32 beside an input of 16 bits."""
    if parameter is None or parameter.dtype == input.dtype:
        return
    if parameter.dtype != bl.float32:
        raise RuntimeError(
            "mixed dtype (CPU): expect parameter to have scalar type of Float. "
            f"Got {parameter.dtype}."
        )
    if input.dtype not in (bl.float16, bl.bfloat16):
        raise RuntimeError(
            "mixed dtype (CPU): all inputs must share same datatype. "
            f"Got {input.dtype} and {parameter.dtype}."
        )


def _affine(output: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """weight * x + bias, both per channel (dimension 1)."""
    shape = [1, -1] + [1] * (output.dim() - 2)
    if weight is not None:
        output = output * weight.view(shape)
    return output if bias is None else output + bias.view(shape)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias per sample and channel of (N, C, *).

    With `use_input_stats` mean and variance are those of the places, and the running ones, if
    given, follow their means over the batch; without, the running ones are used. Raises ValueError
    where a channel has one place.

        >>> instance_norm(backlit.tensor([[[1.0, 3.0]]])).round()
        tensor([[[-1.,  1.]]])
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.size()}"
        )
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    count, channels = input.shape[:2]

    def repeated(t: Tensor | None) -> Tensor | None:
        return None if t is None else t.repeat(count)

    means, variances = repeated(running_mean), repeated(running_var)
    # every channel of every sample as a channel of one sample
    flat = input.reshape(1, count * channels, *input.shape[2:])
    output = bl.batch_norm(
        flat,
        repeated(weight),
        repeated(bias),
        means,
        variances,
        use_input_stats,
        momentum,
        eps,
        False,
    )
    with bl.no_grad():
        for running, seen in ((running_mean, means), (running_var, variances)):
            if use_input_stats and running is not None and seen is not None:
                running.copy_(seen.view(count, channels).mean(0))
    return output.view(input.shape)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias per channel of (N, C, *).

    In training the mean and variance are those of the batch, and the running ones follow:
    running = (1 - momentum) * running + momentum * batch's (variance divided by n - 1).
    """
    if training and math.prod(input.shape[:1] + input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.size()}"
        )
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    return bl.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, False
    )
