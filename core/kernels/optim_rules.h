// The update of every optimizer, once: generic in the number type T. With float and double it is
// the kernel's loop, with Recorded it is a step that can be differentiated.
//
// Names: w the parameter, g its gradient, s its state. The order of operations is that of PyTorch's
// single-tensor optimizers, so that trajectories agree to rounding. Rules are branch-free, because
// loops over them must vectorise, and inlined for the same reason; only which states there are is
// known at compile time (kHas).
#pragma once

#include "formulas/math.h"
#include "kernels/optim.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace optim {
using namespace math;

template <class T>
concept Number = std::is_floating_point_v<T>;
template <Number T> T detached(T x) { return x; }

// The gradient to descend along. A decay of 0 is left out: w may be inf.
template <class T> BACKLIT_INLINE T descent(const T& w, const T& g, bool maximize, double decay) {
  const T d = where(maximize, -g, g);
  return where(decay != 0, d + T(decay) * w, d);
}
template <class T> BACKLIT_INLINE T descent(const OptimBasics& o, const T& w, const T& g) {
  return descent(w, g, o.maximize, o.weight_decay);
}
template <class T> BACKLIT_INLINE T descent(const AdamRule& o, const T& w, const T& g) {
  return descent(w, g, o.maximize, o.decoupled ? 0 : o.weight_decay);
}
// The parameter after its decoupled decay.
template <class T> BACKLIT_INLINE T shrunk(const AdamRule& o, const T& w) {
  return where(o.decoupled, w * T(1 - o.lr * o.weight_decay), w);
}

// Interpolation from the nearer end, as torch.lerp.
template <class T> BACKLIT_INLINE T toward(const T& from, const T& to, double weight) {
  return where(weight < 0.5, from + T(weight) * (to - from), to - (to - from) * T(1 - weight));
}
template <class T> BACKLIT_INLINE T average_of_squares(const T& v, const T& g, double beta) {
  return v * T(beta) + T(1 - beta) * g * g;
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const SgdRule& o, T& w, const T& gradient, T* s) {
  T g = descent(o, w, gradient);
  if constexpr (kHas & 1) {
    s[0] = where(o.first, detached(g), s[0] * T(o.momentum) + T(1 - o.dampening) * g);
    g = where(o.nesterov, g + T(o.momentum) * s[0], s[0]);
  }
  w = w + T(-o.lr) * g;
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const AdamRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = toward(s[0], g, 1 - o.beta1);
  s[1] = average_of_squares(s[1], g, o.beta2);
  T v = s[1];
  if constexpr (kHas & 4) v = s[2] = maximum(s[2], v);
  const T scale = sqrt(v) * T(1 / __builtin_sqrt(o.bias2)) + T(o.eps);  // one division less
  w = shrunk(o, w) + T(-(o.lr / o.bias1)) * s[0] / scale;
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const NadamRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = toward(s[0], g, 1 - o.beta1);
  s[1] = average_of_squares(s[1], g, o.beta2);
  const T scale = sqrt(s[1] / T(o.bias2)) + T(o.eps);
  w = shrunk(o, w) + T(o.gradient_rate) * g / scale;
  w = w + T(o.average_rate) * s[0] / scale;
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const RadamRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = toward(s[0], g, 1 - o.beta1);
  s[1] = average_of_squares(s[1], g, o.beta2);
  const T plain = s[0] / T(o.bias1) * T(o.lr);
  const T adaptive = T(__builtin_sqrt(o.bias2)) / (sqrt(s[1]) + T(o.eps));
  w = shrunk(o, w) - where(o.rectified, plain * adaptive * T(o.rectification), plain);
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const AdamaxRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = toward(s[0], g, 1 - o.beta1);
  s[1] = maximum(s[1] * T(o.beta2), abs(g) + T(o.eps));
  w = w + T(-(o.lr / o.bias1)) * s[0] / s[1];
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const RmspropRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = average_of_squares(s[0], g, o.alpha);
  T v = s[0];
  if constexpr (kHas & 4) {
    s[2] = toward(s[2], g, 1 - o.alpha);
    v = v - s[2] * s[2];
  }
  const T scale = sqrt(v) + T(o.eps);
  if constexpr (kHas & 2) {
    s[1] = s[1] * T(o.momentum) + g / scale;
    w = w + T(-o.lr) * s[1];
  } else {
    w = w + T(-o.lr) * g / scale;
  }
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const AdagradRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = s[0] + g * g;
  w = w + T(-o.rate) * g / (sqrt(s[0]) + T(o.eps));
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const AdadeltaRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  s[0] = average_of_squares(s[0], g, o.rho);
  const T delta = sqrt(s[1] + T(o.eps)) / sqrt(s[0] + T(o.eps)) * g;
  s[1] = average_of_squares(s[1], delta, o.rho);
  w = w + T(-o.lr) * delta;
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const AsgdRule& o, T& w, const T& gradient, T* s) {
  const T g = descent(o, w, gradient);
  w = w * T(1 - o.lambd * o.eta) + T(-o.eta) * g;
  s[0] = where(o.mu == 1, w, s[0] + (w - s[0]) * T(o.mu));
}

template <unsigned kHas, class T>
BACKLIT_INLINE void update(const RpropRule& o, T& w, const T& gradient, T* s) {
  const T g = where(o.maximize, -gradient, gradient);
  const T turn = g * s[0];
  const auto turned = turn < T(0);
  const T up = where(turn > T(0), T(o.eta_plus), T(1));
  s[1] = minimum(maximum(s[1] * where(turned, T(o.eta_minus), up), T(o.step_min)), T(o.step_max));
  s[0] = where(turned, T(0), g);
  w = w - sign(s[0]) * s[1];
}

}  // namespace optim
}  // namespace BACKLIT_ISA
}  // namespace backlit
