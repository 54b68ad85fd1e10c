#include "base/random.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "base/error.h"

namespace backlit {
namespace {

// The bytes of torch.get_rng_state(), little-endian machines.
struct State {
  std::uint64_t seed;
  std::int32_t left;  // numbers until the next refill, plus one
  std::int32_t seeded;
  std::uint64_t next;
  std::uint64_t words[624];
  double unused_x;
  double normal;
  double unused_rho;
  std::int32_t has_normal;
  float float_normal;  // behind 4 bytes of padding
  std::uint8_t has_float_normal;
};

}  // namespace

void Generator::manual_seed(std::uint64_t seed) {
  seed_ = seed;
  next_double_normal.reset();
  next_float_normal.reset();
  auto word = static_cast<std::uint32_t>(seed);
  state_[0] = word;
  for (std::uint32_t i = 1; i < kN; ++i) state_[i] = word = 1812433253u * (word ^ word >> 30) + i;
  position_ = kN;
  fresh_ = true;
}

std::uint64_t Generator::seed() {
  std::random_device device;
  const std::uint64_t high = device();
  manual_seed(high << 32 | device());
  return seed_;
}

void Generator::refill() {
  const auto twist = [](std::uint32_t u, std::uint32_t v) {
    const std::uint32_t mixed = (u & 0x80000000u) | (v & 0x7fffffffu);
    return mixed >> 1 ^ ((0u - (v & 1u)) & 0x9908b0dfu);
  };
  std::uint32_t* s = state_.data();
  for (std::uint32_t i = 0; i < kN - kM; ++i) s[i] = s[i + kM] ^ twist(s[i], s[i + 1]);
  for (std::uint32_t i = kN - kM; i < kN - 1; ++i) s[i] = s[i + kM - kN] ^ twist(s[i], s[i + 1]);
  s[kN - 1] = s[kM - 1] ^ twist(s[kN - 1], s[0]);
  position_ = 0;
  fresh_ = false;
}

void Generator::random(std::uint32_t* out, std::int64_t n) {
  while (n > 0) {
    if (position_ == kN) refill();
    const auto count = static_cast<std::uint32_t>(std::min<std::int64_t>(n, kN - position_));
    const std::uint32_t* s = state_.data() + position_;
    for (std::uint32_t i = 0; i < count; ++i) out[i] = temper(s[i]);
    position_ += count;
    out += count;
    n -= count;
  }
}

void Generator::get_state(std::uint8_t* out) const {
  static_assert(sizeof(State) <= kStateBytes);
  State s{};
  s.seed = seed_;
  s.left = static_cast<std::int32_t>(fresh_ ? 1 : kN + 1 - position_);
  s.seeded = 1;
  s.next = fresh_ ? 0 : position_;
  std::copy(state_.begin(), state_.end(), s.words);
  s.has_normal = next_double_normal.has_value();
  s.normal = next_double_normal.value_or(0);
  s.has_float_normal = next_float_normal.has_value();
  s.float_normal = next_float_normal.value_or(0);
  std::memset(out, 0, kStateBytes);
  std::memcpy(out, &s, sizeof s);
}

void Generator::set_state(const std::uint8_t* bytes, std::size_t size) {
  BACKLIT_CHECK(size == kStateBytes, Runtime, "Expected a CPUGeneratorImplState of size ",
                kStateBytes, " but found the input RNG state size to be ", size);
  State s;
  std::memcpy(&s, bytes, sizeof s);
  BACKLIT_CHECK(
      s.seeded == 1 && s.left > 0 && s.left <= static_cast<std::int32_t>(kN) && s.next <= kN,
      Runtime, "Invalid mt19937 state");
  seed_ = s.seed;
  fresh_ = s.left == 1 && s.next == 0;
  position_ = s.left == 1 ? kN : static_cast<std::uint32_t>(s.next);
  std::transform(s.words, s.words + kN, state_.begin(),
                 [](std::uint64_t word) { return static_cast<std::uint32_t>(word); });
  next_double_normal = s.has_normal ? std::optional(s.normal) : std::nullopt;
  next_float_normal = s.has_float_normal ? std::optional(s.float_normal) : std::nullopt;
}

Generator& default_generator() {
  static Generator generator = [] {
    Generator g;
    g.seed();
    return g;
  }();
  return generator;
}

}  // namespace backlit
