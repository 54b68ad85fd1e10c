// Losses of pairs of elements: squared and absolute errors and their mixtures.
#include "ops/losses.h"

#include "formulas/loss.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

LossReduction loss_reduction(const std::string& word) {
  if (word == "mean") return LossReduction::Mean;
  if (word == "sum") return LossReduction::Sum;
  BACKLIT_CHECK(word == "none", Value, word, " is not a valid value for reduction");
  return LossReduction::None;
}

Tensor reduced_loss(const Tensor& loss, LossReduction r) {
  return r == LossReduction::None ? loss : r == LossReduction::Mean ? mean(loss) : sum(loss);
}

namespace {

void warn_of_broadcast(const Tensor& input, const Tensor& target) {
  const std::string text =
      concat("Using a target size (torch.Size(", to_string(target.sizes()),
             ")) that is different to the input size (torch.Size(", to_string(input.sizes()),
             ")). This will likely lead to incorrect results due to broadcasting. "
             "Please ensure they have the same size.");
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonErrorSet();
}

Tensor loss_of(const ElementwiseOp& op, const Tensor& input, const Tensor& target,
               const std::string& reduction, const double* params = nullptr) {
  const LossReduction r = loss_reduction(reduction);
  if (!input.layout().same_sizes(target.layout())) warn_of_broadcast(input, target);
  const Operand in[] = {input, target};
  return reduced_loss(elementwise(op, in, params), r);
}

Tensor mse_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction) {
  return loss_of(RecordOf<formulas::MseElementwise>::op, input, target, reduction);
}
Tensor l1_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction) {
  return loss_of(RecordOf<formulas::L1Elementwise>::op, input, target, reduction);
}
Tensor smooth_l1_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction,
                         double beta) {
  BACKLIT_CHECK(beta >= 0, Runtime, "smooth_l1_loss does not support negative values for beta.");
  if (beta == 0) return l1_loss_op(input, target, reduction);
  return loss_of(RecordOf<formulas::SmoothL1Elementwise>::op, input, target, reduction, &beta);
}
Tensor huber_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction,
                     double delta) {
  BACKLIT_CHECK(delta > 0, Runtime, "huber_loss does not support non-positive values for delta.");
  return loss_of(RecordOf<formulas::HuberElementwise>::op, input, target, reduction, &delta);
}

const Register mse_row("mse_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor", mse_loss_op,
                       {.meaning = "Squared error, reduced.",
                        .formula = "y = 1/n Σᵢ (aᵢ − bᵢ)²",
                        .gradient = "∂L/∂a = 2/n (a − b) ∂L/∂y, ∂L/∂b = −∂L/∂a",
                        .home = "nn"});
const Register l1_row("l1_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor", l1_loss_op,
                      {.meaning = "Absolute error, reduced.",
                       .formula = "y = 1/n Σᵢ |aᵢ − bᵢ|",
                       .gradient = "∂L/∂a = 1/n sign(a − b) ∂L/∂y, ∂L/∂b = −∂L/∂a",
                       .home = "nn"});
const Register smooth_l1_row(
    "smooth_l1_loss(Tensor input, Tensor target, str reduction='mean', float beta=1.0) -> Tensor",
    smooth_l1_loss_op,
    {.meaning = "Absolute error with a parabola below beta, reduced.",
     .formula = "y = 1/n Σᵢ (dᵢ² / 2β if |dᵢ| < β else |dᵢ| − β/2), d = a − b",
     .gradient = "∂L/∂a = 1/n clamp(d/β, −1, 1) ∂L/∂y, ∂L/∂b = −∂L/∂a",
     .home = "nn"});
const Register huber_row(
    "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0) -> Tensor", huber_loss_op,
    {.meaning = "Half the squared error, with straight lines beyond delta, reduced.",
     .formula = "y = 1/n Σᵢ (dᵢ²/2 if |dᵢ| ≤ δ else δ(|dᵢ| − δ/2)), d = a − b",
     .gradient = "∂L/∂a = 1/n clamp(d, −δ, δ) ∂L/∂y, ∂L/∂b = −∂L/∂a",
     .home = "nn"});

Tensor bce_op(const Tensor& input, const Tensor& target, const Tensor& weight, const std::string& reduction) {
  const LossReduction r = loss_reduction(reduction);
  BACKLIT_CHECK(input.layout().same_sizes(target.layout()), Value, "Using a target size (torch.Size(",
                to_string(target.sizes()), ")) that is different to the input size (torch.Size(",
                to_string(input.sizes()), ")) is deprecated. Please ensure they have the same size.");
  Tensor y = apply<formulas::BinaryCrossEntropyElementwise>(input, target);
  if (weight.defined()) y = mul(y, weight);
  return reduced_loss(y, r);
}
Tensor bce_with_logits_op(const Tensor& input, const Tensor& target, const Tensor& weight,
                          const std::string& reduction, const Tensor& pos_weight) {
  const LossReduction r = loss_reduction(reduction);
  BACKLIT_CHECK(input.layout().same_sizes(target.layout()), Value, "Target size (torch.Size(",
                to_string(target.sizes()), ")) must be the same as input size (torch.Size(",
                to_string(input.sizes()), "))");
  Tensor y = pos_weight.defined() ? apply<formulas::BceWithLogitsWeighted>(input, target, pos_weight)
                                  : apply<formulas::BceWithLogitsElementwise>(input, target);
  if (weight.defined()) y = mul(y, weight);
  return reduced_loss(y, r);
}
const Register bce_row(
    "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean') -> Tensor",
    bce_op,
    {.meaning = "Cross entropy of probabilities and targets in [0, 1], reduced.",
     .formula = "y = −1/n Σᵢ wᵢ (bᵢ log aᵢ + (1 − bᵢ) log(1 − aᵢ))",
     .gradient = "∂L/∂a = w/n (a − b) / (a (1 − a)) ∂L/∂y",
     .home = "nn"});
const Register bce_with_logits_row(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, "
    "str reduction='mean', Tensor? pos_weight=None) -> Tensor",
    bce_with_logits_op,
    {.meaning = "Cross entropy of sigmoid(input) and targets in [0, 1], reduced, without overflow.",
     .formula = "y = −1/n Σᵢ wᵢ (pᵢ bᵢ log σ(aᵢ) + (1 − bᵢ) log(1 − σ(aᵢ)))",
     .gradient = "∂L/∂a = w/n (σ(a) − b) ∂L/∂y where p = 1",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
