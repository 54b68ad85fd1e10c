// Padding: constants around a tensor, or its own elements (resample.h).
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/resample.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit {

// Pairs (before, after) from the last dimension on: more numbers than a tensor has dimensions.
struct Padding {
  std::vector<std::int64_t> values;

  int dims() const { return static_cast<int>(values.size() / 2); }
  // Of dimension d, counted from the last one.
  std::int64_t before(int d) const { return values[static_cast<std::size_t>(2 * d)]; }
  std::int64_t after(int d) const { return values[static_cast<std::size_t>(2 * d + 1)]; }
};
template <> struct FromPython<Padding> {
  static Padding get(PyObject* o) {
    const Object fast = Object::steal(PySequence_Fast(o, "expected a sequence of ints"));
    if (!fast) throw PythonErrorSet();
    Padding p;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i)
      p.values.push_back(int_from_object(PySequence_Fast_GET_ITEM(fast.get(), i)));
    return p;
  }
};

namespace ops {
namespace {

using i64 = std::int64_t;

// ---- constants

Tensor padded(const Tensor& x, const Padding& p, const Scalar& value) {
  GradMode off(false);
  Tensor from = detach(x);
  Dims sizes(x.sizes()), start, length;
  for (int d = x.dim(); d-- > 0;) {
    start.push_back(d < p.dims() ? std::max<i64>(p.before(d), 0) : 0);
    if (d < p.dims()) {
      const int axis = x.dim() - 1 - d;
      const i64 cut = std::max<i64>(-p.before(d), 0), cut_after = std::max<i64>(-p.after(d), 0);
      if (cut > 0) from = narrow(from, axis, cut, from.size(axis) - cut);
      if (cut_after > 0) from = narrow(from, axis, 0, from.size(axis) - cut_after);
      sizes[axis] += p.before(d) + p.after(d);
    }
  }
  Tensor y = Tensor::empty(sizes, x.dtype());
  y->inference = modes.inference;
  if (from.numel() < y.numel()) fill_in_place(y, value);
  Tensor inside = y;
  for (int d = 0; d < x.dim(); ++d) inside = narrow(inside, d, start[d], from.size(d));
  if (from.numel() > 0) copy_in_place(inside, from);
  return y;
}

Tensor constant_pad(const Tensor& x, const Padding& p, const Scalar& value) {
  check_fits(value, x.dtype(), nullptr);
  return record("ConstantPadNdBackward0", padded(x, p, value), {x}, {}, [p](Vjp& v) {
    Padding back = p;
    for (i64& n : back.values) n = -n;
    v.set(0, constant_pad(v.g(), back, Scalar(0)));
  });
}

Tensor constant_pad_op(const Tensor& x, const Padding& p, const Scalar& value) {
  BACKLIT_CHECK(p.values.size() % 2 == 0, Runtime,
                "Length of pad must be even but instead it equals ", p.values.size());
  BACKLIT_CHECK(p.dims() <= x.dim(), Runtime,
                "Length of pad should be no more than twice the number of dimensions of the input. "
                "Pad length is ",
                p.values.size(), " while the input has ", x.dim(), " dimensions.");
  return constant_pad(x, p, value);
}
const RegisterAny constant_row(
    "constant_pad_nd(Tensor input, int[] pad, Scalar value=0) -> Tensor", constant_pad_op,
    {.meaning = "The tensor inside of a frame; (before, after) pairs from the last dimension on, "
                "negative ones cut off.",
     .formula = "y[i] = x[i − before] where that exists, else value",
     .gradient = "∂L/∂x[j] = ∂L/∂y[j + before]",
     .method = false});

// ---- elements of the tensor itself

enum class Edge { Reflect, Replicate, Circular };

// Which of n elements stand along a padded axis.
AxisMap padded_axis(Edge edge, i64 n, i64 before, i64 after) {
  const i64 first = std::max<i64>(-before, 0);
  const i64 kept = std::max<i64>(n - first - std::max<i64>(-after, 0), 1);
  std::vector<i64> index;
  for (i64 i = -before; i < n + after; ++i) {
    if (edge == Edge::Circular)
      index.push_back(first + ((i - first) % kept + kept) % kept);
    else if (edge == Edge::Replicate)
      index.push_back(std::clamp<i64>(i, 0, n - 1));
    else
      index.push_back(i < 0 ? -i : i < n ? i : 2 * (n - 1) - i);
  }
  return pick_map(n, std::move(index));
}

const char* name_of(Edge edge) { return edge == Edge::Reflect ? "reflection" : "replication"; }

// "H: 4, W: 5"
std::string axes_text(const Tensor& x, const Padding& p, bool padded_sizes, const char* between) {
  constexpr const char* kAxes[] = {"W: ", "H: ", "D: "};
  std::string text;
  for (int d = p.dims(); d-- > 0;)
    text += concat(kAxes[d], x.size(-1 - d) + (padded_sizes ? p.before(d) + p.after(d) : 0),
                   d ? between : "");
  return text;
}

void check_edges(Edge edge, const Tensor& x, const Padding& p) {
  const int dims = p.dims();
  const Span sizes = x.sizes();
  BACKLIT_CHECK(std::ranges::all_of(sizes.last(static_cast<std::size_t>(dims) + 1),
                                    [](i64 n) { return n > 0; }) ||
                    edge == Edge::Circular,
                Runtime, "Expected ", dims + 1, "D or ", dims + 2,
                "D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions "
                "for input, but got: ",
                to_string(sizes));
  bool some = false;
  for (int d = 0; d < dims; ++d) {
    const i64 n = x.size(-1 - d), before = p.before(d), after = p.after(d);
    BACKLIT_CHECK(
        edge != Edge::Reflect || (before < n && after < n), Runtime, "Argument #", 2 * d + 4,
        ": Padding size should be less than the corresponding input dimension, but got: "
        "padding (",
        before, ", ", after, ") at dimension ", x.dim() - 1 - d, " of input ", to_string(sizes));
    const i64 kept = n - std::max<i64>(-before, 0) - std::max<i64>(-after, 0);
    BACKLIT_CHECK(edge != Edge::Circular || (before <= kept && after <= kept), Runtime,
                  "Padding value causes wrapping around more than once.");
    BACKLIT_CHECK(edge != Edge::Circular || n + before + after >= 0, Runtime,
                  "Negative padding value is resulting in an empty dimension");
    some |= n + before + after >= 1;
  }
  const char* between = edge == Edge::Reflect && dims == 2 ? ", " : dims == 3 ? " " : ", ";
  BACKLIT_CHECK(some || edge == Edge::Circular, Runtime, "input (", axes_text(x, p, false, between),
                ") is too small. Calculated output ", axes_text(x, p, true, " "));
}

constexpr ResampleNames kNames[3][3] = {
    {{"ReflectionPad1DBackward0", "ReflectionPad1DBackwardBackward0"},
     {"ReflectionPad2DBackward0", "ReflectionPad2DBackwardBackward0"},
     {"ReflectionPad3DBackward0", "ReflectionPad3DBackwardBackward0"}},
    {{"ReplicationPad1DBackward0", "ReplicationPad1DBackwardBackward0"},
     {"ReplicationPad2DBackward0", "ReplicationPad2DBackwardBackward0"},
     {"ReplicationPad3DBackward0", "ReplicationPad3DBackwardBackward0"}},
    {{"PadCircularBackward0", "PadCircularBackwardBackward0"},
     {"PadCircularBackward0", "PadCircularBackwardBackward0"},
     {"PadCircularBackward0", "PadCircularBackwardBackward0"}}};

Tensor edge_pad(Edge edge, const Tensor& x, const Padding& p) {
  const int dims = p.dims();
  check_edges(edge, x, p);
  BACKLIT_CHECK(edge == Edge::Circular || x.dtype() != Dtype::Bool, NotImplemented, "\"",
                name_of(edge), "_pad", dims, "d\" not implemented for 'Bool'");
  std::vector<AxisMap> axes;
  for (int d = dims; d-- > 0;) {
    const i64 n = x.size(-1 - d), size = n + p.before(d) + p.after(d);
    BACKLIT_CHECK(size >= 0, Runtime, "Trying to create tensor with negative dimension ", size);
    axes.push_back(padded_axis(edge, n, p.before(d), p.after(d)));
  }
  const PlaneMapRef map = plane_map(std::move(axes));
  return by_parts(x, [&](const Tensor& part) {
    return resample(part, map, kNames[static_cast<int>(edge)][dims - 1]);
  });
}

Tensor pad_op(const Tensor& x, const Padding& p, const std::string& mode,
              std::optional<double> value) {
  BACKLIT_CHECK(p.values.size() % 2 == 0, Runtime, "Padding length must be divisible by 2");
  BACKLIT_CHECK(p.dims() <= x.dim(), Runtime,
                "Padding length should be less than or equal to two times the input dimension but "
                "got padding length ",
                p.values.size(), " and input of dimension ", x.dim());
  if (mode == "constant") return constant_pad_op(x, p, Scalar(value.value_or(0.0)));
  BACKLIT_CHECK(!value || *value == 0, Runtime, "Padding mode \"", mode,
                "\" doesn't take in value argument");
  const bool fits =
      p.dims() >= 1 && p.dims() <= 3 && (x.dim() == p.dims() + 1 || x.dim() == p.dims() + 2);
  const std::optional<Edge> edge = mode == "reflect"     ? std::optional(Edge::Reflect)
                                   : mode == "replicate" ? std::optional(Edge::Replicate)
                                   : mode == "circular"  ? std::optional(Edge::Circular)
                                                         : std::nullopt;
  BACKLIT_CHECK(edge || !fits, NotImplemented, "Unrecognised padding mode ", mode);
  BACKLIT_CHECK(fits, NotImplemented, "Padding size ", p.values.size(), " is not supported for ",
                x.dim(), "D input tensor.");
  return edge_pad(*edge, x, p);
}
const RegisterComplex pad_row(
    "pad(Tensor input, int[] pad, str mode='constant', float? value=None) -> Tensor", pad_op,
    {.meaning =
         "The tensor inside of a frame of a constant, or of its own elements: mirrored at "
         "the border (reflect), the border's (replicate), or from the other side (circular).",
     .formula = "y[i] = x[m(i − before)], m by mode",
     .gradient = "∂L/∂x[j] = Σ over i with m(i − before) = j of ∂L/∂y[i]",
     .home = "nn"});

template <Edge kEdge, int kDims> Tensor edge_pad_op(const Tensor& x, const Padding& p) {
  BACKLIT_CHECK(p.dims() == kDims && p.values.size() % 2 == 0, Runtime,
                "padding size is expected "
                "to be ",
                2 * kDims, ", but got: ", p.values.size());
  BACKLIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, Runtime, "Expected ", kDims + 1,
                "D or ", kDims + 2,
                "D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions "
                "for input, but got: ",
                to_string(x.sizes()));
  return edge_pad(kEdge, x, p);
}

constexpr const char* kReflection = "The tensor, mirrored at its borders.";
constexpr const char* kReflectionFormula = "y[i] = x[|i − before|], mirrored at n − 1 likewise";
constexpr const char* kReplication = "The tensor with its border elements repeated outwards.";
constexpr const char* kReplicationFormula = "y[i] = x[min(max(i − before, 0), n − 1)]";
constexpr const char* kGradient = "∂L/∂x[j] = Σ over i that show x[j] of ∂L/∂y[i]";

RowOptions edge_row(Edge edge, const char* node) {
  const bool reflects = edge == Edge::Reflect;
  return {.meaning = reflects ? kReflection : kReplication,
          .formula = reflects ? kReflectionFormula : kReplicationFormula,
          .gradient = kGradient,
          .home = "nn",
          .node = node};
}
const RegisterComplex reflection1d_row("reflection_pad1d(Tensor input, int[] padding) -> Tensor",
                                       edge_pad_op<Edge::Reflect, 1>,
                                       edge_row(Edge::Reflect, kNames[0][0].forward));
const RegisterComplex reflection2d_row("reflection_pad2d(Tensor input, int[] padding) -> Tensor",
                                       edge_pad_op<Edge::Reflect, 2>,
                                       edge_row(Edge::Reflect, kNames[0][1].forward));
const RegisterComplex reflection3d_row("reflection_pad3d(Tensor input, int[] padding) -> Tensor",
                                       edge_pad_op<Edge::Reflect, 3>,
                                       edge_row(Edge::Reflect, kNames[0][2].forward));
const RegisterComplex replication1d_row("replication_pad1d(Tensor input, int[] padding) -> Tensor",
                                        edge_pad_op<Edge::Replicate, 1>,
                                        edge_row(Edge::Replicate, kNames[1][0].forward));
const RegisterComplex replication2d_row("replication_pad2d(Tensor input, int[] padding) -> Tensor",
                                        edge_pad_op<Edge::Replicate, 2>,
                                        edge_row(Edge::Replicate, kNames[1][1].forward));
const RegisterComplex replication3d_row("replication_pad3d(Tensor input, int[] padding) -> Tensor",
                                        edge_pad_op<Edge::Replicate, 3>,
                                        edge_row(Edge::Replicate, kNames[1][2].forward));

}  // namespace
}  // namespace ops
}  // namespace backlit
