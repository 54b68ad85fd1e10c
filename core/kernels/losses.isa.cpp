// The formulas of formulas/loss.h, summed and differentiated in one pass.
#include "kernels/losses.h"

#include "formulas/loss.h"
#include "kernels/row_sums.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class F, class T> BACKLIT_INLINE T value_of(T a, T b, [[maybe_unused]] T p) {
  if constexpr (F::params == 0)
    return F::value(a, b);
  else
    return F::value(a, b, p);
}
template <class F, int Input, class T> BACKLIT_INLINE T local_of(T a, T b, [[maybe_unused]] T p) {
  // no formula of this table reads its result
  if constexpr (F::params == 0)
    return Input == 0 ? F::local_a(a, b, T(0)) : F::local_b(a, b, T(0));
  else
    return Input == 0 ? F::local_a(a, b, T(0), p) : F::local_b(a, b, T(0), p);
}

template <class F, class T> double sum(const void* pa, const void* pb, i64 n, double param) {
  const T* a = static_cast<const T*>(pa);
  const T* b = static_cast<const T*>(pb);
  const T p = static_cast<T>(param);
  alignas(64) T values[kPiece];
  double total = 0;
  for (i64 first = 0; first < n; first += kPiece, a += kPiece, b += kPiece) {
    const i64 count = n - first < kPiece ? n - first : kPiece;
    for (i64 i = 0; i < count; ++i) values[i] = value_of<F, T>(a[i], b[i], p);
    total += static_cast<double>(row_total(values, count));
  }
  return total;
}

template <class F, int Input, class T>
void gradient(const void* pa, const void* pb, void* out, i64 n, double factor, double param) {
  const T* a = static_cast<const T*>(pa);
  const T* b = static_cast<const T*>(pb);
  const T p = static_cast<T>(param), f = static_cast<T>(factor);
  T* g = static_cast<T*>(out);
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) g[i] = f * local_of<F, Input, T>(a[i], b[i], p);
}

template <class T> bool in_unit_interval(const void* in, i64 n) {
  const T* x = static_cast<const T*>(in);
  int outside = 0;
  for (i64 i = 0; i < n; ++i) outside |= !((x[i] >= T(0)) & (x[i] <= T(1)));
  return outside == 0;
}

template <class F, class T> constexpr PairLossKernel kernel_for() {
  return {&sum<F, T>, {&gradient<F, 0, T>, &gradient<F, 1, T>}};
}
template <class F> constexpr void fill(PairLossTable& t, PairLoss loss) {
  t.of[static_cast<int>(loss)][0] = kernel_for<F, float>();
  t.of[static_cast<int>(loss)][1] = kernel_for<F, double>();
}

constexpr PairLossTable make_table() {
  PairLossTable t{};
  fill<formulas::MseElementwise>(t, PairLoss::Mse);
  fill<formulas::L1Elementwise>(t, PairLoss::L1);
  fill<formulas::SmoothL1Elementwise>(t, PairLoss::SmoothL1);
  fill<formulas::HuberElementwise>(t, PairLoss::Huber);
  fill<formulas::BinaryCrossEntropyElementwise>(t, PairLoss::BinaryCrossEntropy);
  fill<formulas::BceWithLogitsElementwise>(t, PairLoss::BinaryCrossEntropyWithLogits);
  t.in_unit_interval[0] = &in_unit_interval<float>;
  t.in_unit_interval[1] = &in_unit_interval<double>;
  return t;
}

constexpr PairLossTable pair_loss_table = make_table();
BACKLIT_ISA_TABLE(PairLossTable, pair_loss_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
