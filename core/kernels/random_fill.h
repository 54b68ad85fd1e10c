// Random numbers into contiguous memory, consuming the generator exactly as PyTorch's CPU kernels
// do.
#pragma once

#include <cstdint>
#include <optional>

#include "base/dtype.h"
#include "base/random.h"

namespace backlit {

// One number of the uniform distribution on [0, 1), in double; of a normal distribution.
double unit_double(Generator& gen);
double normal_double(double mean, double std, Generator& gen);

// T is float or double. uniform: [lo, hi).
template <class T> void fill_uniform(T* out, std::int64_t n, double lo, double hi, Generator& gen);
// From 16 elements on in blocks of 16 (8 pairs), the last block recomputed from fresh numbers when
// n % 16 != 0; below, one by one in double with the generator's kept second value.
template <class T>
void fill_normal(T* out, std::int64_t n, double mean, double std, Generator& gen);
// One by one at any n: what PyTorch does for a tensor that is not contiguous.
template <class T>
void fill_normal_serial(T* out, std::int64_t n, double mean, double std, Generator& gen);
template <class T> void fill_exponential(T* out, std::int64_t n, double lambda, Generator& gen);
template <class T>
void fill_log_normal(T* out, std::int64_t n, double mean, double std, Generator& gen);
template <class T>
void fill_cauchy(T* out, std::int64_t n, double median, double sigma, Generator& gen);

// Integers base + [0, range); range 0 stands for 2^64. Any dtype.
struct RandomRange {
  std::uint64_t range;
  std::int64_t base;
};
// The range of random_(from, to) for the dtype, checked with PyTorch's texts; without `to`, up to
// the largest value (integers) or 2^mantissa (floats), both included.
RandomRange random_range(Dtype dtype, std::int64_t from, std::optional<std::int64_t> to);
void fill_random_range(Dtype dtype, void* out, std::int64_t n, RandomRange range, Generator& gen);
void fill_random(Dtype dtype, void* out, std::int64_t n, Generator& gen);  // random_()

// A random permutation of 0 .. n-1.
void fill_randperm(std::int64_t* out, std::int64_t n, Generator& gen);

// Any dtype for the output; p is float or double memory of n elements (p_dtype).
void fill_bernoulli(Dtype dtype, void* out, std::int64_t n, double p, Generator& gen);
void fill_bernoulli(Dtype dtype, void* out, std::int64_t n, Dtype p_dtype, const void* p,
                    Generator& gen);
void fill_geometric(Dtype dtype, void* out, std::int64_t n, double p, Generator& gen);

// Counts of a Poisson distribution, one rate for each; T is float or double.
template <class T> void fill_poisson(T* out, std::int64_t n, const T* rates, Generator& gen);

// weights: (rows, categories), out: (rows, samples), both contiguous; T is float or double. Rows
// need not sum to one. Throws Error(Runtime) on negative, infinite, NaN or all-zero weights.
template <class T>
void multinomial(const T* weights, std::int64_t rows, std::int64_t categories, std::int64_t samples,
                 bool replacement, std::int64_t* out, Generator& gen);

}  // namespace backlit
