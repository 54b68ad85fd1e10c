// Selection by halving the range of keys that holds the wanted one (lanes), or by radix (a line):
// no branch depends on the data, and no order of it is slow.
#include "kernels/select.h"

#include "kernels/lanes.h"
#include "kernels/sort_key.h"
#include "kernels/transpose_block.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class U> using Keys = typename Lanes<U, kLanes<U>>::Type;

template <class U, int L = kLanes<U>> Keys<U> load_keys(const U* keys) {
  return Lanes<U, L>::load(keys);
}
template <class U> U any_of(Keys<U> v) {
  U part[kLanes<U>], any = 0;
  Lanes<U, kLanes<U>>::store(part, v);
  for (const U p : part) any |= p;
  return any;
}
// How many of the low bits are needed to write x.
int width_of(std::uint64_t x) { return x == 0 ? 0 : 64 - __builtin_clzll(x); }

// --- keys ---

template <class T> void load_line(const void* in, i64 n, void* out) {
  const T* x = static_cast<const T*>(in);
  auto* keys = static_cast<SortKey<T>*>(out);
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) keys[i] = sort_key(x[i]);
}

template <class T>
void load_columns(const void* in, i64 n, i64 stride, i64 lines, bool flip, void* out) {
  using U = SortKey<T>;
  constexpr int L = kLanes<U>;
  const U turn = flip ? ~U{0} : 0;
  auto* keys = static_cast<U*>(out);
  for (i64 i = 0; i < n; ++i, keys += L) {
    const T* x = static_cast<const T*>(in) + i * stride;
    if (lines == L)
      for (int l = 0; l < L; ++l) keys[l] = sort_key(x[l]) ^ turn;
    else
      for (int l = 0; l < L; ++l) keys[l] = sort_key(x[l < lines ? l : lines - 1]) ^ turn;
  }
}

template <class T> void load_rows(const void* in, i64 n, i64 lines, bool flip, void* out) {
  using U = SortKey<T>;
  constexpr int L = kLanes<U>;
  const U turn = flip ? ~U{0} : 0;
  auto* keys = static_cast<U*>(out);
  for (i64 i = 0; i < n; i += L) {
    const i64 count = n - i < L ? n - i : L;
    Keys<U> block[L];
    for (i64 l = 0; l < lines; ++l) {
      const T* x = static_cast<const T*>(in) + l * n + i;
      U part[L] = {};
      if (count == L)
        for (int k = 0; k < L; ++k) part[k] = sort_key(x[k]) ^ turn;
      else
        for (i64 k = 0; k < count; ++k) part[k] = sort_key(x[k]) ^ turn;
      block[l] = load_keys(part);
    }
    for (i64 l = lines; l < L; ++l) block[l] = block[lines - 1];
    transpose_block<L>(block);
    for (i64 k = 0; k < count; ++k) Lanes<U, L>::store(keys + (i + k) * L, block[k]);
  }
}

template <class T> constexpr bool kHasNan = std::is_floating_point_v<T>;

template <class T> void count_nan(const void* in, i64 n, i64* nans) {
  using U = SortKey<T>;
  constexpr int L = kLanes<U>;
  Keys<U> count{};
  if constexpr (kHasNan<T>)
    for (i64 i = 0; i < n; ++i)
      count -= Keys<U>(load_keys(static_cast<const U*>(in) + i * L) == ~U{0});
  for (int l = 0; l < L; ++l) nans[l] = static_cast<i64>(count[l]);
}
template <class T> i64 count_nan_line(const void* in, i64 n) {
  const auto* keys = static_cast<const SortKey<T>*>(in);
  i64 count = 0;
  if constexpr (kHasNan<T>)
    for (i64 i = 0; i < n; ++i) count += keys[i] == ~SortKey<T>{0};
  return count;
}

// --- lanes ---

template <class U> Keys<U> count_before(const U* keys, i64 n, Keys<U> limit) {
  constexpr int L = kLanes<U>;
  Keys<U> even{}, odd{};
  i64 i = 0;
  for (; i + 2 <= n; i += 2) {
    even -= Keys<U>(load_keys(keys + i * L) < limit);
    odd -= Keys<U>(load_keys(keys + i * L + L) < limit);
  }
  if (i < n) even -= Keys<U>(load_keys(keys + i * L) < limit);
  return even + odd;
}

template <class U> void select(const void* in, i64 n, const i64* rank, i64* at) {
  constexpr int L = kLanes<U>;
  const U* keys = static_cast<const U*>(in);
  const Keys<U> first = load_keys(keys), one = Keys<U>{} + 1;
  Keys<U> wanted, differ{};
  for (int l = 0; l < L; ++l) wanted[l] = static_cast<U>(rank[l]);
  for (i64 i = 1; i < n; ++i) differ |= load_keys(keys + i * L) ^ first;

  // The wanted key is in [low, low + 2^bit); `before` keys are less than low, `until` less than the
  // end. A range of one key needs no further bits.
  int bit = width_of(any_of<U>(differ));
  Keys<U> low = bit < 8 * static_cast<int>(sizeof(U)) ? first >> bit << bit : Keys<U>{};
  Keys<U> before{}, until = Keys<U>{} + static_cast<U>(n);
  while (bit > 0 && any_of<U>(until - before - one)) {
    --bit;
    const Keys<U> middle = low | (one << bit), count = count_before(keys, n, middle);
    const auto upper = count <= wanted;
    low = upper ? middle : low;
    before = upper ? count : before;
    until = upper ? until : count;
  }

  // of equal keys, the one that the rank says
  Keys<U> left = wanted - before, found{}, position{};
  for (i64 i = 0; i < n; ++i, position += one) {
    const auto inside = ((load_keys(keys + i * L) - low) >> bit) == 0;
    found = inside & (left == 0) ? position : found;
    left += Keys<U>(inside);
  }
  for (int l = 0; l < L; ++l) at[l] = static_cast<i64>(found[l]);
}

// --- a line ---

// Position of occurrence number k, counted from 0, of an element with this key.
template <class T> i64 find_key(const T* x, i64 n, SortKey<T> key, i64 k) {
  constexpr i64 kBlock = 512;
  i64 i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    SortKey<T> count = 0;
    for (i64 j = 0; j < kBlock; ++j) count += sort_key(x[i + j]) == key;
    if (k < static_cast<i64>(count)) break;
    k -= static_cast<i64>(count);
  }
  while (sort_key(x[i]) != key || k-- > 0) ++i;
  return i;
}

template <class T> i64 select_line(const void* x, i64 n, i64 rank, void* memory) {
  using U = SortKey<T>;
  constexpr int kBits = 11;
  constexpr U kDigits = U{1} << kBits;
  U* keys = static_cast<U*>(memory);
  for (i64 m = n;;) {
    const U first = keys[0];
    U differ = 0;
    for (i64 i = 1; i < m; ++i) differ |= keys[i] ^ first;
    if (differ == 0) return find_key(static_cast<const T*>(x), n, first, rank);
    // of the bits in which keys differ, the highest ones
    const int width = width_of(differ), shift = width > kBits ? width - kBits : 0;
    i64 count[kDigits] = {};
    for (i64 i = 0; i < m; ++i) ++count[(keys[i] >> shift) % kDigits];
    U digit = 0;
    while (rank >= count[digit]) rank -= count[digit++];
    i64 kept = 0;
    for (i64 i = 0; i < m; ++i) {
      const U key = keys[i];
      keys[kept] = key;
      kept += (key >> shift) % kDigits == digit;
    }
    m = kept;
  }
}

template <class T> constexpr SelectKernels kernels_of() {
  using U = SortKey<T>;
  static_assert(kLanes<U> <= kMostLanes);
  return {kLanes<U>,     sizeof(U),          &load_rows<T>, &load_columns<T>, &load_line<T>,
          &count_nan<T>, &count_nan_line<T>, &select<U>,    &select_line<T>};
}
constexpr SelectTable select_table{kernels_of<bool>(),         kernels_of<std::uint8_t>(),
                                   kernels_of<std::int8_t>(),  kernels_of<std::int16_t>(),
                                   kernels_of<std::int32_t>(), kernels_of<std::int64_t>(),
                                   kernels_of<float>(),        kernels_of<double>()};
BACKLIT_ISA_TABLE(SelectTable, select_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
