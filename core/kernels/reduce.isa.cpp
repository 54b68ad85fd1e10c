// The reductions of reduce.h, one struct each.
#include "kernels/reduce_loops.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class To, class From> To converted(From x) {
  if constexpr (std::is_same_v<To, From>)
    return x;
  else if constexpr (std::is_arithmetic_v<From>)
    return static_cast<To>(x);
  else
    return __builtin_convertvector(x, To);
}

// Integers are added and multiplied as unsigned numbers, which wrap around.
template <class T>
using SumType = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
template <class T>
using SumResult = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;

template <class T> struct SumBase {
  using In = T;
  using Acc = SumType<T>;
  using Out = SumResult<T>;
  static constexpr Acc start() { return Acc(0); }
  template <class A> static A combine(A a, A b) { return a + b; }
};
template <class T> struct Sum : SumBase<T> {
  template <class X, class A> static A map(X x, A) { return converted<A>(x); }
};
template <class T> struct NanSum : SumBase<T> {
  template <class X, class A> static A map(X x, A) { return converted<A>(x != x ? X{} : x); }
};
template <class T> struct SumSquares : SumBase<T> {
  template <class X, class A> static A map(X x, A) { return x * x; }
};
template <class T> struct SumAbs : SumBase<T> {
  template <class X, class A> static A map(X x, A) { return x > -x ? x : -x; }
};
template <class T> struct WideSum {
  using In = T;
  using Acc = double;
  using Out = double;
  static constexpr Acc start() { return 0; }
  template <class A> static A combine(A a, A b) { return a + b; }
  template <class X, class A> static A map(X x, A) { return converted<A>(x); }
};
template <class T> struct Deviation : WideSum<T> {
  template <class X, class A> static A map(X x, A p) {
    const A d = converted<A>(x) - p;
    return d * d;
  }
};
template <class T> struct Prod : SumBase<T> {
  using Acc = SumType<T>;
  static constexpr Acc start() { return Acc(1); }
  template <class A> static A combine(A a, A b) { return a * b; }
  template <class X, class A> static A map(X x, A) { return converted<A>(x); }
};
template <class T> struct Count {
  using In = T;
  using Acc = std::uint64_t;
  using Out = std::int64_t;
  static constexpr Acc start() { return 0; }
  template <class A> static A combine(A a, A b) { return a + b; }
  template <class X, class A> static A map(X x, A) {
    const X one = X{} + T(1);
    return converted<A>(x != X{} ? one : X{});
  }
};

template <class T> constexpr T lowest() {
  if constexpr (std::is_floating_point_v<T>)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}
template <class T> constexpr T highest() {
  if constexpr (std::is_floating_point_v<T>)
    return std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::max();
}

// nan is larger and smaller than everything. Of equals the first stays.
template <class T> struct Max {
  using In = T;
  using Acc = T;
  using Out = T;
  static constexpr Acc start() { return lowest<T>(); }
  template <class A> static A combine(A a, A b) {
    if constexpr (std::is_floating_point_v<T>)
      return ((a >= b) | (a != a)) ? a : b;
    else
      return a >= b ? a : b;
  }
  template <class X, class A> static A map(X x, A) { return x; }
};
template <class T> struct Min : Max<T> {
  static constexpr T start() { return highest<T>(); }
  template <class A> static A combine(A a, A b) {
    if constexpr (std::is_floating_point_v<T>)
      return ((a <= b) | (a != a)) ? a : b;
    else
      return a <= b ? a : b;
  }
};
template <class T> struct MaxAbs : Max<T> {
  static constexpr T start() { return 0; }
  template <class X, class A> static A map(X x, A) { return x > -x ? x : -x; }
};
template <class T> struct MinAbs : Min<T> {
  template <class X, class A> static A map(X x, A) { return x > -x ? x : -x; }
};

template <std::size_t Bytes> struct SignedOf;
template <> struct SignedOf<1> {
  using Type = std::int8_t;
};
template <> struct SignedOf<2> {
  using Type = std::int16_t;
};
template <> struct SignedOf<4> {
  using Type = std::int32_t;
};
template <> struct SignedOf<8> {
  using Type = std::int64_t;
};

// The accumulator is a mask: all bits, or none.
template <class T> struct Any {
  using In = T;
  using Acc = typename SignedOf<sizeof(T)>::Type;
  using Out = bool;
  static constexpr Acc start() { return 0; }
  template <class A> static A combine(A a, A b) { return static_cast<A>(a | b); }
  template <class X, class A> static A map(X x, A) {
    if constexpr (std::is_arithmetic_v<X>)
      return static_cast<A>(x != X{} ? -1 : 0);
    else
      return (A)(x != X{});
  }
};
template <class T> struct All : Any<T> {
  using Acc = typename Any<T>::Acc;
  static constexpr Acc start() { return -1; }
  template <class A> static A combine(A a, A b) { return static_cast<A>(a & b); }
};

template <template <class> class K, class T>
constexpr void set(ReduceTable& t, Reduction r, Dtype d) {
  t.kernel[static_cast<int>(r)][static_cast<int>(d)] = kernel_of<K<T>>();
}

template <class T> constexpr void fill_all(ReduceTable& t, Dtype d) {
  set<Sum, T>(t, Reduction::Sum, d);
  set<Prod, T>(t, Reduction::Prod, d);
  set<Min, T>(t, Reduction::Min, d);
  set<Max, T>(t, Reduction::Max, d);
  set<Any, T>(t, Reduction::Any, d);
  set<All, T>(t, Reduction::All, d);
  set<Count, T>(t, Reduction::Count, d);
}
template <class T> constexpr void fill_floating(ReduceTable& t, Dtype d) {
  fill_all<T>(t, d);
  set<NanSum, T>(t, Reduction::NanSum, d);
  set<SumSquares, T>(t, Reduction::SumSquares, d);
  set<SumAbs, T>(t, Reduction::SumAbs, d);
  set<WideSum, T>(t, Reduction::WideSum, d);
  set<Deviation, T>(t, Reduction::Deviation, d);
  set<MaxAbs, T>(t, Reduction::MaxAbs, d);
  set<MinAbs, T>(t, Reduction::MinAbs, d);
}

constexpr ReduceTable make_table() {
  ReduceTable t{};
  fill_all<std::uint8_t>(t, Dtype::Bool);  // a bool is one byte, 0 or 1
  t.kernel[static_cast<int>(Reduction::Min)][0].result = Dtype::Bool;
  t.kernel[static_cast<int>(Reduction::Max)][0].result = Dtype::Bool;
  fill_all<std::uint8_t>(t, Dtype::UInt8);
  fill_all<std::int8_t>(t, Dtype::Int8);
  fill_all<std::int16_t>(t, Dtype::Int16);
  fill_all<std::int32_t>(t, Dtype::Int32);
  fill_all<std::int64_t>(t, Dtype::Int64);
  fill_floating<float>(t, Dtype::Float32);
  fill_floating<double>(t, Dtype::Float64);
  return t;
}

constexpr ReduceTable table = make_table();
BACKLIT_ISA_TABLE(ReduceTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
