// The order of operations is that of PyTorch's single-tensor optimizers, so that trajectories agree
// to rounding.
#include "kernels/optim.h"

#include "kernels/isa.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }

template <class T, bool kMomentum, bool kNesterov>
void sgd_loop(T* param, const T* grad, T* buffer, std::int64_t n, const SgdStep& s) {
  const T sign = s.maximize ? T(-1) : T(1), decay = static_cast<T>(s.weight_decay);
  const T lr = static_cast<T>(-s.lr), momentum = static_cast<T>(s.momentum);
  const T keep = static_cast<T>(1 - s.dampening);
  const bool first = s.first;
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) {
    T g = sign * grad[i] + (decay != 0 ? decay * param[i] : T(0));  // param may be inf
    if constexpr (kMomentum) {
      const T b = first ? g : momentum * buffer[i] + keep * g;
      buffer[i] = b;
      g = kNesterov ? g + momentum * b : b;
    }
    param[i] += lr * g;
  }
}

template <class T> void sgd(T* param, const T* grad, T* buffer, std::int64_t n, const SgdStep& s) {
  if (!buffer)
    sgd_loop<T, false, false>(param, grad, buffer, n, s);
  else if (s.nesterov)
    sgd_loop<T, true, true>(param, grad, buffer, n, s);
  else
    sgd_loop<T, true, false>(param, grad, buffer, n, s);
}

template <class T, bool kLargest>
void adam_loop(T* param, const T* grad, T* average, T* square, T* largest, std::int64_t n,
               const AdamStep& s) {
  const T sign = s.maximize ? T(-1) : T(1);
  const T coupled = static_cast<T>(s.decoupled ? 0 : s.weight_decay);
  const T shrink = static_cast<T>(s.decoupled ? 1 - s.lr * s.weight_decay : 1);
  const T near = static_cast<T>(1 - s.beta1), beta2 = static_cast<T>(s.beta2);
  const T far = static_cast<T>(1 - (1 - s.beta1)), rest2 = static_cast<T>(1 - s.beta2);
  const bool from_start = 1 - s.beta1 < 0.5;  // which end interpolation starts from, as torch.lerp
  const T rate = static_cast<T>(-(s.lr / s.bias1)), scale = static_cast<T>(root(s.bias2));
  const T eps = static_cast<T>(s.eps);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) {
    const T g = sign * grad[i] + (coupled != 0 ? coupled * param[i] : T(0));  // param may be inf
    const T m = average[i], d = g - m;
    const T next = from_start ? m + near * d : g - d * far;
    average[i] = next;
    T v = square[i] * beta2 + rest2 * (g * g);
    square[i] = v;
    if constexpr (kLargest) {
      // a NaN stays, as in torch.maximum
      v = largest[i] >= v || largest[i] != largest[i] ? largest[i] : v;
      largest[i] = v;
    }
    const T denominator = root(v) / scale + eps;
    param[i] = param[i] * shrink + rate * next / denominator;
  }
}

template <class T>
void adam(T* param, const T* grad, T* average, T* square, T* largest, std::int64_t n,
          const AdamStep& s) {
  if (largest)
    adam_loop<T, true>(param, grad, average, square, largest, n, s);
  else
    adam_loop<T, false>(param, grad, average, square, largest, n, s);
}

constexpr OptimTable table{{&sgd<float>, &adam<float>}, {&sgd<double>, &adam<double>}};
BACKLIT_ISA_TABLE(OptimTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
