#include "kernels/optim.h"

#include "kernels/isa.h"
#include "kernels/optim_rules.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <unsigned kHas, class Rule, class T>
BACKLIT_INLINE void loop(const Rule rule, T* param, const T* grad, T* const* states,
                         std::int64_t n) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) {
    T w = param[i], s[kOptimStates] = {};
    for (int k = 0; k < Rule::states; ++k)
      if (kHas >> k & 1) s[k] = states[k][i];
    optim::update<kHas>(rule, w, grad[i], s);
    for (int k = 0; k < Rule::states; ++k)
      if (kHas >> k & 1) states[k][i] = s[k];
    param[i] = w;
  }
}

// The usual settings as constants: a loop that chooses may not vectorise.
template <unsigned kHas, class Rule, class T>
void run(Rule rule, T* param, const T* grad, T* const* states, std::int64_t n) {
  constexpr bool decouples = requires { rule.decoupled; };
  if (!rule.maximize && rule.weight_decay == 0) {
    rule.maximize = false;
    rule.weight_decay = 0;
    if constexpr (decouples) rule.decoupled = false;
    return loop<kHas>(rule, param, grad, states, n);
  }
  if constexpr (decouples) {
    if (!rule.maximize && rule.decoupled) {
      rule.maximize = false;
      rule.decoupled = true;
      return loop<kHas>(rule, param, grad, states, n);
    }
  }
  loop<kHas>(rule, param, grad, states, n);
}

// Finds the loop for the states that there are, counting down over the optional ones.
template <unsigned kHas, class Rule, class T>
void pick(const Rule& rule, unsigned has, T* param, const T* grad, T* const* states,
          std::int64_t n) {
  if (has == kHas) return run<kHas>(rule, param, grad, states, n);
  constexpr unsigned left = kHas & Rule::optional;
  if constexpr (left != 0) {
    constexpr unsigned next = (kHas & ~Rule::optional) | ((left - 1) & Rule::optional);
    pick<next>(rule, has, param, grad, states, n);
  }
}

template <class Rule, class T>
void kernel(const Rule& rule, unsigned has, T* param, const T* grad, T* const* states,
            std::int64_t n) {
  pick<(1u << Rule::states) - 1>(rule, has, param, grad, states, n);
}

template <class... Rules> constexpr OptimRules<Rules...> kernels_of(const OptimRules<Rules...>*) {
  return {OptimKernels<Rules>{&kernel<Rules, float>, &kernel<Rules, double>}...};
}
constexpr OptimTable table = kernels_of(static_cast<const OptimTable*>(nullptr));
BACKLIT_ISA_TABLE(OptimTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
