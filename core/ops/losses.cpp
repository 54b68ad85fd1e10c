// Losses of pairs of elements: squared and absolute errors, their mixtures, binary cross entropy.
// The value and the derivatives are those of formulas/loss.h; here they are reduced on the way.
#include "ops/losses.h"

#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "formulas/loss.h"
#include "kernels/isa.h"
#include "kernels/losses.h"
#include "ops/arithmetic.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit {

const PairLossTable& pair_losses() {
  static const auto& table = best_table<PairLossTable>("PairLossTable");
  return table;
}

namespace ops {

LossReduction loss_reduction(const std::string& word) {
  if (word == "mean") return LossReduction::Mean;
  if (word == "sum") return LossReduction::Sum;
  BACKLIT_CHECK(word == "none", Value, word, " is not a valid value for reduction");
  return LossReduction::None;
}

Tensor reduced_loss(const Tensor& loss, LossReduction r) {
  return r == LossReduction::None ? loss : r == LossReduction::Mean ? mean(loss) : sum(loss);
}

void check_constant(const char* function, const char* argument, const Tensor& t) {
  BACKLIT_CHECK(!t.defined() || !t.requires_grad() || !modes.grad, Runtime, "The function '",
                function, "' is not differentiable with respect to argument '", argument,
                "'. This input cannot have requires_grad True.");
}

namespace {

using i64 = std::int64_t;
constexpr i64 kChunk = 1 << 14;

// A reduced loss of two tensors of one dtype and one dense layout.
struct Reduced {
  const ElementwiseOp* op;
  const PairLossKernel* kernel;
  double param;
  i64 divisor;  // n for a mean, 1 for a sum

  void operator()(Vjp& v) const;
  double sum(const Tensor& a, const Tensor& b) const;
  Tensor gradient(int input, const Tensor& a, const Tensor& b, double g) const;
};

double Reduced::sum(const Tensor& a, const Tensor& b) const {
  const i64 n = a.numel();
  if (n <= kChunk) return kernel->sum(a.raw(), b.raw(), n, param);
  std::vector<double> partial(static_cast<std::size_t>((n + kChunk - 1) / kChunk));
  {
    const GilRelease release(n >= kGilReleaseElements);
    const char *pa = a.raw(), *pb = b.raw();
    const auto size = static_cast<i64>(size_of(a.dtype()));
    parallel_for(n, kChunk, [&](i64 begin, i64 end) {
      partial[static_cast<std::size_t>(begin / kChunk)] =
          kernel->sum(pa + begin * size, pb + begin * size, end - begin, param);
    });
  }
  double total = 0;
  for (double p : partial) total += p;
  return total;
}

Tensor Reduced::gradient(int input, const Tensor& a, const Tensor& b, double g) const {
  Tensor out = Tensor::empty(a.layout_ref(), a.dtype());
  const i64 n = a.numel();
  const double factor = g / static_cast<double>(divisor);
  const auto f = kernel->gradient[input];
  if (n <= kChunk) {
    f(a.raw(), b.raw(), out.raw(), n, factor, param);
    return out;
  }
  const GilRelease release(n >= kGilReleaseElements);
  const char *pa = a.raw(), *pb = b.raw();
  char* po = out.raw();
  const auto size = static_cast<i64>(size_of(a.dtype()));
  parallel_for(n, kChunk, [&](i64 begin, i64 end) {
    f(pa + begin * size, pb + begin * size, po + begin * size, end - begin, factor, param);
  });
  return out;
}

void Reduced::operator()(Vjp& v) const {
  const Tensor a = v.saved(0), b = v.saved(1), &g = v.g();
  for (int i = 0; i < 2; ++i) {
    if (!v.needs(i)) continue;
    if (!modes.grad) {
      v.set(i, gradient(i, a, b, g.item()));
      continue;
    }
    const Recorded in[] = {Recorded(a), Recorded(b)};
    recorded_dtype = a.dtype();
    const Tensor share = divisor == 1 ? g : div(g, Scalar(static_cast<double>(divisor)));
    v.set(i, times_local(share, op->local[i](in, Recorded(), &param), op->masks));
  }
}

struct Names {
  const char *none, *mean, *sum;
};

bool same_dense_layout(const Layout& a, const Layout& b) {
  if (&a == &b) return a.dense;
  if (!a.same_sizes(b)) return false;
  // strides of dimensions of size 1 may differ
  return (a.contiguous && b.contiguous) ||
         (a.dense && b.dense && std::ranges::equal(a.strides(), b.strides()));
}

Tensor broadcast_contiguous(const Tensor& x, Span sizes) {
  return contiguous(std::ranges::equal(x.sizes(), sizes) ? x : expand(x, sizes));
}

// a and b have one floating dtype and any shapes that broadcast.
Tensor reduced_pair(const ElementwiseOp& op, PairLoss loss, const Names& names, const Tensor& a,
                    const Tensor& b, LossReduction r, double param) {
  if (!same_dense_layout(a.layout(), b.layout())) {
    const Dims sizes = broadcast_sizes(a.sizes(), b.sizes());
    return reduced_pair(op, loss, names, broadcast_contiguous(a, sizes),
                        broadcast_contiguous(b, sizes), r, param);
  }
  const bool averaged = r == LossReduction::Mean;
  const Reduced rule{&op, &pair_losses().of[static_cast<int>(loss)][a.dtype() == Dtype::Float64],
                     param, averaged ? a.numel() : 1};
  Tensor y = Tensor::empty(Span(), a.dtype());
  const double total = rule.sum(a, b) / static_cast<double>(rule.divisor);
  if (a.dtype() == Dtype::Float32)
    *y.data<float>() = static_cast<float>(total);
  else
    *y.data<double>() = total;
  y->inference = modes.inference;
  return record(averaged ? names.mean : names.sum, std::move(y), {a, b}, {a, b}, rule);
}

Tensor pair_loss(const ElementwiseOp& op, PairLoss loss, const Names& names, const Tensor& a,
                 const Tensor& b, LossReduction r, double param) {
  if (a.dtype() != b.dtype()) {  // broadcasting comes first in PyTorch: a 0-d tensor counts in full
    const Dtype d = promote_types(a.dtype(), b.dtype());
    return pair_loss(op, loss, names, to_dtype(a, d), to_dtype(b, d), r, param);
  }
  if (r != LossReduction::None) return reduced_pair(op, loss, names, a, b, r, param);
  const Operand in[] = {a, b};
  return elementwise(op, in, &param);
}

void warn_of_broadcast(const Tensor& input, const Tensor& target) {
  const std::string text =
      concat("Using a target size (torch.Size(", to_string(target.sizes()),
             ")) that is different to the input size (torch.Size(", to_string(input.sizes()),
             ")). This will likely lead to incorrect results due to broadcasting. "
             "Please ensure they have the same size.");
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonErrorSet();
}

// The loss in the dtype of the argument that decides it, as in PyTorch.
Tensor in_dtype_of(const Tensor& decisive, const Tensor& loss) {
  BACKLIT_CHECK(decisive.is_floating(), Runtime, "result type ", info(loss.dtype()).scalar_name,
                " can't be cast to the desired output type ", info(decisive.dtype()).scalar_name,
                ". Convert both to one floating dtype.");
  return to_dtype(loss, decisive.dtype());
}

// `kernel`: PyTorch's name of the loop, in its error; null where integers are accepted.
Tensor error_loss(const ElementwiseOp& op, PairLoss loss, const Names& names, const char* kernel,
                  const Tensor& input, const Tensor& target, const std::string& reduction,
                  double param) {
  const LossReduction r = loss_reduction(reduction);
  if (!input.layout().same_sizes(target.layout())) warn_of_broadcast(input, target);
  const Operand in[] = {input, target};
  if (!kernel && (input.dtype() == Dtype::Bool || target.dtype() == Dtype::Bool))
    sub(input, target);  // which refuses them
  if (!is_floating(result_type(in))) {
    broadcast_sizes(input.sizes(), target.sizes());
    BACKLIT_CHECK(!kernel, NotImplemented, "\"", kernel, "\" not implemented for '",
                  info(result_type(in)).scalar_name,
                  "'. Convert the input or the target to a floating dtype.");
    return reduced_loss(elementwise(op, in), r);
  }
  return pair_loss(op, loss, names, input, target, r, param);
}

constexpr Names kMseNames{"MseLossBackward0", "MseLossBackward0", "MseLossBackward0"};
constexpr Names kL1Names{"AbsBackward0", "MeanBackward0", "SumBackward0"};
constexpr Names kSmoothL1Names{"SmoothL1LossBackward0", "SmoothL1LossBackward0",
                               "SmoothL1LossBackward0"};
constexpr Names kHuberNames{"HuberLossBackward0", "HuberLossBackward0", "HuberLossBackward0"};

Tensor mse_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction) {
  return error_loss(RecordOf<formulas::MseElementwise>::op, PairLoss::Mse, kMseNames, "mse_cpu",
                    input, target, reduction, 0);
}
Tensor l1_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction) {
  return error_loss(RecordOf<formulas::L1Elementwise>::op, PairLoss::L1, kL1Names, nullptr, input,
                    target, reduction, 0);
}
Tensor smooth_l1_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction,
                         double beta) {
  BACKLIT_CHECK(beta >= 0, Runtime, "smooth_l1_loss does not support negative values for beta.");
  if (beta == 0) return l1_loss_op(input, target, reduction);
  return error_loss(RecordOf<formulas::SmoothL1Elementwise>::op, PairLoss::SmoothL1, kSmoothL1Names,
                    "smooth_l1_cpu", input, target, reduction, beta);
}
Tensor huber_loss_op(const Tensor& input, const Tensor& target, const std::string& reduction,
                     double delta) {
  BACKLIT_CHECK(delta > 0, Runtime, "huber_loss does not support non-positive values for delta.");
  const Tensor loss = error_loss(RecordOf<formulas::HuberElementwise>::op, PairLoss::Huber,
                                 kHuberNames, "huber_cpu", input, target, reduction, delta);
  return in_dtype_of(input, loss);
}

const Register mse_row("mse_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor",
                       mse_loss_op,
                       {.meaning = "Squared error, reduced.",
                        .formula = "y = 1/n Σᵢ (aᵢ − bᵢ)²",
                        .gradient = "∂L/∂a = 2/n (a − b) ∂L/∂y, ∂L/∂b = −∂L/∂a",
                        .home = "nn",
                        .mixed = Mixed::Promoted});
const RegisterComplex l1_row("l1_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor",
                             l1_loss_op,
                             {.meaning = "Absolute error, reduced.",
                              .formula = "y = 1/n Σᵢ |aᵢ − bᵢ|",
                              .gradient = "∂L/∂a = 1/n sign(a − b) ∂L/∂y, ∂L/∂b = −∂L/∂a",
                              .home = "nn",
                              .mixed = Mixed::Promoted});
const Register smooth_l1_row(
    "smooth_l1_loss(Tensor input, Tensor target, str reduction='mean', float beta=1.0) -> Tensor",
    smooth_l1_loss_op,
    {.meaning = "Absolute error with a parabola below beta, reduced.",
     .formula = "y = 1/n Σᵢ (dᵢ² / 2β if |dᵢ| < β else |dᵢ| − β/2), d = a − b",
     .gradient = "∂L/∂a = 1/n clamp(d/β, −1, 1) ∂L/∂y, ∂L/∂b = −∂L/∂a",
     .home = "nn",
     .mixed = Mixed::Promoted});
const Register huber_row(
    "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0) -> Tensor",
    huber_loss_op,
    {.meaning = "Half the squared error, with straight lines beyond delta, reduced.",
     .formula = "y = 1/n Σᵢ (dᵢ²/2 if |dᵢ| ≤ δ else δ(|dᵢ| − δ/2)), d = a − b",
     .gradient = "∂L/∂a = 1/n clamp(d, −δ, δ) ∂L/∂y, ∂L/∂b = −∂L/∂a",
     .home = "nn",
     .mixed = Mixed::Promoted});

// --- binary cross entropy ---

void check_fits(const Tensor& weight, const Tensor& input) {
  const Dims sizes = broadcast_sizes(input.sizes(), weight.sizes());
  BACKLIT_CHECK(std::ranges::equal(Span(sizes), input.sizes()), Runtime, "output with shape ",
                to_string(input.sizes()), " doesn't match the broadcast shape ", to_string(sizes));
}

// With weights: one node over the three tensors, its parts by recorded operations.
struct Weighted {
  const ElementwiseOp* op;
  LossReduction reduction;
  double n;
  bool has_weight, has_pos_weight;

  void operator()(Vjp& v) const {
    const Tensor a = v.saved(0), b = v.saved(1);
    const Recorded in[] = {Recorded(a), Recorded(b),
                           has_pos_weight ? Recorded(v.saved(3)) : Recorded()};
    Tensor g = v.g();
    if (reduction == LossReduction::Mean) g = div(g, Scalar(n));
    if (has_weight) g = mul(g, v.saved(2));
    recorded_dtype = a.dtype();
    for (int i = 0; i < 2; ++i)
      if (v.needs(i)) {
        const Tensor gx = times_local(g, op->local[i](in, Recorded(), nullptr), op->masks);
        v.set(i, to_dtype(gx, (i == 0 ? a : b).dtype()));
      }
  }
};

Tensor weighted_loss(const ElementwiseOp& op, const char* name, const Tensor& a, const Tensor& b,
                     const Tensor& weight, const Tensor& pos_weight, LossReduction r) {
  const Tensor inputs[] = {detach(a), detach(b),
                           pos_weight.defined() ? detach(pos_weight) : Tensor()};
  const Operand in[] = {inputs[0], inputs[1], inputs[2]};
  Tensor y = elementwise(op, std::span(in, static_cast<std::size_t>(op.arity)));
  if (weight.defined()) y = mul(y, detach(weight));
  const Weighted rule{&op, r, static_cast<double>(y.numel()), weight.defined(),
                      pos_weight.defined()};
  return record(name, reduced_loss(y, r), {a, b}, {a, b, weight, pos_weight}, rule);
}

constexpr Names kBceNames{"BinaryCrossEntropyBackward0", "BinaryCrossEntropyBackward0",
                          "BinaryCrossEntropyBackward0"};
constexpr Names kLogitsNames{"BinaryCrossEntropyWithLogitsBackward0",
                             "BinaryCrossEntropyWithLogitsBackward0",
                             "BinaryCrossEntropyWithLogitsBackward0"};

void check_probabilities(const char* which, const Tensor& x) {
  const Tensor dense = x.layout().dense ? x : contiguous(detach(x));
  BACKLIT_CHECK(
      pair_losses().in_unit_interval[x.dtype() == Dtype::Float64](dense.raw(), dense.numel()),
      Runtime, "all elements of ", which, " should be between 0 and 1");
}

Tensor bce_op(const Tensor& input, const Tensor& target, const Tensor& weight,
              const std::string& reduction) {
  const LossReduction r = loss_reduction(reduction);
  BACKLIT_CHECK(input.layout().same_sizes(target.layout()), Value,
                "Using a target size (torch.Size(", to_string(target.sizes()),
                ")) that is different to the input size (torch.Size(", to_string(input.sizes()),
                ")) is deprecated. Please ensure they have the same size.");
  check_constant("binary_cross_entropy", "weight", weight);
  BACKLIT_CHECK(input.dtype() == target.dtype(), Runtime, "Found dtype ",
                info(target.dtype()).scalar_name, " but expected ",
                info(input.dtype()).scalar_name);
  BACKLIT_CHECK(input.is_floating(), NotImplemented,
                "\"binary_cross_entropy\" not implemented for '", info(input.dtype()).scalar_name,
                "'");
  if (weight.defined()) check_fits(weight, input);
  check_probabilities("input", input);
  check_probabilities("target", target);
  const ElementwiseOp& op = RecordOf<formulas::BinaryCrossEntropyElementwise>::op;
  if (weight.defined())
    return weighted_loss(op, kBceNames.none, input, target, weight, Tensor(), r);
  return pair_loss(op, PairLoss::BinaryCrossEntropy, kBceNames, input, target, r, 0);
}

Tensor bce_with_logits_op(const Tensor& input, const Tensor& target, const Tensor& weight,
                          const std::string& reduction, const Tensor& pos_weight) {
  const LossReduction r = loss_reduction(reduction);
  BACKLIT_CHECK(input.layout().same_sizes(target.layout()), Value, "Target size (torch.Size(",
                to_string(target.sizes()), ")) must be the same as input size (torch.Size(",
                to_string(input.sizes()), "))");
  check_constant("binary_cross_entropy_with_logits", "weight", weight);
  check_constant("binary_cross_entropy_with_logits", "pos_weight", pos_weight);
  BACKLIT_CHECK(target.dtype() != Dtype::Bool, Runtime,
                "Subtraction, the `-` operator, with two bool tensors is not supported. "
                "Convert the target to the input's dtype.");
  BACKLIT_CHECK(input.is_floating(), NotImplemented, "\"log_sigmoid_cpu\" not implemented for '",
                info(input.dtype()).scalar_name, "'");
  if (weight.defined()) check_fits(weight, input);
  const ElementwiseOp& op = RecordOf<formulas::BceWithLogitsElementwise>::op;
  if (!weight.defined() && !pos_weight.defined())
    return in_dtype_of(target, pair_loss(op, PairLoss::BinaryCrossEntropyWithLogits, kLogitsNames,
                                         input, target, r, 0));
  if (pos_weight.defined()) check_fits(pos_weight, input);
  return weighted_loss(pos_weight.defined() ? RecordOf<formulas::BceWithLogitsWeighted>::op : op,
                       kLogitsNames.none, input, target, weight, pos_weight, r);
}
const Register bce_row(
    "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean') "
    "-> Tensor",
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
     .gradient = "∂L/∂a = w/n ((1 − b + p b) σ(a) − p b) ∂L/∂y",
     .home = "nn",
     .mixed = Mixed::Promoted});

}  // namespace
}  // namespace ops
}  // namespace backlit
