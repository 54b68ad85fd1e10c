#include "kernels/pick.h"

#include <atomic>
#include <cstring>
#include <type_traits>

#include "base/threads.h"

namespace backlit {
namespace {

using i64 = std::int64_t;

constexpr i64 kChunk = 1 << 14;  // elements
constexpr i64 kMaskPiece = 1 << 15;

template <class T> void pick_rows(const Picks& p, const T* base, const i64* offsets, i64 n, T* y) {
  const i64 width = p.trail.numel;
  if (width == 1) {
    for (i64 i = 0; i < n; ++i) y[i] = base[offsets[i]];
  } else if (p.trail.flat()) {
    for (i64 i = 0; i < n; ++i)
      std::memcpy(y + i * width, base + offsets[i], static_cast<std::size_t>(width) * sizeof(T));
  } else {
    for (i64 i = 0; i < n; ++i)
      p.trail.runs(0, width, [&](i64 at, i64 count, i64 stride) {
        const T* from = base + offsets[i] + at;
        for (i64 k = 0; k < count; ++k) *y++ = from[k * stride];
      });
  }
}

template <class T> void pick_typed(const Picks& p, const T* x, T* y) {
  const i64 width = p.trail.numel;
  if (p.numel() == 0) return;
  parallel_for(p.lead.numel * p.count, std::max<i64>(kChunk / width, 1), [&](i64 begin, i64 end) {
    while (begin < end) {
      const i64 from = begin % p.count, n = std::min(end - begin, p.count - from);
      pick_rows(p, x + p.lead.offset_of(begin / p.count), p.offsets + from, n, y + begin * width);
      begin += n;
    }
  });
}

template <class T, bool kAdd> void put_one(T& to, const T& from) {
  if constexpr (kAdd)
    to = static_cast<T>(to + from);
  else
    to = from;
}

template <class T, bool kAdd> void put_run(T* to, i64 stride, const T* from, i64 step, i64 n) {
  if (stride == 1 && step == 1) {
    if constexpr (kAdd)
      for (i64 k = 0; k < n; ++k) to[k] = static_cast<T>(to[k] + from[k]);
    else
      std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
    return;
  }
  for (i64 k = 0; k < n; ++k) put_one<T, kAdd>(to[k * stride], from[k * step]);
}

// Writes the pick at `offset`.
template <class T, bool kAdd>
void put_row(const Picks& p, T* base, i64 offset, const T* from, i64 step) {
  const i64 width = p.trail.numel;
  if (p.trail.flat()) return put_run<T, kAdd>(base + offset, 1, from, step, width);
  p.trail.runs(0, width, [&](i64 at, i64 count, i64 stride) {
    put_run<T, kAdd>(base + offset + at, stride, from, step, count);
    from += count * step;
  });
}

// What one task writes: the picks of one place in `lead` whose offsets are in [low, high). Found
// first, some at a time, so that the memory of later ones is on its way while one is written.
template <class T, bool kAdd>
void put_part(const Picks& p, T* base, const T* values, bool one, i64 low, i64 high) {
  constexpr i64 kFound = 256, kAhead = 8;
  const i64 width = p.trail.numel, step = one ? 0 : 1;
  if (width == 1 && low == 0 && high >= p.extent) {
    for (i64 i = 0; i < p.count; ++i) put_one<T, kAdd>(base[p.offsets[i]], values[i * step]);
    return;
  }
  i64 found[kFound];
  for (i64 first = 0; first < p.count; first += kFound) {
    const i64 last = std::min(first + kFound, p.count);
    i64 count = 0;
    for (i64 i = first; i < last; ++i) {
      found[count] = i;
      count += p.offsets[i] >= low && p.offsets[i] < high;
    }
    for (i64 k = 0; k < count; ++k) {
      if (kAdd && k + kAhead < count) {
        const char* next = reinterpret_cast<const char*>(base + p.offsets[found[k + kAhead]]);
        for (i64 line = 0; line < std::min<i64>(width * sizeof(T), 256); line += 64)
          __builtin_prefetch(next + line, 1);
      }
      const i64 i = found[k];
      put_row<T, kAdd>(p, base, p.offsets[i], values + i * width * step, step);
    }
  }
}

// Tasks differ in `lead` or in the range of offsets that they write: an element gets its values in
// order whoever runs them. Every task of one lead reads all offsets, hence few and large ranges.
template <class T, bool kAdd> void put_typed(const Picks& p, T* x, const T* values, bool one) {
  if (p.numel() == 0) return;
  const i64 each = p.count * p.trail.numel;
  const i64 ranges =
      p.trail.numel < 16 ? 1 : std::clamp<i64>(each / (8 * kChunk), 1, std::min<i64>(8, p.extent));
  const i64 length = (p.extent + ranges - 1) / ranges;
  parallel_for(p.lead.numel * ranges, std::max<i64>(kChunk * ranges / each, 1),
               [&](i64 begin, i64 end) {
                 for (; begin < end; ++begin) {
                   const i64 lead = begin / ranges, low = begin % ranges * length;
                   put_part<T, kAdd>(p, x + p.lead.offset_of(lead),
                                     one ? values : values + lead * each, one, low, low + length);
                 }
               });
}

// The true elements of mask[0, n), of which there are `count`: each is written to out in turn. No
// branch: what is written for a false element is overwritten, or lies before the end of `count`.
template <class T, class F>
void write_true(const std::uint8_t* mask, i64 n, i64 count, T* out, F value) {
  i64 k = 0;
  for (i64 i = 0; i < n && k < count; ++i) {
    out[k] = value(i);
    k += mask[i] != 0;
  }
}

// Eight bytes at a time: the high bit of each that is not 0, summed by a product.
i64 count_in(const std::uint8_t* mask, i64 n) {
  constexpr std::uint64_t ones = 0x0101010101010101, low = 127 * ones;
  std::uint64_t total = 0, bytes;
  i64 i = 0;
  for (; i + 8 <= n; i += 8) {
    std::memcpy(&bytes, mask + i, 8);
    const std::uint64_t found = ((((bytes & low) + low) | bytes) >> 7) & ones;
    total += (found * ones) >> 56;
  }
  for (; i < n; ++i) total += mask[i] != 0;
  return static_cast<i64>(total);
}

// f(begin, end, before, count) for the pieces of a counted mask.
template <class F> void for_pieces(i64 n, const TrueCount& c, F&& f) {
  parallel_for(n, kMaskPiece, [&](i64 begin, i64 end) {
    for (; begin < end; begin += kMaskPiece) {
      const auto piece = static_cast<std::size_t>(begin / kMaskPiece);
      const i64 after = piece + 1 < c.before.size() ? c.before[piece + 1] : c.total;
      f(begin, std::min(begin + kMaskPiece, n), c.before[piece], after - c.before[piece]);
    }
  });
}

}  // namespace

void pick(const Picks& p, const void* x, void* y, std::size_t element) {
  visit_size(element, [&](auto zero) {
    using T = decltype(zero);
    pick_typed(p, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

void put(const Picks& p, void* x, const void* values, bool one, Dtype dtype, bool add) {
  if (!add)
    return visit_size(size_of(dtype), [&](auto zero) {
      using T = decltype(zero);
      put_typed<T, false>(p, static_cast<T*>(x), static_cast<const T*>(values), one);
    });
  const auto add_values = [&](auto zero) {
    using T = decltype(zero);
    put_typed<T, true>(p, static_cast<T*>(x), static_cast<const T*>(values), one);
  };
  is_complex(dtype) ? visit_complex(dtype, add_values) : visit(dtype, add_values);
}

template <class Index>
bool index_offsets(const Block& at, const Index* index, i64 limit, i64 stride, bool add, i64* out) {
  std::atomic<bool> good = true;
  parallel_for(at.numel, kChunk, [&](i64 begin, i64 end) {
    i64* to = out + begin;
    bool bad = false;
    at.runs(begin, end, [&](i64 offset, i64 count, i64 step) {
      const Index* from = index + offset;
      for (i64 i = 0; i < count; ++i) {
        i64 k = static_cast<i64>(from[i * step]);
        k += k < 0 ? limit : 0;
        bad |= static_cast<std::uint64_t>(k) >= static_cast<std::uint64_t>(limit);
        to[i] = k * stride + (add ? to[i] : 0);
      }
      to += count;
    });
    if (bad) good.store(false, std::memory_order_relaxed);
  });
  return good;
}
template bool index_offsets(const Block&, const i64*, i64, i64, bool, i64*);
template bool index_offsets(const Block&, const std::int32_t*, i64, i64, bool, i64*);

TrueCount count_true(const std::uint8_t* mask, i64 n) {
  TrueCount c;
  c.before.resize(static_cast<std::size_t>((n + kMaskPiece - 1) / kMaskPiece));
  parallel_for(n, kMaskPiece, [&](i64 begin, i64 end) {
    for (; begin < end; begin += kMaskPiece)
      c.before[static_cast<std::size_t>(begin / kMaskPiece)] =
          count_in(mask + begin, std::min(kMaskPiece, n - begin));
  });
  for (i64& piece : c.before) {
    const i64 own = piece;
    piece = c.total;
    c.total += own;
  }
  return c;
}

void true_offsets(const std::uint8_t* mask, const Block& at, const TrueCount& c, i64* out) {
  for_pieces(at.numel, c, [&](i64 begin, i64 end, i64 before, i64 count) {
    i64 position = begin, k = 0;
    at.runs(begin, end, [&](i64 offset, i64 n, i64 stride) {
      const i64 found = count == 0 ? 0 : count_in(mask + position, n);
      write_true(mask + position, n, found, out + before + k,
                 [&](i64 i) { return offset + i * stride; });
      position += n;
      k += found;
    });
  });
}

void true_positions(const std::uint8_t* mask, std::span<const i64> sizes, const TrueCount& c,
                    i64* out) {
  i64 n = 1;
  for (const i64 size : sizes) n *= size;
  const i64 width = sizes.empty() ? 1 : sizes.back();
  for_pieces(n, c, [&](i64 begin, i64 end, i64 before, i64) {
    while (begin < end && before < c.total) {
      i64 row = begin / width;
      const i64 first = begin % width, length = std::min(end - begin, width - first);
      const i64 found = count_in(mask + begin, length);
      for (std::size_t d = sizes.size(); d-- > 0;) {
        i64* to = out + static_cast<i64>(d) * c.total + before;
        if (d + 1 == sizes.size()) {
          write_true(mask + begin, length, found, to, [&](i64 i) { return first + i; });
        } else {
          std::fill_n(to, found, row % sizes[d]);
          row /= sizes[d];
        }
      }
      before += found;
      begin += length;
    }
  });
}

void compress(const std::uint8_t* mask, i64 n, const TrueCount& c, const void* x, void* y,
              std::size_t element) {
  visit_size(element, [&](auto zero) {
    using T = decltype(zero);
    for_pieces(n, c, [&](i64 begin, i64 end, i64 before, i64 count) {
      const T* from = static_cast<const T*>(x) + begin;
      write_true(mask + begin, end - begin, count, static_cast<T*>(y) + before,
                 [&](i64 i) { return from[i]; });
    });
  });
}

}  // namespace backlit
