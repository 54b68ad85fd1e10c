// Gathering and scattering along one dimension, for the files that build on it.
#pragma once

#include <cstdint>
#include <string>

#include "graph/inplace.h"
#include "kernels/along.h"
#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit::ops {

void check_index_dtype(const char* name, const Tensor& index);
// Throws where one of the numbers of slices is out of [0, n).
void check_slices(const Tensor& index, int dim, std::int64_t n);
// Throws unless source has one slice per number in index, of the size of those of x.
void check_slice_source(const char* name, const Tensor& x, int dim, const Tensor& index,
                        const Tensor& source);
void check_same_dtype(const char* name, const Tensor& x, const Tensor& src);

// y[p] = x[.., index[p], ..], p running over the shape of index.
Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index,
              const char* name = "GatherBackward0");
// A copy of x with src put where index says.
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src);
Tensor scatter_value(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value);
Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src);
// scatter with reduce="add" or "multiply"; src may be one element.
Tensor scatter_with(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src,
                    const std::string& reduce, bool in_place);

// Where gathering and scattering meet: x and index are checked against each other, `dim` is in
// range.
struct Axis {
  int dim;
  Tensor index;  // int64
};
// Checks shapes and dtypes for scattering src (undefined: a number) into x.
Axis scatter_axis(const char* name, const Tensor& x, std::int64_t dim, const Tensor& index,
                  const Tensor& src);
// Puts src (in the shape of the index, or one element) into x; neither checked nor recorded.
void put_along(const Tensor& x, const Axis& axis, const Tensor& src, Put put);
// src where index has positions.
Tensor matching(const Tensor& src, const Tensor& index);

// The two forms of an operation that puts something into x: `how` is one of them, called with
// (name, inputs, saved, change, rule).
struct OnCopy {
  static constexpr bool kInPlace = false;
  const Tensor& x;
  template <class Change, class F>
  Tensor operator()(const char* name, std::initializer_list<Tensor> inputs,
                    std::initializer_list<Tensor> saved, Change change, F rule,
                    bool save_result = false) const {
    Tensor y = clone_contiguous(detach(x));
    change(y);
    return record(name, std::move(y), inputs, saved, std::move(rule), save_result);
  }
};
struct OnItself {
  static constexpr bool kInPlace = true;
  const Tensor& x;
  template <class Change, class F>
  Tensor operator()(const char* name, std::initializer_list<Tensor> inputs,
                    std::initializer_list<Tensor> saved, Change change, F rule,
                    bool save_result = false) const {
    return record_in_place(
        name, x, inputs, saved, [&] { change(x); }, std::move(rule), save_result);
  }
};

}  // namespace backlit::ops
