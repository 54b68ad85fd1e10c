// Conversion between element types.
#include "kernels/isa.h"
#include "kernels/tiles.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class From, class To> void convert(const void* in, void* out, std::int64_t n) {
  const auto* x = static_cast<const From*>(in);
  auto* y = static_cast<To*>(out);
  for (std::int64_t i = 0; i < n; ++i) y[i] = convert_number<To>(x[i]);
}

template <class... Types> struct TypeList {};
using AllTypes = TypeList<bool, std::uint8_t, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                          Half, BFloat16, float, double, Complex<float>, Complex<double>>;

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
