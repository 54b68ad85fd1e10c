// Conversion between element types.
#include <cmath>
#include <type_traits>

#include "kernels/isa.h"
#include "kernels/tiles.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class From, class To> To convert_one(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // out of range (undefined in C++) becomes the least int64, then wraps
    const bool fits = x >= From(-9.2233720368547758e18) && x < From(9.2233720368547758e18);
    return static_cast<To>(fits ? static_cast<std::int64_t>(x) : INT64_MIN);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To> void convert(const void* in, void* out, std::int64_t n) {
  const auto* x = static_cast<const From*>(in);
  auto* y = static_cast<To*>(out);
  for (std::int64_t i = 0; i < n; ++i) y[i] = convert_one<From, To>(x[i]);
}

template <class... Types> struct TypeList {};
using AllTypes = TypeList<bool, std::uint8_t, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                          float, double>;

template <class From, class... To> constexpr void fill_row(ConvertTable& t, TypeList<To...>) {
  ((t.convert[static_cast<int>(dtype_of<From>)][static_cast<int>(dtype_of<To>)] =
        &convert<From, To>),
   ...);
}
template <class... From> constexpr ConvertTable make_table(TypeList<From...> all) {
  ConvertTable t{};
  (fill_row<From>(t, all), ...);
  return t;
}

constexpr ConvertTable table = make_table(AllTypes{});
BACKLIT_ISA_TABLE(ConvertTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
