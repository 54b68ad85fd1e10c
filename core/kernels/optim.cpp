// What a step makes of an optimizer's hyperparameters, parameter by parameter.
#include "kernels/optim.h"

#include <algorithm>
#include <cmath>

#include "kernels/isa.h"

namespace backlit {

const OptimTable& optim_table() {
  static const OptimTable& table = best_table<OptimTable>("OptimTable");
  return table;
}

void AdamRule::advance(OptimNumbers& n) {
  const double k = n.set(0, n.value[0] + 1);
  bias1 = 1 - std::pow(beta1, k);
  bias2 = 1 - std::pow(beta2, k);
}

void NadamRule::advance(OptimNumbers& n) {
  AdamRule::advance(n);
  const auto momentum_at = [&](double k) {
    return beta1 * (1 - 0.5 * std::pow(0.96, k * momentum_decay));
  };
  const double mu = momentum_at(n.value[0]), mu_next = momentum_at(n.value[0] + 1);
  const double product = n.set(1, n.value[1] * mu);
  gradient_rate = -lr * (1 - mu) / (1 - product);
  average_rate = -lr * mu_next / (1 - product * mu_next);
}

void RadamRule::advance(OptimNumbers& n) {
  AdamRule::advance(n);
  const double k = n.value[0], limit = 2 / (1 - beta2) - 1;
  const double rho = limit - 2 * k * std::pow(beta2, k) / bias2;
  rectified = rho > 5;
  rectification =
      rectified ? std::sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) : 1;
}

void RmspropRule::advance(OptimNumbers& n) { n.set(0, n.value[0] + 1); }
void AdadeltaRule::advance(OptimNumbers& n) { n.set(0, n.value[0] + 1); }
void RpropRule::advance(OptimNumbers& n) { n.set(0, n.value[0] + 1); }

void AdagradRule::advance(OptimNumbers& n) {
  rate = lr / (1 + (n.set(0, n.value[0] + 1) - 1) * lr_decay);
}

// eta and mu of this step are those that the last one left.
void AsgdRule::advance(OptimNumbers& n) {
  const double k = n.set(0, n.value[0] + 1);
  eta = n.value[1];
  mu = n.value[2];
  n.set(1, lr / std::pow(1 + lambd * lr * k, alpha));
  n.set(2, 1 / std::max(1.0, k - t0));
}

}  // namespace backlit
