// The number types that C++ has not: 16-bit floats, which are only stored and converted, and
// complex numbers with the arithmetic of the textbook.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace backlit {

namespace detail {
template <class T> constexpr T pick(bool c, T a, T b) { return c ? a : b; }
}  // namespace detail

// IEEE 754 binary16: 5 bits of exponent, 10 of significand. Conversions have no branches, so that a
// loop of them vectorises.
struct Half {
  std::uint16_t bits = 0;

  Half() = default;
  // To the nearest, of two equally near to the even one.
  explicit constexpr Half(float v) {
    const auto whole = std::bit_cast<std::uint32_t>(v);
    const std::uint32_t size = whole & 0x7fffffffU;
    // a normal result drops 13 bits and takes the bias from 127 to 15
    const std::uint32_t rounded = (size + 0xfffU + (size >> 13 & 1) - (112U << 23)) >> 13;
    // below 2^-14 the sum with 1/2 has the step of subnormal results, 2^-24, and rounds to it
    const float shifted = std::bit_cast<float>(size) + 0.5F;
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted) - (126U << 23);
    const std::uint32_t finite = detail::pick(size < (113U << 23), subnormal, rounded);
    const std::uint32_t bounded = detail::pick(size >= 0x477ff000U, 0x7c00U, finite);
    const std::uint32_t number = detail::pick(size > 0x7f800000U, 0x7e00U, bounded);
    bits = static_cast<std::uint16_t>(number | (whole >> 16 & 0x8000U));
  }
  explicit constexpr operator float() const {
    const std::uint32_t size = bits & 0x7fffU;
    // the exponent moves by the product, which is exact for subnormals too
    const float moved = std::bit_cast<float>(size << 13) * 0x1p112F;
    const std::uint32_t special = detail::pick(size >= 0x7c00U, 0x7f800000U, 0U);
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(moved) | special |
                                (bits & 0x8000U) << 16);
  }
};

// The upper half of a float: its range, 7 bits of significand.
struct BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  explicit constexpr BFloat16(float v) {
    const auto whole = std::bit_cast<std::uint32_t>(v);
    const std::uint32_t rounded = (whole + 0x7fffU + (whole >> 16 & 1)) >> 16;
    bits = static_cast<std::uint16_t>(
        detail::pick((whole & 0x7fffffffU) > 0x7f800000U, 0x7fc0U, rounded));
  }
  explicit constexpr operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

template <class T>
concept SixteenBit = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

// re + im i. A type of its own: std::complex does not mix with plain numbers, and its products
// repair infinities, which costs a branch and which PyTorch does not do.
template <class T> struct Complex {
  using Part = T;
  T re = 0, im = 0;

  constexpr Complex() = default;
  constexpr Complex(T real, T imaginary = 0) : re(real), im(imaginary) {}
  template <class U>
  explicit constexpr Complex(const Complex<U>& z)
      : re(static_cast<T>(z.re)), im(static_cast<T>(z.im)) {}

  friend constexpr Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  friend constexpr Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  friend constexpr Complex operator-(Complex z) { return {-z.re, -z.im}; }
  friend constexpr Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  // Scaled by the larger part of the divisor, whose square might overflow.
  friend constexpr Complex operator/(Complex a, Complex b) {
    const auto size = [](T v) { return v < 0 ? -v : v; };
    if (size(b.re) >= size(b.im)) {
      if (b.re == 0 && b.im == 0) return {a.re / size(b.re), a.im / size(b.im)};
      const T ratio = b.im / b.re, scale = 1 / (b.re + b.im * ratio);
      return {(a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale};
    }
    const T ratio = b.re / b.im, scale = 1 / (b.re * ratio + b.im);
    return {(a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale};
  }
  constexpr Complex& operator+=(Complex b) { return *this = *this + b; }
  constexpr Complex& operator-=(Complex b) { return *this = *this - b; }
  constexpr Complex& operator*=(Complex b) { return *this = *this * b; }
  friend constexpr bool operator==(Complex a, Complex b) { return a.re == b.re && a.im == b.im; }
};

template <class T> inline constexpr bool kIsComplex = false;
template <class T> inline constexpr bool kIsComplex<Complex<T>> = true;

}  // namespace backlit
