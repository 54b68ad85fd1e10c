#include "kernels/optim.h"

#include "kernels/isa.h"
#include "kernels/optim_rules.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <unsigned kHas, class Rule, class T>
void run(const Rule& shared, T* param, const T* grad, T* const* states, std::int64_t n) {
  const Rule rule = shared;  // nothing written below can change it
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
