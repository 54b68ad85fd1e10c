#include "ops/memory_format.h"

#include <cstring>

#include "base/error.h"
#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

constexpr const char* kNames[] = {"preserve_format", "contiguous_format", "channels_last",
                                  "channels_last_3d"};

int rank_of(MemoryFormat format) { return format == MemoryFormat::ChannelsLast ? 4 : 5; }

}  // namespace

MemoryFormat memory_format(PyObject* o) {
  if (o == Py_None) return MemoryFormat::Preserve;
  const Object name = Object::steal(PyObject_GetAttrString(o, "_name"));
  if (!name) PyErr_Clear();
  const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : "";
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (std::strcmp(text, kNames[i]) == 0) return static_cast<MemoryFormat>(i);
  fail(ErrorKind::Type, "argument 'memory_format' must be torch.memory_format, not ",
       Py_TYPE(o)->tp_name);
}

bool lies_in(const Layout& layout, MemoryFormat format) {
  if (format == MemoryFormat::Preserve || format == MemoryFormat::Contiguous)
    return layout.contiguous;
  if (layout.ndim != rank_of(format)) return false;
  std::int64_t expected = 1;
  const auto fits = [&](int d) {
    const std::int64_t size = layout.size(d);
    const bool right = size == 1 || layout.stride(d) == expected;
    expected *= size;
    return right;
  };
  bool right = fits(1);
  for (int d = layout.ndim - 1; d > 1; --d) right = fits(d) && right;
  return fits(0) && right;
}

Tensor laid_out(const Tensor& x, MemoryFormat format) {
  if (format == MemoryFormat::Preserve) return x;
  if (format == MemoryFormat::Contiguous) return contiguous(x);
  BACKLIT_CHECK(x.dim() == rank_of(format), Runtime, "required rank ", rank_of(format),
                " tensor to use ", kNames[static_cast<std::size_t>(format)], " format");
  if (lies_in(x.layout(), format)) return x;
  Dims last{0}, back{0, x.dim() - 1};
  for (int d = 2; d < x.dim(); ++d) last.push_back(d);
  last.push_back(1);
  for (int d = 1; d < x.dim() - 1; ++d) back.push_back(d);
  return permute(contiguous(permute(x, last)), back);
}

}  // namespace backlit::ops
