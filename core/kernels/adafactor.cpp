#include "kernels/adafactor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/threads.h"
#include "kernels/isa.h"

namespace backlit {
namespace {

using i64 = std::int64_t;

constexpr i64 kTask = 1 << 14;  // elements
constexpr i64 kParts = 64;      // of a matrix at most: each has sums of the columns

template <class T> const AdafactorKernels<T>& kernels() {
  static const auto& table = best_table<AdafactorTable>("AdafactorTable");
  if constexpr (sizeof(T) == 4)
    return table.f32;
  else
    return table.f64;
}

// Matrices cut into parts of whole rows, by their sizes alone.
template <class T> struct Parts {
  const AdafactorMemory<T>& m;
  i64 rows = std::max(kTask / std::max<i64>(m.k, 1) + 1, (m.n + kParts - 1) / kParts);
  i64 per_matrix = (m.n + rows - 1) / rows;

  i64 count() const { return m.matrices * per_matrix; }
  // f(part, matrix, its first row there, rows) for all parts, in parallel.
  template <class F> void each(F f) const {
    const i64 elements = std::min(rows, m.n) * m.k;
    parallel_for(count(), kTask / std::max<i64>(elements, 1) + 1, [&](i64 begin, i64 end) {
      for (i64 part = begin; part < end; ++part) {
        const i64 first = part % per_matrix * rows;
        f(part, part / per_matrix, first, std::min(rows, m.n - first));
      }
    });
  }
  // Σ f(...), in the order of the parts.
  template <class F> double sum(F f) const {
    std::vector<double> sums(static_cast<std::size_t>(count()));
    each([&](i64 part, i64 matrix, i64 first, i64 n) {
      sums[static_cast<std::size_t>(part)] = f(matrix, first, n);
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }
};

// Moves means towards sums / count, as lerp does.
template <class T>
void move_means(T* mean, const double* sums, i64 n, double count, double weight) {
  for (i64 i = 0; i < n; ++i) {
    const double from = static_cast<double>(mean[i]), to = sums[i] / count;
    mean[i] = static_cast<T>(weight < 0.5 ? from + weight * (to - from)
                                          : to - (to - from) * (1 - weight));
  }
}

// Moves the means of rows and columns on; returns the factors of v̂ that belong to the rows.
template <class T>
std::vector<T> move_factors(const AdafactorStep& step, const AdafactorMemory<T>& m,
                            const Parts<T>& parts) {
  const auto size = [](i64 n) { return static_cast<std::size_t>(n); };
  std::vector<double> rows(size(m.matrices * m.n)), columns(size(parts.count() * m.k));
  parts.each([&](i64 part, i64 matrix, i64 first, i64 n) {
    const i64 row = matrix * m.n + first;
    kernels<T>().squares(m.g + row * m.k, n, m.k, rows.data() + row, columns.data() + part * m.k);
  });
  move_means(m.row, rows.data(), m.matrices * m.n, static_cast<double>(m.k), step.weight);
  std::vector<T> factors(size(m.matrices * m.n));
  for (i64 matrix = 0; matrix < m.matrices; ++matrix) {
    double* sums = columns.data() + matrix * parts.per_matrix * m.k;
    for (i64 part = 1; part < parts.per_matrix; ++part)
      for (i64 j = 0; j < m.k; ++j) sums[j] += sums[part * m.k + j];
    move_means(m.column + matrix * m.k, sums, m.k, static_cast<double>(m.n), step.weight);
    const T* row = m.row + matrix * m.n;
    const double mean = std::accumulate(row, row + m.n, 0.0) / static_cast<double>(m.n);
    const double common = std::max(mean, step.floor);
    for (i64 i = 0; i < m.n; ++i)
      factors[size(matrix * m.n + i)] = static_cast<T>(static_cast<double>(row[i]) / common);
  }
  return factors;
}

}  // namespace

template <class T> void adafactor(const AdafactorStep& step, const AdafactorMemory<T>& m) {
  const AdafactorKernels<T>& k = kernels<T>();
  const Parts<T> parts{m};
  const double numel = static_cast<double>(m.matrices * m.n * m.k);
  if (numel == 0) return;
  std::vector<T> row{T(1)};
  if (m.row)
    row = move_factors(step, m, parts);
  else
    k.move_mean(m.column, m.g, m.k, static_cast<T>(step.weight));
  const T floor = static_cast<T>(step.floor * step.floor);
  const double size = std::sqrt(parts.sum([&](i64 matrix, i64 first, i64 n) {
    return k.sum_of_squares(m.w + (matrix * m.n + first) * m.k, n * m.k);
  }) / numel);
  const double change = std::sqrt(parts.sum([&](i64 matrix, i64 first, i64 n) {
    const i64 at = matrix * m.n + first;
    return k.sum_of_updates(m.g + at * m.k, n, m.k, row.data() + at, m.column + matrix * m.k,
                            floor);
  }) / numel);
  const double rate = step.scale * std::max(step.least, size) / std::max(1.0, change / step.most);
  parts.each([&](i64, i64 matrix, i64 first, i64 n) {
    const i64 at = matrix * m.n + first;
    k.update(m.w + at * m.k, m.g + at * m.k, n, m.k, row.data() + at, m.column + matrix * m.k,
             floor, static_cast<T>(step.decay), static_cast<T>(rate));
  });
}
template void adafactor(const AdafactorStep&, const AdafactorMemory<float>&);
template void adafactor(const AdafactorStep&, const AdafactorMemory<double>&);

}  // namespace backlit
