// Arithmetic and copies for use inside the core. The functions with `in_place` neither check nor
// record: they are for memory that the caller owns.
#pragma once

#include "ops/elementwise.h"

namespace backlit {

class Recorded;
class Vjp;

namespace ops {

Tensor add(const Operand& a, const Operand& b);
Tensor sub(const Operand& a, const Operand& b);
Tensor mul(const Operand& a, const Operand& b);
Tensor div(const Operand& a, const Operand& b);
Tensor neg(const Tensor& x);
Tensor pow(const Operand& base, const Operand& exponent);
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);

void refuse_bools(const Operand& a, const Operand& b);  // as subtraction does

void add_in_place(const Tensor& x, const Tensor& y);
void copy_in_place(const Tensor& x, const Tensor& from);  // broadcasts and converts
void fill_in_place(const Tensor& x, const Scalar& value);

// A copy with the strides of x where they are dense, else contiguous; recorded.
Tensor clone(const Tensor& x);
Tensor clone_contiguous(const Tensor& x);
// A copy of g with the strides of `like`; not recorded.
Tensor clone_like(const Tensor& g, const Tensor& like);
Tensor contiguous(const Tensor& x);
// A number as a 0-d tensor: bool, int64 or the default float dtype.
Tensor as_tensor(const Scalar& number);
Tensor to_dtype(const Tensor& x, Dtype dtype);  // x itself when it has that dtype
Tensor conj(const Tensor& x);                   // a copy; x itself where it is not complex
// x.copy_(from): checked, recorded.
Tensor copy_(const Tensor& x, const Tensor& from);

// `result`, or where `out` is defined: written into it, as PyTorch does (converted, and resized
// where it does not fit).
Tensor into_out(const char* name, Tensor result, const Tensor& out);
// How the elements of two tensors lie in memory: equal when each element has the place of its
// counterpart. As in PyTorch, tensors with gaps count as apart.
enum class Shared { Nothing, Part, Everything };
Shared shared_memory(const TensorObject& a, const TensorObject& b);
[[noreturn]] void fail_overlap();

// g * conj(local) for a recorded gradient; with masks, where local is 0 the product is 0.
Tensor times_local(const Tensor& g, const Recorded& local, bool masks);

// The gradient of a broadcast: g summed over what was expanded, in the shape `sizes`.
Tensor sum_to(const Tensor& g, Span sizes);
// The same, and its opposite, in a rule that may have a batch of gradients.
Tensor sum_to(const Vjp& v, const Tensor& g, Span sizes);
Tensor expand_to(const Vjp& v, const Tensor& g, Span sizes);

bool all_nonzero(const Tensor& x);

}  // namespace ops
}  // namespace backlit
