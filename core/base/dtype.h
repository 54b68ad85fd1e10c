// The element types of tensors and their properties.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/numbers.h"

namespace backlit {

// In the order of PyTorch's promotion lattice: a later type of the same category holds an earlier
// one (UInt8 with Int8 gives Int16 and Float16 with BFloat16 gives Float32, the two exceptions).
enum class Dtype : std::uint8_t {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex64,
  Complex128,
};
inline constexpr int kDtypes = 12;

enum class Category : std::uint8_t { Bool, Integer, Float, Complex };

struct DtypeInfo {
  const char* name;         // "float32"
  const char* scalar_name;  // PyTorch's name inside error messages: "Float"
  const char* tensor_type;  // legacy type name: "FloatTensor"
  const char* c_name;       // in C++, as PyTorch prints it in some messages: "long int"
  std::size_t size;         // bytes
  Category category;
};

inline constexpr std::array<DtypeInfo, kDtypes> kDtypeInfo{{
    {"bool", "Bool", "BoolTensor", "bool", 1, Category::Bool},
    {"uint8", "Byte", "ByteTensor", "unsigned char", 1, Category::Integer},
    {"int8", "Char", "CharTensor", "signed char", 1, Category::Integer},
    {"int16", "Short", "ShortTensor", "short", 2, Category::Integer},
    {"int32", "Int", "IntTensor", "int", 4, Category::Integer},
    {"int64", "Long", "LongTensor", "long int", 8, Category::Integer},
    {"float16", "Half", "HalfTensor", "c10::Half", 2, Category::Float},
    {"bfloat16", "BFloat16", "BFloat16Tensor", "c10::BFloat16", 2, Category::Float},
    {"float32", "Float", "FloatTensor", "float", 4, Category::Float},
    {"float64", "Double", "DoubleTensor", "double", 8, Category::Float},
    {"complex64", "ComplexFloat", "ComplexFloatTensor", "c10::complex<float>", 8,
     Category::Complex},
    {"complex128", "ComplexDouble", "ComplexDoubleTensor", "c10::complex<double>", 16,
     Category::Complex},
}};

constexpr const DtypeInfo& info(Dtype d) { return kDtypeInfo[static_cast<std::size_t>(d)]; }
constexpr std::size_t size_of(Dtype d) { return info(d).size; }
constexpr bool is_floating(Dtype d) { return d >= Dtype::Float16 && d <= Dtype::Float64; }
constexpr bool is_integral(Dtype d) { return d > Dtype::Bool && d < Dtype::Float16; }
constexpr bool is_complex(Dtype d) { return d >= Dtype::Complex64; }
constexpr bool is_sixteen_bit(Dtype d) { return d == Dtype::Float16 || d == Dtype::BFloat16; }
// May a tensor of it require a gradient?
constexpr bool is_differentiable(Dtype d) { return d >= Dtype::Float16; }
// The dtype that kernels compute in: 16-bit numbers are only stored.
constexpr Dtype computing(Dtype d) { return is_sixteen_bit(d) ? Dtype::Float32 : d; }
// The dtype of a complex number's parts, and of the complex numbers with such parts.
constexpr Dtype real_of(Dtype d) {
  return d == Dtype::Complex64 ? Dtype::Float32 : d == Dtype::Complex128 ? Dtype::Float64 : d;
}
constexpr Dtype complex_of(Dtype d) {
  return d == Dtype::Float64 || d == Dtype::Complex128 ? Dtype::Complex128 : Dtype::Complex64;
}

template <class T> struct dtype_of_;
template <> struct dtype_of_<bool> {
  static constexpr Dtype value = Dtype::Bool;
};
template <> struct dtype_of_<std::uint8_t> {
  static constexpr Dtype value = Dtype::UInt8;
};
template <> struct dtype_of_<std::int8_t> {
  static constexpr Dtype value = Dtype::Int8;
};
template <> struct dtype_of_<std::int16_t> {
  static constexpr Dtype value = Dtype::Int16;
};
template <> struct dtype_of_<std::int32_t> {
  static constexpr Dtype value = Dtype::Int32;
};
template <> struct dtype_of_<std::int64_t> {
  static constexpr Dtype value = Dtype::Int64;
};
template <> struct dtype_of_<Half> {
  static constexpr Dtype value = Dtype::Float16;
};
template <> struct dtype_of_<BFloat16> {
  static constexpr Dtype value = Dtype::BFloat16;
};
template <> struct dtype_of_<float> {
  static constexpr Dtype value = Dtype::Float32;
};
template <> struct dtype_of_<double> {
  static constexpr Dtype value = Dtype::Float64;
};
template <> struct dtype_of_<Complex<float>> {
  static constexpr Dtype value = Dtype::Complex64;
};
template <> struct dtype_of_<Complex<double>> {
  static constexpr Dtype value = Dtype::Complex128;
};
template <class T> inline constexpr Dtype dtype_of = dtype_of_<T>::value;

[[noreturn]] void fail_not_computed(Dtype d);  // base/error.cpp: no kernel for these numbers

// Calls f with a value-initialised element of the type, so that `decltype(t)` names it: one of the
// real numbers that kernels compute with. Others throw.
template <class F> decltype(auto) visit(Dtype d, F&& f) {
  switch (d) {
    case Dtype::Bool: return f(bool{});
    case Dtype::UInt8: return f(std::uint8_t{});
    case Dtype::Int8: return f(std::int8_t{});
    case Dtype::Int16: return f(std::int16_t{});
    case Dtype::Int32: return f(std::int32_t{});
    case Dtype::Int64: return f(std::int64_t{});
    case Dtype::Float32: return f(float{});
    case Dtype::Float64: return f(double{});
    default: break;
  }
  fail_not_computed(d);
}

// The same for all dtypes: for what stores and converts.
template <class F> decltype(auto) visit_stored(Dtype d, F&& f) {
  switch (d) {
    case Dtype::Float16: return f(Half{});
    case Dtype::BFloat16: return f(BFloat16{});
    case Dtype::Complex64: return f(Complex<float>{});
    case Dtype::Complex128: return f(Complex<double>{});
    default: return visit(d, f);
  }
}

// The same for complex numbers.
template <class F> decltype(auto) visit_complex(Dtype d, F&& f) {
  return d == Dtype::Complex64 ? f(Complex<float>{}) : f(Complex<double>{});
}

// Calls f with an unsigned integer of that many bytes, or a pair of them: for what moves elements
// without reading them.
struct SixteenBytes {
  std::uint64_t low, high;
};
template <class F> decltype(auto) visit_size(std::size_t bytes, F&& f) {
  switch (bytes) {
    case 1: return f(std::uint8_t{});
    case 2: return f(std::uint16_t{});
    case 4: return f(std::uint32_t{});
    case 8: return f(std::uint64_t{});
    default: return f(SixteenBytes{});
  }
}

// Conversion of one number, as in PyTorch: through float to and from 16 bits, the real part of a
// complex number, integers beyond the range of their type wrap around.
template <class To, class From> constexpr To convert_number(From x) {
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (SixteenBit<From>) {
    return convert_number<To>(static_cast<float>(x));
  } else if constexpr (SixteenBit<To>) {
    return To(convert_number<float>(x));
  } else if constexpr (kIsComplex<From>) {
    if constexpr (kIsComplex<To>)
      return To(x);
    else if constexpr (std::is_same_v<To, bool>)
      return !(x == From(0));
    else
      return convert_number<To>(x.re);
  } else if constexpr (kIsComplex<To>) {
    return To(static_cast<typename To::Part>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // out of range (undefined in C++) becomes the least int64, then wraps
    const bool fits = x >= From(-9.2233720368547758e18) && x < From(9.2233720368547758e18);
    return static_cast<To>(fits ? static_cast<std::int64_t>(x) : INT64_MIN);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace backlit
