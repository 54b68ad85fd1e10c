// A number that only remembers which inputs it came from. Running a rule on it tells what backward
// has to save, so that nobody has to say.
#pragma once

#include <array>
#include <optional>

#include "formulas/formula.h"
#include "formulas/functions.h"

namespace backlit {

class Probe {
 public:
  constexpr Probe(double constant) : constant_(constant) {}
  static constexpr Probe reading(unsigned inputs) { return Probe(inputs, std::nullopt); }

  constexpr unsigned reads() const { return reads_; }
  // Empty for a number that depends on an input or on a scalar parameter.
  constexpr std::optional<double> constant() const { return constant_; }

  friend constexpr Probe operator+(Probe a, Probe b) {
    return both(a, b, [](double u, double v) { return u + v; });
  }
  friend constexpr Probe operator-(Probe a, Probe b) {
    return both(a, b, [](double u, double v) { return u - v; });
  }
  friend constexpr Probe operator*(Probe a, Probe b) {
    return both(a, b, [](double u, double v) { return u * v; });
  }
  friend constexpr Probe operator/(Probe a, Probe b) {
    return both(a, b, [](double u, double v) { return u / v; });
  }
  friend constexpr Probe operator-(Probe a) { return 0 - a; }
  friend constexpr Probe operator!(Probe a) { return reading(a.reads_); }

#define BACKLIT_READS_BOTH(f) \
  friend constexpr Probe f(Probe a, Probe b) { return reading(a.reads_ | b.reads_); }
#define BACKLIT_READS_ONE(f) \
  friend constexpr Probe f(Probe x) { return reading(x.reads_); }
  BACKLIT_READS_BOTH(operator<)
  BACKLIT_READS_BOTH(operator<=)
  BACKLIT_READS_BOTH(operator>)
  BACKLIT_READS_BOTH(operator>=)
  BACKLIT_READS_BOTH(operator==)
  BACKLIT_READS_BOTH(operator!=)
  BACKLIT_READS_BOTH(operator&)
  BACKLIT_READS_BOTH(operator|)
  BACKLIT_READS_BOTH(operator^)
  BACKLIT_FUNCTIONS_OF_ONE(BACKLIT_READS_ONE)
  BACKLIT_FUNCTIONS_OF_TWO(BACKLIT_READS_BOTH)
#undef BACKLIT_READS_BOTH
#undef BACKLIT_READS_ONE

  friend constexpr Probe where(Probe condition, Probe a, Probe b) {
    return reading(condition.reads_ | a.reads_ | b.reads_);
  }

 private:
  constexpr Probe(unsigned reads, std::optional<double> constant)
      : reads_(reads), constant_(constant) {}

  template <class F> static constexpr Probe both(Probe a, Probe b, F f) {
    if (a.constant_ && b.constant_) return f(*a.constant_, *b.constant_);
    return reading(a.reads_ | b.reads_);
  }

  unsigned reads_ = 0;
  std::optional<double> constant_;
};

// Bits of Usage: the inputs in order, then the result.
inline constexpr unsigned kReadsA = 1, kReadsB = 2, kReadsC = 4, kReadsResult = 8;

// What one local derivative of a formula reads.
struct LocalUsage {
  bool exists = false;             // there is a rule for this input
  unsigned reads = 0;              // kReads... bits; scalar parameters are not among them
  std::optional<double> constant;  // its value where it is the same for all elements and parameters
};

// Usage<F>::of(i) for input i.
template <class F> struct Usage {
  static LocalUsage of(int input) { return all()[static_cast<std::size_t>(input)]; }

  static const std::array<LocalUsage, 3>& all() {
    static const std::array<LocalUsage, 3> usages = probe();
    return usages;
  }

 private:
  static std::array<LocalUsage, 3> probe() {
    std::array<LocalUsage, 3> usages;
    if constexpr (F::rule == Rule::Derivative) {
      const Probe a = Probe::reading(kReadsA), b = Probe::reading(kReadsB);
      const Probe c = Probe::reading(kReadsC), y = Probe::reading(kReadsResult);
      if constexpr (F::arity == 1) {
        usages[0] = usage([&](auto... p) { return F::local(a, y, p...); });
      } else if constexpr (F::arity == 2) {
        if constexpr (F::a_rule == Rule::Derivative)
          usages[0] = usage([&](auto... p) { return F::local_a(a, b, y, p...); });
        if constexpr (F::b_rule == Rule::Derivative)
          usages[1] = usage([&](auto... p) { return F::local_b(a, b, y, p...); });
      } else {
        if constexpr (F::a_rule == Rule::Derivative)
          usages[0] = usage([&](auto... p) { return F::local_a(a, b, c, y, p...); });
        if constexpr (F::b_rule == Rule::Derivative)
          usages[1] = usage([&](auto... p) { return F::local_b(a, b, c, y, p...); });
        if constexpr (F::c_rule == Rule::Derivative)
          usages[2] = usage([&](auto... p) { return F::local_c(a, b, c, y, p...); });
      }
    }
    return usages;
  }

  // Calls a rule with F::params parameters.
  template <int n = F::params, class Rule, class... P> static LocalUsage usage(Rule rule, P... p) {
    if constexpr (n > 0) {
      return usage<n - 1>(rule, p..., Probe::reading(0));
    } else {
      const Probe local = rule(p...);
      return {true, local.reads(), local.constant()};
    }
  }
};

}  // namespace backlit
