#include "ops/complex.h"

#include <cmath>

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/power.h"
#include "formulas/rounding.h"
#include "formulas/trigonometric.h"
#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

Tensor as_pairs(const Tensor& z) {
  Dims sizes(z.sizes()), strides(z.strides());
  for (int d = 0; d < strides.n; ++d) strides[d] *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  Tensor y = z.alias(strided_layout(sizes, strides));
  y->dtype = real_of(z.dtype());
  return y;
}

Tensor as_complex(const Tensor& pairs) {
  Dims sizes(pairs.sizes()), strides(pairs.strides());
  sizes.erase(sizes.n - 1);
  strides.erase(strides.n - 1);
  for (int d = 0; d < strides.n; ++d) strides[d] /= 2;
  Tensor y = pairs.alias(strided_layout(sizes, strides));
  y->dtype = complex_of(pairs.dtype());
  return y;
}

namespace {

// y, which shows the memory of x as parts of its elements, or as elements made of them.
template <class F> Tensor record_parts(const char* name, const Tensor& x, Tensor y, F rule) {
  set_view(y, x, ViewKind::Parts);
  return record(name, std::move(y), {x}, {}, std::move(rule));
}

}  // namespace

Tensor view_as_real(const Tensor& z) {
  BACKLIT_CHECK(z.is_complex(), Runtime, "view_as_real is only supported for complex tensors");
  return record_parts("ViewAsRealBackward0", z, as_pairs(z),
                      [](Vjp& v) { v.set(0, view_as_complex(contiguous(v.g()))); });
}

Tensor view_as_complex(const Tensor& pairs) {
  BACKLIT_CHECK(pairs.is_floating(), Runtime,
                "view_as_complex is only supported for floating point tensors, but got a tensor of "
                "scalar type: ",
                info(pairs.dtype()).scalar_name);
  BACKLIT_CHECK(!is_sixteen_bit(pairs.dtype()), NotImplemented,
                "view_as_complex: backlit has no complex numbers of 16 bits");
  const int last = pairs.dim() - 1;
  BACKLIT_CHECK(last >= 0, Runtime, "Input tensor must have one or more dimensions");
  BACKLIT_CHECK(pairs.size(last) == 2, Runtime, "Tensor must have a last dimension of size 2");
  BACKLIT_CHECK(pairs.stride(last) == 1, Runtime,
                "Tensor must have a last dimension with stride 1");
  for (int d = 0; d < last; ++d)
    BACKLIT_CHECK(pairs.stride(d) % 2 == 0, Runtime,
                  "Tensor must have a stride divisible by 2 for all but last dimension");
  BACKLIT_CHECK(pairs.offset() % 2 == 0, Runtime,
                "Tensor must have a storage_offset divisible by 2");
  return record_parts("ViewAsComplexBackward0", pairs, as_complex(pairs),
                      [](Vjp& v) { v.set(0, view_as_real(v.g())); });
}

Tensor real(const Tensor& z) { return z.is_complex() ? select(view_as_real(z), -1, 0) : z; }
Tensor imag(const Tensor& z) {
  BACKLIT_CHECK(z.is_complex(), Runtime,
                "imag is not implemented for tensors with non-complex dtypes.");
  return select(view_as_real(z), -1, 1);
}

Tensor complex(const Tensor& re, const Tensor& im) {
  const Dims sizes = broadcast_sizes(re.sizes(), im.sizes());
  Tensor y = Tensor::empty(sizes, complex_of(re.dtype()));
  {
    const GradMode off(false);
    const Tensor pairs = as_pairs(y);
    copy_in_place(select(pairs, -1, 0), re);
    copy_in_place(select(pairs, -1, 1), im);
  }
  return record("ComplexBackward0", std::move(y), {re, im}, {},
                [a = Dims(re.sizes()), b = Dims(im.sizes())](Vjp& v) {
                  if (v.needs(0)) v.set(0, sum_to(real(v.g()), a));
                  if (v.needs(1)) v.set(1, sum_to(imag(v.g()), b));
                });
}

namespace {

Tensor conj_named(const char* name, const Tensor& z) {
  if (!z.is_complex()) return z;
  Tensor y = clone(detach(z));
  {
    const GradMode off(false);
    const Tensor part = select(as_pairs(y), -1, 1);
    copy_in_place(part, neg(part));
  }
  return record(name, std::move(y), {z}, {}, [](Vjp& v) { v.set(0, conj(v.g())); });
}

}  // namespace

Tensor conj(const Tensor& z) { return conj_named("ConjBackward0", z); }

Tensor conj_transpose(const Tensor& x, int d0, int d1) { return conj(transpose(x, d0, d1)); }

namespace {

Tensor absolute(const Tensor& z) {
  Tensor y;
  {
    const GradMode off(false);
    y = apply<formulas::Hypot>(real(z), imag(z));
  }
  return record("AbsBackward0", std::move(y), {z}, {z},
                [](Vjp& v) { v.set(0, mul(v.g(), sgn(v.saved(0)))); });
}

Tensor is_zero(const Tensor& x) { return apply<formulas::Eq>(x, Scalar(0)); }

}  // namespace

Tensor sgn(const Tensor& z) {
  if (!z.is_complex()) return apply<formulas::Sgn>(z);
  Tensor y;
  {
    const GradMode off(false);
    const Tensor size = absolute(z);
    y = where(is_zero(size), Scalar(0.0), div(z, size));
  }
  // what moves z along its own direction does not change the result
  return record("SgnBackward0", std::move(y), {z}, {z}, [](Vjp& v) {
    const Tensor g = v.g(), x = v.saved(0), size = absolute(x), direction = sgn(x);
    const Tensor along = mul(real(mul(conj(direction), g)), direction);
    v.set(0, where(is_zero(size), Scalar(0.0), div(sub(g, along), size)));
  });
}

namespace {

Tensor angle(const Tensor& z) {
  Tensor y;
  {
    const GradMode off(false);
    y = apply<formulas::Atan2>(imag(z), real(z));
  }
  // the gradient is i z / |z|², and 0 at 0
  return record("AngleBackward0", std::move(y), {z}, {z}, [](Vjp& v) {
    const Tensor x = v.saved(0), re = real(x), im = imag(x);
    const Tensor square = add(mul(re, re), mul(im, im));
    const Tensor scale = where(is_zero(square), Scalar(0.0), div(v.g(), square));
    v.set(0, complex(neg(mul(im, scale)), mul(re, scale)));
  });
}

Tensor operand_tensor(std::span<const Operand> in) { return Tensor::borrow(in[0].t); }

// What these mean for complex numbers is no analytic function, or no complex number.
const bool on_complex_set = [] {
  RecordOf<formulas::Abs>::op.on_complex = [](auto in) { return absolute(operand_tensor(in)); };
  RecordOf<formulas::Sgn>::op.on_complex = [](auto in) { return sgn(operand_tensor(in)); };
  RecordOf<formulas::Angle>::op.on_complex = [](auto in) { return angle(operand_tensor(in)); };
  RecordOf<formulas::Isreal>::op.on_complex = [](auto in) {
    const GradMode off(false);
    return is_zero(imag(operand_tensor(in)));
  };
  return true;
}();

// --- rows ---

void check_parts(const char* name, const Tensor& a, const Tensor& b) {
  BACKLIT_CHECK(a.is_floating() && b.is_floating(), Runtime,
                "Expected both inputs to be Half, Float or Double tensors but got ",
                info(a.dtype()).scalar_name, " and ", info(b.dtype()).scalar_name);
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, "Expected object of scalar type ",
                info(a.dtype()).scalar_name, " but got scalar type ", info(b.dtype()).scalar_name,
                " for second argument");
  BACKLIT_CHECK(!is_sixteen_bit(a.dtype()), NotImplemented, name,
                ": backlit has no complex numbers of 16 bits. Convert with .float() first.");
}
Tensor complex_op(const Tensor& re, const Tensor& im) {
  check_parts("complex", re, im);
  return complex(re, im);
}
Tensor polar_op(const Tensor& size, const Tensor& angle) {
  check_parts("polar", size, angle);
  return complex(mul(size, apply<formulas::Cos>(angle)), mul(size, apply<formulas::Sin>(angle)));
}
const RegisterAny complex_row(
    "complex(Tensor real, Tensor imag, *, Tensor? out=None) -> Tensor", complex_op,
    {.meaning = "Complex numbers from their parts.",
     .formula = "z = a + i b",
     .gradient = "∂L/∂a = Re ∂L/∂z, ∂L/∂b = Im ∂L/∂z",
     .example = "torch.complex(torch.tensor(1.), torch.tensor(2.)) -> tensor(1.+2.j)"});
const RegisterAny polar_row("polar(Tensor abs, Tensor angle, *, Tensor? out=None) -> Tensor",
                            polar_op,
                            {.meaning = "Complex numbers from their absolute values and angles.",
                             .formula = "z = a cos b + i a sin b",
                             .gradient = "∂L/∂a = Re(ḡ z / a), ∂L/∂b = Re(ḡ i z)",
                             .node = "ComplexBackward0"});

constexpr const char* kPairs = "∂L/∂x = ∂L/∂y, seen the other way";
const RegisterAny view_as_real_row(
    "view_as_real(Tensor input) -> Tensor", view_as_real,
    {.meaning = "The memory of complex numbers as pairs of real ones, in a new last dimension.",
     .gradient = kPairs,
     .method = false,
     .view = true});
const RegisterAny view_as_complex_row(
    "view_as_complex(Tensor input) -> Tensor", view_as_complex,
    {.meaning = "Pairs of real numbers, along the last dimension, as complex ones.",
     .gradient = kPairs,
     .method = false,
     .view = true});
const RegisterAny real_row("real(Tensor input) -> Tensor", real,
                           {.meaning = "The real part, a view; a real tensor itself.",
                            .formula = "y = Re x",
                            .gradient = "∂L/∂x = ∂L/∂y",
                            .method = false,
                            .node = "SelectBackward0"});
const RegisterAny imag_row("imag(Tensor input) -> Tensor", imag,
                           {.meaning = "The imaginary part, a view.",
                            .formula = "y = Im x",
                            .gradient = "∂L/∂x = i ∂L/∂y",
                            .method = false,
                            .node = "SelectBackward0"});

Tensor conj_physical(const Tensor& z) { return conj_named("ConjPhysicalBackward0", z); }
Tensor conj_physical_in_place(const Tensor& z) {
  if (!z.is_complex()) return z;
  return record_in_place(
      "ConjPhysicalBackward0", z, {z}, {}, [&] { copy_in_place(z, conj(detach(z))); },
      [](Vjp& v) { v.set(0, conj(v.g())); });
}
const RowOptions kConj{.meaning = "The complex conjugate: a copy, or a real tensor itself.",
                       .formula = "y = x̄",
                       .gradient = "the conjugate of ∂L/∂y"};
const RegisterAny conj_row("conj(Tensor input) -> Tensor", conj, kConj);
const RegisterAny conj_physical_row("conj_physical(Tensor input) -> Tensor", conj_physical, kConj);
const RegisterAny conj_physical_in_place_row("conj_physical_(Tensor input) -> Tensor",
                                             conj_physical_in_place,
                                             {.meaning = "The complex conjugate in place.",
                                              .formula = "x ← x̄",
                                              .gradient = "the conjugate of ∂L/∂y"});
Tensor itself(const Tensor& x) { return x; }
const RegisterAny resolve_row(
    "resolve_conj(Tensor input) -> Tensor", itself,
    {.meaning = "The tensor itself: conjugation is not put off until it is read.",
     .gradient = "∂L/∂x = ∂L/∂y",
     .aliases = "resolve_neg"});

}  // namespace
}  // namespace backlit::ops
