// The k first of a line in the order of sort_keys.h, without a key for every element.
#pragma once

#include "ops/sort_keys.h"

namespace backlit::ops {

// Keeps candidates in order of position. When they are too many, those beyond the k first go, and
// the k-th becomes the limit: later elements are passed over a block at a time unless one of them
// comes before it. An equal one does not: the first positions stay.
template <class T> class KeySelection {
  using i64 = std::int64_t;
  using U = SortKey<T>;
  static constexpr i64 kBlock = 64;

 public:
  KeySelection(i64 k, i64 n, bool descending)
      : k_(k),
        first_(std::min(n, 2 * k + kBlock)),
        capacity_(std::min(n, 2 * k + 4 * kBlock)),
        descending_(descending) {
    kept_.resize(static_cast<std::size_t>(2 * capacity_));
    keys_.resize(static_cast<std::size_t>(capacity_));
  }

  // The k first of n contiguous elements, in order; they stay valid until the next call.
  const KeyAt<U>* operator()(const T* line, i64 n) {
    count_ = 0;
    for (i64 i = 0; i < first_; ++i) add(line, i);
    for (i64 i = first_; i < n;) {
      narrow();
      if (limit_ == 0) break;  // nothing comes before it
      const T bound = line[limit_at_];
      i = descending_ ? scan(line, i, n, [bound](T x) { return !(x <= bound); })
                      : scan(line, i, n, [bound](T x) { return !(x >= bound); });
    }
    if (count_ > k_ && count_ > kFewKeys) narrow();
    sort_keys(kept_.data(), kept_.data() + capacity_, count_);
    return kept_.data();
  }

 private:
  void add(const T* line, i64 i) {
    const U key = sort_key(line[i]);
    kept_[static_cast<std::size_t>(count_++)] = {descending_ ? static_cast<U>(~key) : key, i};
  }

  // Leaves the k first candidates.
  void narrow() {
    const auto candidates = kept_.begin();
    for (i64 i = 0; i < count_; ++i) keys_[static_cast<std::size_t>(i)] = candidates[i].key;
    std::nth_element(keys_.begin(), keys_.begin() + k_ - 1, keys_.begin() + count_);
    limit_ = keys_[static_cast<std::size_t>(k_ - 1)];
    i64 equal = k_;  // how many equal to the limit may stay
    for (i64 i = 0; i < k_ - 1; ++i) equal -= keys_[static_cast<std::size_t>(i)] < limit_;
    i64 kept = 0;
    for (i64 i = 0; i < count_; ++i) {
      const KeyAt<U> c = candidates[i];
      if (c.key == limit_) limit_at_ = c.at;
      if (c.key < limit_ || (c.key == limit_ && equal-- > 0)) candidates[kept++] = c;
    }
    count_ = k_;
  }

  // A mask as wide as the elements, so that the loop becomes vector instructions.
  template <class F> static bool any_of_block(const T* x, F f) {
    std::conditional_t<sizeof(T) == 1, std::int8_t, std::make_signed_t<U>> found = 0;
    for (i64 j = 0; j < kBlock; ++j) found |= f(x[j]);
    return found != 0;
  }

  // Adds candidates from position i on until there may be no room for those of another block;
  // returns where it stopped. may_enter(x) is true for every x before the limit, and for few
  // others.
  template <class F> i64 scan(const T* line, i64 i, i64 n, F may_enter) {
    for (; i < n && count_ + kBlock <= capacity_; i += kBlock) {
      const i64 length = std::min(kBlock, n - i);
      const T* x = line + i;
      if (length == kBlock && !any_of_block(x, may_enter)) continue;
      std::uint8_t at[kBlock];
      i64 hits = 0;
      for (i64 j = 0; j < length; ++j) {
        at[hits] = static_cast<std::uint8_t>(j);
        hits += may_enter(x[j]);
      }
      for (i64 h = 0; h < hits; ++h) {
        add(line, i + at[h]);
        count_ -= kept_[static_cast<std::size_t>(count_ - 1)].key >= limit_;
      }
    }
    return i;
  }

  const i64 k_, first_, capacity_;  // first_: candidates before there is a limit
  const bool descending_;
  std::vector<KeyAt<U>> kept_;  // the candidates, then room to sort them
  std::vector<U> keys_;
  i64 count_ = 0, limit_at_ = 0;
  U limit_ = 0;
};

}  // namespace backlit::ops
