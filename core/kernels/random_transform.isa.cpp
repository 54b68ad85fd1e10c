// Uniform numbers to other ranges and to normal ones.
#include "kernels/random_transform.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "kernels/isa.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

using std::int32_t;
using std::int64_t;
using std::uint32_t;

inline float mad(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

template <class T> void affine(T* u, int64_t n, T width, T base) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (sizeof(T) == 4)
      u[i] = mad(u[i], width, base);
    else
      u[i] = __builtin_fma(u[i], width, base);
  }
}

// Logarithm of a normal number in (0, 1] and sine and cosine of an angle in [0, 2 pi], as in Cephes
// (S. Moshier, logf, sinf, cosf), which PyTorch's vectorised normal_ follows: the same polynomials,
// and no branches.
inline float log_unit(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  auto exponent = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126);
  bits = (bits & 0x007fffffu) | 0x3f000000u;
  float m;  // [0.5, 1)
  std::memcpy(&m, &bits, sizeof m);
  const bool low = m < std::numbers::sqrt2_v<float> / 2;
  exponent -= low ? 1.0f : 0.0f;
  m = m - 1.0f + (low ? m : 0.0f);
  const float square = m * m;
  float y = 7.0376836292e-2f;
  y = mad(y, m, -1.1514610310e-1f);
  y = mad(y, m, 1.1676998740e-1f);
  y = mad(y, m, -1.2420140846e-1f);
  y = mad(y, m, 1.4249322787e-1f);
  y = mad(y, m, -1.6668057665e-1f);
  y = mad(y, m, 2.0000714765e-1f);
  y = mad(y, m, -2.4999993993e-1f);
  y = mad(y, m, 3.3333331174e-1f);
  y = mad(y * m, square, exponent * -2.12194440e-4f);
  y -= square * 0.5f;
  return mad(exponent, 0.693359375f, m + y);
}

inline void sincos_turn(float x, float& sine, float& cosine) {
  const auto octant = (static_cast<int32_t>(x * (4 / std::numbers::pi_v<float>)) + 1) & ~1;
  const auto j = static_cast<float>(octant);
  // pi/4 in three parts, so that the product with j is exact
  x = mad(j, -0.78515625f, x);
  x = mad(j, -2.4187564849853515625e-4f, x);
  x = mad(j, -3.77489497744594108e-8f, x);
  const float z = x * x;
  float c = 2.443315711809948e-5f;
  c = mad(c, z, -1.388731625493765e-3f);
  c = mad(c, z, 4.166664568298827e-2f);
  c = mad(c * z, z, -(z * 0.5f)) + 1.0f;
  float s = -1.9515295891e-4f;
  s = mad(s, z, 8.3321608736e-3f);
  s = mad(s, z, -1.6666654611e-1f);
  s = mad(s * z, x, x);
  const bool swap = octant & 2;
  const float sine_sign = octant & 4 ? -1.0f : 1.0f;
  const float cosine_sign = (octant + 2) & 4 ? -1.0f : 1.0f;
  sine = (swap ? c : s) * sine_sign;
  cosine = (swap ? s : c) * cosine_sign;
}

void normal(float* u, int64_t n, float mean, float std) {
  for (int64_t block = 0; block < n; block += 16, u += 16)
    for (int i = 0; i < 8; ++i) {
      const float radius = __builtin_sqrtf(-2.0f * log_unit(1.0f - u[i]));
      float sine, cosine;
      sincos_turn(2 * std::numbers::pi_v<float> * u[i + 8], sine, cosine);
      u[i] = mad(radius * cosine, std, mean);
      u[i + 8] = mad(radius * sine, std, mean);
    }
}

constexpr RandomKernels random_table{&affine<float>, &affine<double>, &normal};
BACKLIT_ISA_TABLE(RandomKernels, random_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
