#include "ops/resample.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/threads.h"
#include "kernels/isa.h"
#include "kernels/resample.h"
#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 15;  // additions of one chunk of lines
constexpr i64 kShortest = 8;    // outputs of a stretch with a step

ResampleRows<float> kernel(const ResampleTable& t, float) { return t.f32; }
ResampleRows<double> kernel(const ResampleTable& t, double) { return t.f64; }
ResampleRows<i64> kernel(const ResampleTable& t, i64) { return t.i64; }
ResampleRows<std::int32_t> kernel(const ResampleTable& t, std::int32_t) { return t.i32; }
ResampleRows<std::int16_t> kernel(const ResampleTable& t, std::int16_t) { return t.i16; }
ResampleRows<std::int8_t> kernel(const ResampleTable& t, std::int8_t) { return t.i8; }

std::size_t at(i64 i) { return static_cast<std::size_t>(i); }

// One axis as the kernel reads it.
template <class T> struct Compiled {
  std::vector<T> weight;
  std::vector<std::int32_t> index;  // of the width, tap by tap within each stretch
  std::vector<Stretch> stretches;

  void rows(const AxisMap& m) { weight.assign(m.weight.begin(), m.weight.end()); }
  void width(const AxisMap& m);

 private:
  void add_stretch(const AxisMap& m, i64 begin, i64 end, i64 step);
};

i64 taps_of(const AxisMap& m, i64 j) { return m.begin[at(j + 1)] - m.begin[at(j)]; }

// By how much every tap moves from output j to the next one; 0 where they do not move together.
i64 step_after(const AxisMap& m, i64 j) {
  const i64 n = taps_of(m, j), a = m.begin[at(j)], b = m.begin[at(j + 1)];
  if (j + 2 > m.out || n == 0 || taps_of(m, j + 1) != n) return 0;
  const i64 step = m.index[at(b)] - m.index[at(a)];
  for (i64 k = 1; k < n; ++k)
    if (m.index[at(b + k)] - m.index[at(a + k)] != step) return 0;
  return std::max<i64>(step, 0);
}

template <class T> void Compiled<T>::add_stretch(const AxisMap& m, i64 begin, i64 end, i64 step) {
  if (begin == end) return;
  const i64 taps = taps_of(m, begin);
  stretches.push_back({begin, end, taps, static_cast<i64>(index.size()), step});
  for (i64 k = 0; k < taps; ++k)
    for (i64 j = begin; j < end; ++j) {
      index.push_back(static_cast<std::int32_t>(m.index[at(m.begin[at(j)] + k)]));
      if (!m.weight.empty()) weight.push_back(static_cast<T>(m.weight[at(m.begin[at(j)] + k)]));
    }
}

template <class T> void Compiled<T>::width(const AxisMap& m) {
  BACKLIT_CHECK(m.in <= std::numeric_limits<std::int32_t>::max(), Runtime,
                "rows of more than 2^31 - 1 elements cannot be resampled, got ", m.in, ".");
  if (m.is_identity()) return;
  index.reserve(m.index.size());
  weight.reserve(m.weight.size());
  i64 open = 0;  // outputs from here on are in no stretch yet; they have equally many taps
  for (i64 j = 0; j < m.out;) {
    i64 end = j + 1;
    const i64 step = step_after(m, j);
    if (step > 0)
      while (end < m.out && step_after(m, end - 1) == step) ++end;
    if (end - j >= kShortest) {
      add_stretch(m, open, j, 0);
      add_stretch(m, j, end, step);
      open = end;
    } else {
      end = j + 1;  // the run may go on from there with another step
      if (end < m.out && taps_of(m, end) != taps_of(m, open)) {
        add_stretch(m, open, end, 0);
        open = end;
      }
    }
    j = end;
  }
  add_stretch(m, open, m.out, 0);
}

template <class T> void run(const Tensor& x, const Tensor& y, const PlaneMap& m) {
  static const auto& table = best_table<ResampleTable>("ResampleTable");
  Compiled<T> depth, height, width;
  depth.rows(m.axes[0]);
  height.rows(m.axes[1]);
  width.width(m.axes[2]);
  const auto pointer = [](const std::vector<T>& v) { return v.empty() ? nullptr : v.data(); };
  const auto rows = [&](const AxisMap& a, const Compiled<T>& c) -> RowTaps<T> {
    return {a.begin.data(), a.index.data(), pointer(c.weight)};
  };
  const ResampleMap<T> map{{m.axes[0].in, m.axes[1].in, m.axes[2].in},
                           {m.axes[0].out, m.axes[1].out, m.axes[2].out},
                           rows(m.axes[0], depth),
                           rows(m.axes[1], height),
                           {width.stretches.data(), static_cast<i64>(width.stretches.size()),
                            width.index.data(), pointer(width.weight)}};
  const i64 lines = y.numel() / map.out[2], across = map.out[0] * map.out[1];
  const i64 work = m.axes[0].taps() * m.axes[1].taps() / across * map.in[2] + m.axes[2].taps();
  const GilRelease release(lines * work >= kGilReleaseElements);
  parallel_for(lines, kTask / std::max<i64>(work, 1) + 1, [&](i64 begin, i64 end) {
    const auto scratch = std::make_unique_for_overwrite<T[]>(at(map.in[2]));
    kernel(table, T{})(x.data<T>(), y.data<T>(), map, begin, end, scratch.get());
  });
}

void run_picks(const Tensor& x, const Tensor& y, const PlaneMap& m) {
  switch (size_of(x.dtype())) {
    case 1: return run<std::int8_t>(x, y, m);
    case 2: return run<std::int16_t>(x, y, m);
    case 4: return run<std::int32_t>(x, y, m);
    default: return run<i64>(x, y, m);
  }
}

bool picks(const AxisMap& m) {
  if (!m.weight.empty()) return false;
  for (i64 j = 0; j < m.out; ++j)
    if (taps_of(m, j) > 1) return false;
  return true;
}

}  // namespace

bool AxisMap::is_identity() const {
  if (in != out || !weight.empty() || taps() != out) return false;
  for (i64 j = 0; j < out; ++j)
    if (begin[at(j)] != j || index[at(j)] != j) return false;
  return true;
}

AxisMap identity_map(i64 n) {
  std::vector<i64> index(at(n));
  std::iota(index.begin(), index.end(), i64{0});
  return pick_map(n, std::move(index));
}

AxisMap pick_map(i64 in, std::vector<i64> index) {
  AxisMap m;
  m.in = in;
  m.out = static_cast<i64>(index.size());
  m.begin.resize(index.size() + 1);
  std::iota(m.begin.begin(), m.begin.end(), i64{0});
  m.index = std::move(index);
  return m;
}

AxisMap transposed(const AxisMap& m) {
  AxisMap t;
  t.in = m.out;
  t.out = m.in;
  t.begin.assign(at(t.out) + 1, 0);
  for (const i64 i : m.index) ++t.begin[at(i) + 1];
  for (i64 i = 0; i < t.out; ++i) t.begin[at(i + 1)] += t.begin[at(i)];
  std::vector<i64> next(t.begin.begin(), t.begin.end() - 1);
  t.index.resize(m.index.size());
  t.weight.resize(m.weight.size());
  for (i64 j = 0; j < m.out; ++j)
    for (i64 k = m.begin[at(j)]; k < m.begin[at(j + 1)]; ++k) {
      const auto place = at(next[at(m.index[at(k)])]++);
      t.index[place] = j;
      if (!m.weight.empty()) t.weight[place] = m.weight[at(k)];
    }
  return t;
}

bool PlaneMap::is_pick() const { return picks(axes[0]) && picks(axes[1]) && picks(axes[2]); }

Dims PlaneMap::result_sizes(Span x) const {
  Dims sizes(x);
  for (int d = 1; d <= dims; ++d) sizes[sizes.size() - d] = axes[3 - d].out;
  return sizes;
}

PlaneMapRef plane_map(std::vector<AxisMap> axes) {
  auto m = std::make_shared<PlaneMap>();
  m->dims = static_cast<int>(axes.size());
  for (int d = 0; d < 3; ++d) {
    const int from = d - 3 + m->dims;
    m->axes[d] = from < 0 ? identity_map(1) : std::move(axes[at(from)]);
  }
  return m;
}

PlaneMapRef transposed(const PlaneMap& m) {
  auto t = std::make_shared<PlaneMap>();
  t->dims = m.dims;
  for (int d = 0; d < 3; ++d) t->axes[d] = transposed(m.axes[d]);
  return t;
}

Tensor resampled(const Tensor& x, const PlaneMap& m) {
  Tensor y = Tensor::empty(m.result_sizes(x.sizes()), x.dtype());
  y->inference = modes.inference;
  if (y.numel() == 0) return y;
  const Tensor from = x.is_contiguous() ? x : contiguous(detach(x));
  if (x.dtype() == Dtype::Float32)
    run<float>(from, y, m);
  else if (x.dtype() == Dtype::Float64)
    run<double>(from, y, m);
  else if (x.dtype() == Dtype::Int64)
    run<i64>(from, y, m);
  else
    m.is_pick() ? run_picks(from, y, m)
                : fail(ErrorKind::NotImplemented, "\"resample\" not implemented for '",
                       info(x.dtype()).scalar_name, "'");
  return y;
}

Tensor resample(const Tensor& x, const PlaneMapRef& map, const ResampleNames& names) {
  return record(names.forward, resampled(x, *map), {x}, {}, [map, names](Vjp& v) {
    v.set(0, resample(v.g(), transposed(*map), {names.backward, names.forward}));
  });
}

}  // namespace backlit::ops
