// The element types of tensors and their properties.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backlit {

// In the order of PyTorch's promotion lattice: a later type of the same category holds an earlier
// one (UInt8 with Int8 gives Int16, the one exception).
enum class Dtype : std::uint8_t { Bool, UInt8, Int8, Int16, Int32, Int64, Float32, Float64 };
inline constexpr int kDtypes = 8;

enum class Category : std::uint8_t { Bool, Integer, Float };

struct DtypeInfo {
  const char* name;         // "float32"
  const char* scalar_name;  // PyTorch's name inside error messages: "Float"
  const char* tensor_type;  // legacy type name: "FloatTensor"
  std::size_t size;         // bytes
  Category category;
};

inline constexpr std::array<DtypeInfo, kDtypes> kDtypeInfo{{
    {"bool", "Bool", "BoolTensor", 1, Category::Bool},
    {"uint8", "Byte", "ByteTensor", 1, Category::Integer},
    {"int8", "Char", "CharTensor", 1, Category::Integer},
    {"int16", "Short", "ShortTensor", 2, Category::Integer},
    {"int32", "Int", "IntTensor", 4, Category::Integer},
    {"int64", "Long", "LongTensor", 8, Category::Integer},
    {"float32", "Float", "FloatTensor", 4, Category::Float},
    {"float64", "Double", "DoubleTensor", 8, Category::Float},
}};

constexpr const DtypeInfo& info(Dtype d) { return kDtypeInfo[static_cast<std::size_t>(d)]; }
constexpr std::size_t size_of(Dtype d) { return info(d).size; }
constexpr bool is_floating(Dtype d) { return d >= Dtype::Float32; }
constexpr bool is_integral(Dtype d) { return d > Dtype::Bool && d < Dtype::Float32; }

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
template <> struct dtype_of_<float> {
  static constexpr Dtype value = Dtype::Float32;
};
template <> struct dtype_of_<double> {
  static constexpr Dtype value = Dtype::Float64;
};
template <class T> inline constexpr Dtype dtype_of = dtype_of_<T>::value;

// Calls f with a value-initialised element of the type, so that `decltype(t)` names it.
template <class F> decltype(auto) visit(Dtype d, F&& f) {
  switch (d) {
    case Dtype::Bool: return f(bool{});
    case Dtype::UInt8: return f(std::uint8_t{});
    case Dtype::Int8: return f(std::int8_t{});
    case Dtype::Int16: return f(std::int16_t{});
    case Dtype::Int32: return f(std::int32_t{});
    case Dtype::Int64: return f(std::int64_t{});
    case Dtype::Float32: return f(float{});
    case Dtype::Float64: break;
  }
  return f(double{});
}

}  // namespace backlit
