// Embedding: rows of a matrix, picked by index.
#include "ops/embedding.h"

#include <cstring>
#include <vector>

#include "base/threads.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

}  // namespace

// A task owns some columns of all lines, so the order of additions, hence the bits, do not depend
// on the number of threads.
Tensor add_rows(const Tensor& g, const Tensor& index, i64 rows, i64 padding) {
  const i64 width = g.layout().size(g.dim() - 1), n = index.numel();
  Tensor y = Tensor::zeros(Dims{rows, width}, g.dtype());
  const Tensor grad = contiguous(detach(g));
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const T* in = grad.data<T>();
    const i64* at = index.data<i64>();
    T* out = y.data<T>();
    const i64 columns = n * width <= (1 << 15) ? std::max<i64>(width, 1) : 16;
    const GilRelease release(n * width >= kGilReleaseElements);
    parallel_for(width, columns, [&](i64 a, i64 b) {
      for (i64 i = 0; i < n; ++i) {
        if (at[i] == padding) continue;
        const T* from = in + i * width;
        T* to = out + at[i] * width;
        for (i64 c = a; c < b; ++c) to[c] += from[c];
      }
    });
  };
  if (g.dtype() == Dtype::Float32)
    run(float{});
  else
    run(double{});
  return record("EmbeddingDenseBackwardBackward0", std::move(y), {g}, {index},
                [padding](Vjp& v) { v.set(0, pick_rows(v.saved(0), v.g(), padding, true)); });
}

Tensor pick_rows(const Tensor& index, const Tensor& weight, i64 padding, bool zero_padding) {
  const Tensor from = contiguous(detach(weight));
  const i64 width = from.layout().size(1), n = index.numel();
  Dims sizes(index.sizes());
  sizes.push_back(width);
  Tensor y = Tensor::empty(sizes, weight.dtype());
  const auto bytes = static_cast<std::size_t>(width) * size_of(weight.dtype());
  const i64* at = index.data<i64>();
  const char* in = from.raw();
  char* out = y.raw();
  if (bytes > 0) {
    const GilRelease release(y.numel() >= kGilReleaseElements);
    parallel_for(n, (1 << 15) / width + 1, [&](i64 a, i64 b) {
      for (i64 i = a; i < b; ++i) {
        char* to = out + static_cast<std::size_t>(i) * bytes;
        if (zero_padding && at[i] == padding)
          std::memset(to, 0, bytes);
        else
          std::memcpy(to, in + static_cast<std::size_t>(at[i]) * bytes, bytes);
      }
    });
  }
  y->inference = modes.inference;
  return record("EmbeddingBackward0", std::move(y), {weight}, {index},
                [rows = from.layout().size(0), padding](Vjp& v) {
                  v.set(0, add_rows(v.g(), v.saved(0), rows, padding));
                });
}

Tensor embedding_index(const Tensor& given, const char* operation) {
  BACKLIT_CHECK(
      given.dtype() == Dtype::Int64 || given.dtype() == Dtype::Int32, Runtime,
      "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, "
      "Int; but got torch.",
      info(given.dtype()).tensor_type, " instead (while checking arguments for ", operation, ")");
  return contiguous(to_dtype(detach(given), Dtype::Int64));
}

Tensor inverse_frequency(const Tensor& index, i64 rows, Dtype dtype) {
  std::vector<i64> count(static_cast<std::size_t>(rows));
  const i64* at = index.data<i64>();
  for (i64 i = 0; i < index.numel(); ++i) ++count[static_cast<std::size_t>(at[i])];
  Dims sizes(index.sizes());
  sizes.push_back(1);
  Tensor y = Tensor::empty(sizes, dtype);
  char* to = y.raw();
  for (i64 i = 0; i < index.numel(); ++i, to += size_of(dtype))
    write_double(to, dtype, 1.0 / static_cast<double>(count[static_cast<std::size_t>(at[i])]));
  return y;
}

namespace {

Tensor embedding_op(const Tensor& input, const Tensor& weight, std::optional<i64> padding_idx,
                    bool scale_grad_by_freq) {
  BACKLIT_CHECK(weight.dim() == 2, Runtime, "'weight' must be 2-D");
  const Tensor index = embedding_index(input, "embedding");
  const i64 rows = weight.layout().size(0);
  const i64* at = index.data<i64>();
  for (i64 i = 0; i < index.numel(); ++i)
    BACKLIT_CHECK(at[i] >= 0 && at[i] < rows, Index, "index out of range in self. Got index ",
                  at[i], " for a weight of ", rows, " rows.");
  const i64 padding =
      padding_idx ? (*padding_idx < 0 ? *padding_idx + rows : *padding_idx) : kNoPadding;
  const Tensor y = pick_rows(index, weight, padding, false);
  if (!scale_grad_by_freq || !y.requires_grad()) return y;
  // the same numbers, whose gradient is scaled on its way to the rows
  return record("EmbeddingBackward0", y.alias(), {y}, {inverse_frequency(index, rows, y.dtype())},
                [](Vjp& v) { v.set(0, mul(v.g(), v.saved(0))); });
}
const Register embedding_row(
    "embedding(Tensor input, Tensor weight, int? padding_idx=None, bool scale_grad_by_freq=False) "
    "-> Tensor",
    embedding_op,
    {.meaning = "Rows of weight by index; the row padding_idx gets no gradient.",
     .formula = "y[i, :] = w[tᵢ, :]",
     .gradient = "∂L/∂w[r, :] = Σ over i with tᵢ = r of ∂L/∂y[i, :]",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
