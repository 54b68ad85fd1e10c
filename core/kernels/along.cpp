#include "kernels/along.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <type_traits>

#include "base/threads.h"

namespace backlit {

namespace {

using i64 = std::int64_t;

constexpr i64 kChunk = 1 << 14;    // elements
constexpr i64 kLineElements = 16;  // neighbours that one task takes, against false sharing

struct Offsets {
  i64 whole = 0, index = 0, part = 0;
  void move(const Along::Dim& d, i64 steps) {
    whole += d.whole * steps;
    index += d.index * steps;
    part += d.part * steps;
  }
};

// f(offsets, dimension, count) for each run of the innermost of `dims` in positions [begin, end).
template <class F> void for_runs(const Along::Dim* dims, int n, i64 begin, i64 end, F&& f) {
  constexpr Along::Dim kPoint{1, 0, 0, 0};
  if (n == 0) return f(Offsets{}, kPoint, end - begin);
  const Along::Dim& inner = dims[n - 1];
  while (begin < end) {
    Offsets at;
    i64 rest = begin;
    for (int d = n - 1; d >= 0; --d) {
      at.move(dims[d], rest % dims[d].size);
      rest /= dims[d].size;
    }
    const i64 count = std::min(end - begin, inner.size - begin % inner.size);
    f(at, inner, count);
    begin += count;
  }
}

bool within(i64 k, i64 limit) {
  return static_cast<std::uint64_t>(k) < static_cast<std::uint64_t>(limit);
}

template <class T> struct Gather {
  const T* whole;
  const i64* index;
  T* part;
  i64 stride, limit, wrap;  // of the dimension indexed along

  // kWhole: does whole step along the run? kFlat: are index and part contiguous there?
  template <bool kWhole, bool kFlat> bool run(Offsets at, const Along::Dim& d, i64 count) const {
    const T* from = whole + at.whole;
    const i64* k = index + at.index;
    T* to = part + at.part;
    bool good = true;
    for (i64 i = 0; i < count; ++i) {
      i64 chosen = k[kFlat ? i : i * d.index];
      chosen += chosen < 0 ? wrap : 0;
      if (!within(chosen, limit)) [[unlikely]] {
        good = false;
        continue;
      }
      to[kFlat ? i : i * d.part] = from[(kWhole ? i * d.whole : 0) + chosen * stride];
    }
    return good;
  }
  bool any(Offsets at, const Along::Dim& d, i64 count) const {
    const bool flat = d.index == 1 && d.part == 1;
    if (d.whole == 0)
      return flat ? run<false, true>(at, d, count) : run<false, false>(at, d, count);
    return flat ? run<true, true>(at, d, count) : run<true, false>(at, d, count);
  }
};

template <class T> bool gather_typed(const Along& a, const T* whole, const i64* index, T* part) {
  // all dimensions of the index alike: whole does not move along the indexed one
  Along all;
  const Along::Dim own{a.own.size, 0, a.own.index, a.own.part};
  int at = 0;
  while (at < a.n && a.others[at].part >= own.part) all.add(a.others[at++]);
  all.add(own);
  while (at < a.n) all.add(a.others[at++]);
  const Gather<T> gather{whole, index, part, a.own.whole, a.limit, a.wraps ? a.limit : 0};
  std::atomic<bool> good = true;
  parallel_for(all.numel, kChunk, [&](i64 begin, i64 end) {
    for_runs(all.others, all.n, begin, end, [&](Offsets o, const Along::Dim& d, i64 count) {
      if (!gather.any(o, d, count)) good.store(false, std::memory_order_relaxed);
    });
  });
  return good;
}

template <Put kPut, class T> T put(T old, T s) {
  if constexpr (kPut == Put::Store) return s;
  if constexpr (kPut == Put::Add) return static_cast<T>(old + s);
  if constexpr (kPut == Put::Multiply) return static_cast<T>(old * s);
  if constexpr (kPut == Put::Max || kPut == Put::Min) {
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(old) || std::isnan(s)) return old + s;
    return kPut == Put::Max ? std::max(old, s) : std::min(old, s);
  }
  return s;
}

template <class T, Put kPut> struct Scatter {
  T* whole;
  const i64* index;
  const T* part;
  i64 stride, limit;

  // kFlat: index and part are contiguous along the run.
  template <bool kFlat> bool steps(Offsets at, const Along::Dim& d, i64 count) const {
    T* to = whole + at.whole;
    const i64* k = index + at.index;
    const T* from = part + at.part;
    bool good = true;
    for (i64 i = 0; i < count; ++i) {
      const i64 chosen = k[kFlat ? i : i * d.index];
      if (!within(chosen, limit)) [[unlikely]] {
        good = false;
        continue;
      }
      T& target = to[i * d.whole + chosen * stride];
      target = put<kPut>(target, from[kFlat ? i : i * d.part]);
    }
    return good;
  }
  bool run(Offsets at, const Along::Dim& d, i64 count) const {
    return d.index == 1 && d.part == 1 ? steps<true>(at, d, count) : steps<false>(at, d, count);
  }
};

// Lines along the indexed dimension never meet, so tasks own lines.
template <class T, Put kPut>
bool scatter_typed(const Along& a, T* whole, const i64* index, const T* part) {
  const Scatter<T, kPut> scatter{whole, index, part, a.own.whole, a.limit};
  const Along::Dim own{a.own.size, 0, a.own.index, a.own.part};
  std::atomic<bool> good = true;
  const i64 lines = std::max(kChunk / std::max<i64>(own.size, 1), kLineElements);
  parallel_for(a.numel, lines, [&](i64 begin, i64 end) {
    bool fine = true;
    for_runs(a.others, a.n, begin, end, [&](Offsets o, const Along::Dim& d, i64 count) {
      // the loop inside is the one whose index lies closer together
      if (count == 1 || own.index < d.index) {
        for (i64 j = 0; j < count; ++j, o.move(d, 1)) fine &= scatter.run(o, own, own.size);
      } else {
        for (i64 i = 0; i < own.size; ++i, o.move(own, 1)) fine &= scatter.run(o, d, count);
      }
    });
    if (!fine) good.store(false, std::memory_order_relaxed);
  });
  return good;
}

// Elements are stored unread; complex numbers are added too.
template <Put kPut>
bool scatter_dtype(const Along& a, void* whole, const i64* index, const void* part, Dtype dtype) {
  const auto scatter = [&](auto zero) {
    using T = decltype(zero);
    return scatter_typed<T, kPut>(a, static_cast<T*>(whole), index, static_cast<const T*>(part));
  };
  if constexpr (kPut == Put::Store)
    return visit_size(size_of(dtype), scatter);
  else if constexpr (kPut == Put::Add)
    return is_complex(dtype) ? visit_complex(dtype, scatter) : visit(dtype, scatter);
  else
    return visit(dtype, scatter);
}

}  // namespace

void Along::add(const Dim& d) {
  numel *= d.size;
  if (d.size == 1) return;
  if (n > 0) {
    Dim& last = others[n - 1];
    if (last.whole == d.size * d.whole && last.index == d.size * d.index &&
        last.part == d.size * d.part) {
      last = {last.size * d.size, d.whole, d.index, d.part};
      return;
    }
  }
  others[n++] = d;
}

bool gather_along(const Along& a, const void* whole, const i64* index, void* part,
                  std::size_t element) {
  return visit_size(element, [&](auto zero) {
    using T = decltype(zero);
    return gather_typed(a, static_cast<const T*>(whole), index, static_cast<T*>(part));
  });
}

bool scatter_along(const Along& a, void* whole, const i64* index, const void* part, Dtype dtype,
                   Put put) {
  switch (put) {
    case Put::Store: return scatter_dtype<Put::Store>(a, whole, index, part, dtype);
    case Put::Add: return scatter_dtype<Put::Add>(a, whole, index, part, dtype);
    case Put::Multiply: return scatter_dtype<Put::Multiply>(a, whole, index, part, dtype);
    case Put::Max: return scatter_dtype<Put::Max>(a, whole, index, part, dtype);
    case Put::Min: return scatter_dtype<Put::Min>(a, whole, index, part, dtype);
  }
  return true;
}

}  // namespace backlit
