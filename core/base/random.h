// The generator of random numbers: mt19937 with the outputs and the state layout of PyTorch's CPU
// generator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace backlit {

// M. Matsumoto, T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998). Not locked (see memory.h).
class Generator {
 public:
  static constexpr std::uint64_t kDefaultSeed = 67280421310721;
  static constexpr std::size_t kStateBytes = 5056;

  explicit Generator(std::uint64_t seed = kDefaultSeed) { manual_seed(seed); }

  void manual_seed(std::uint64_t seed);  // the low 32 bits seed the engine
  std::uint64_t seed();                  // seeds from the system and returns that seed
  std::uint64_t initial_seed() const { return seed_; }

  std::uint32_t random() {
    if (position_ == kN) refill();
    return temper(state_[position_++]);
  }
  std::uint64_t random64() {
    const std::uint64_t high = random();
    return high << 32 | random();
  }
  void random(std::uint32_t* out, std::int64_t n);  // the next n numbers, in order

  // The second number of a Box-Muller pair, kept for the next scalar draw.
  std::optional<double> next_double_normal;
  std::optional<float> next_float_normal;

  // The bytes of torch.get_rng_state(). set_state throws Error(Runtime) on another size or an
  // invalid engine.
  void get_state(std::uint8_t* out) const;
  void set_state(const std::uint8_t* bytes, std::size_t size);

 private:
  static constexpr std::uint32_t kN = 624, kM = 397;

  static std::uint32_t temper(std::uint32_t y) {
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
  }
  void refill();

  std::uint64_t seed_ = 0;
  std::uint32_t position_ = kN;  // next word of state_; kN: refill first
  bool fresh_ = true;            // seeded and never refilled (the state layout tells them apart)
  std::array<std::uint32_t, kN> state_;
};

// The one that operations use when none is given. Starts from a seed of the system, as PyTorch's
// does (a Generator that the user makes starts from kDefaultSeed).
Generator& default_generator();

}  // namespace backlit
