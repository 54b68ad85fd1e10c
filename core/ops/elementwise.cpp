// Reading starts at `elementwise`: the short way for operands of one shape and dtype, which is the
// hot path of small models, then `general`, then recording and the vector-Jacobian product.
#include "ops/elementwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "base/cpu.h"
#include "formulas/formula.h"
#include "kernels/isa.h"
#include "ops/arithmetic.h"
#include "ops/elementwise_node.h"
#include "ops/recorded.h"
#include "ops/tile_run.h"
#include "ops/views.h"

namespace backlit {
namespace {

Dtype the_default_dtype = Dtype::Float32;

std::vector<ElementwiseOp*>& mutable_ops() {
  static std::vector<ElementwiseOp*> ops;
  return ops;
}

constexpr double kOnes[kMaxParams] = {1, 1, 1, 1};  // parameters left out: alpha

Dtype of_category(Category c) {
  switch (c) {
    case Category::Bool: return Dtype::Bool;
    case Category::Integer: return Dtype::Int64;
    case Category::Float: break;
    case Category::Complex: return complex_of(the_default_dtype);
  }
  return the_default_dtype;
}

// The dtype that inputs are brought to, from their common dtype.
Dtype input_dtype(const ElementwiseOp& op, Dtype common) {
  if (op.promote == Promote::ToDouble)
    return is_complex(common) ? Dtype::Complex128 : Dtype::Float64;
  if (op.promote == Promote::ToFloat && !is_differentiable(common)) return the_default_dtype;
  return common;
}

[[noreturn]] void fail_dtype(const ElementwiseOp& op, Dtype d) {
  if (d == Dtype::Bool && op.bool_error[0]) fail(ErrorKind::Runtime, op.bool_error);
  fail(ErrorKind::NotImplemented, "\"", op.name, "\" not implemented for '", info(d).scalar_name,
       "'");
}

// d: the dtype of the inputs; 16-bit numbers are computed with as float32.
TileFunction forward_for(const ElementwiseOp& op, Dtype d) {
  const TileFunction f = op.forward[static_cast<std::size_t>(computing(d))];
  if (!f || (is_sixteen_bit(d) && !(op.kinds & kSixteenBits))) [[unlikely]]
    fail_dtype(op, d);
  return f;
}

void check_divisor(const Operand& divisor) {
  const auto zero = [&] { fail(ErrorKind::Runtime, "ZeroDivisionError"); };
  if (!divisor.t) {
    if (divisor.s.d == 0) zero();
    return;
  }
  const Tensor d = Tensor::borrow(divisor.t);
  if (d.numel() && !ops::all_nonzero(d)) zero();
}

Layout* anchor_layout(std::span<const Operand> in) {
  for (const Operand& o : in)
    if (o.t) return o.t->layout;
  return nullptr;
}

// The short way: tensors of one dense layout in the computation dtype, and numbers. Returns the
// layout, or null where the general way is needed.
Layout* short_way(const ElementwiseOp& op, std::span<const Operand> in, Dtype& compute) {
  Layout* layout = anchor_layout(in);
  if (!layout || !layout->dense || layout->numel > kSmallElements) return nullptr;
  Dtype d = Dtype::Bool;
  bool first = true, numbers = false;
  for (const Operand& o : in) {
    if (!o.t) {
      numbers = true;
      continue;
    }
    if (!same_geometry(o.t->layout, layout)) return nullptr;
    if (first) d = o.t->dtype;
    if (o.t->dtype != d) return nullptr;
    first = false;
  }
  if (numbers) {
    if (layout->numel > kScalarTile) return nullptr;
    const auto category = [](const Scalar& s) { return static_cast<int>(s.kind); };
    for (const Operand& o : in)
      if (!o.t &&
          (category(o.s) > static_cast<int>(info(d).category) || o.s.kind == Scalar::Kind::Complex))
        return nullptr;
  }
  if (input_dtype(op, d) != d || is_sixteen_bit(d)) return nullptr;
  if (op.on_complex && is_complex(d)) return nullptr;
  compute = d;
  return layout;
}

void run_short(TileFunction f, std::span<const Operand> in, void* out, std::int64_t n, Dtype d,
               const double* params) {
  const void* ptr[kMaxArity];
  alignas(64) std::byte buffers[kMaxArity][kScalarTile * sizeof(Complex<double>)];
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i].t) {
      ptr[i] = in[i].t->data;
      continue;
    }
    in[i].s.write(buffers[i], d);
    if (n > 1)
      visit_size(size_of(d), [&](auto zero) {
        using T = decltype(zero);
        auto* p = reinterpret_cast<T*>(buffers[i]);
        std::fill_n(p + 1, n - 1, *p);
      });
    ptr[i] = buffers[i];
  }
  f(ptr, out, n, params);
}

struct General {
  Dtype input, result;      // of the operation
  Dtype compute, produces;  // of its kernel
  Dims sizes;
  TileInput in[kMaxArity];
  Complex<double> numbers[kMaxArity];  // storage of scalars
};

General plan(const ElementwiseOp& op, std::span<const Operand> in) {
  General g;
  g.input = input_dtype(op, result_type(in));
  g.compute = computing(g.input);
  const bool tests = op.promote == Promote::ToBool;
  g.result = tests ? Dtype::Bool : g.input;
  g.produces = tests ? Dtype::Bool : g.compute;
  bool first = true;
  for (const Operand& o : in) {
    if (!o.t) continue;
    g.sizes = first ? Dims(o.t->layout->sizes()) : broadcast_sizes(g.sizes, o.t->layout->sizes());
    first = false;
  }
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i].t) {
      g.in[i] = {in[i].t->data, in[i].t->dtype, in[i].t->layout};
    } else {
      // as in PyTorch a 16-bit number is compared with a 16-bit number
      const Dtype d = tests ? g.input : g.compute;
      in[i].s.write(&g.numbers[i], d);
      g.in[i] = {reinterpret_cast<const char*>(&g.numbers[i]), d, nullptr};
    }
  }
  return g;
}

bool requires_grad(const Operand& o) { return o.t && Tensor::borrow(o.t).requires_grad(); }

const char* node_name(const ElementwiseOp& op, std::span<const Operand> in) {
  for (std::size_t i = 0; i < in.size() && i < 2; ++i)
    if (!in[i].t && op.node_number[i][0]) return op.node_number[i];
  return op.node;
}

// In place, what backward reads of input 0 is a copy of what it was.
Ref<Node> make_elementwise_node(const ElementwiseOp& op, std::span<const Operand> in,
                                const Layout* result, Dtype compute, const double* params,
                                bool in_place = false) {
  const auto n = in.size();
  std::uint8_t reads = 0;
  bool wanted[kMaxArity] = {};
  for (std::size_t i = 0; i < n; ++i) {
    wanted[i] = requires_grad(in[i]);
    if (wanted[i]) reads |= op.reads[i];
  }
  int saved = 0;
  std::int8_t at[kMaxArity + 1];
  for (std::size_t i = 0; i < n; ++i)
    at[i] = in[i].t && (reads >> i & 1) ? static_cast<std::int8_t>(saved++) : std::int8_t{-1};
  const bool save_y = reads & kResultBit;
  at[kMaxArity] = save_y ? static_cast<std::int8_t>(saved++) : std::int8_t{-1};
  Node* node = new_node(RuleKind<ElementwisePayload>::kind, node_name(op, in), static_cast<int>(n),
                        saved, 1, sizeof(ElementwisePayload));
  auto owner = Ref<Node>::steal(node);
  auto* p = new (node->payload()) ElementwisePayload{};
  p->op = &op;
  p->compute = compute;
  for (int k = 0; k < op.params; ++k) p->params[k] = params[k];
  p->saved_at[kMaxArity] = at[kMaxArity];
  for (std::size_t i = 0; i < n; ++i) {
    p->is_tensor[i] = in[i].t != nullptr;
    p->saved_at[i] = at[i];
    if (!in[i].t) {
      p->number[i] =
          in[i].s.kind == Scalar::Kind::Float ? in[i].s.d : static_cast<double>(in[i].s.i);
      continue;
    }
    TensorObject* t = in[i].t;
    p->in_dtype[i] = t->dtype;
    const Tensor handle = Tensor::borrow(t);
    if (wanted[i]) {
      node->edges()[i] = gradient_edge(handle);
      if (!t->layout->same_sizes(*result)) p->in_layout[i] = LayoutRef::borrow(t->layout);
    }
    if (at[i] >= 0) {
      save_input(node->saved()[at[i]], in_place && i == 0 ? ops::clone(handle) : handle);
      node->saved()[at[i]].input = static_cast<std::int16_t>(i);
    }
  }
  track_if_inputs_are(*node);
  if (modes.tracing) [[unlikely]]
    keep_operands(*node, in, in_place);
  return owner;
}

bool wants_node(const ElementwiseOp& op, std::span<const Operand> in, Dtype result) {
  if (!modes.grad || op.rule == Rule::NotDifferentiable || !is_differentiable(result)) return false;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (requires_grad(in[i]) && op.input_rule[i] != Rule::NotDifferentiable) return true;
  return false;
}

void attach(const Tensor& y, Node* node) {
  const auto& p = *static_cast<ElementwisePayload*>(node->payload());
  if (p.saved_at[kMaxArity] >= 0) save_output(node->saved()[p.saved_at[kMaxArity]], y);
}

// Operands whose complex numbers have become 0-d tensors of the dtype that is computed in.
struct WithoutComplexNumbers {
  Tensor keep[kMaxArity];
  Operand in[kMaxArity] = {Scalar(0), Scalar(0), Scalar(0)};
  std::size_t n;

  explicit WithoutComplexNumbers(std::span<const Operand> given) : n(given.size()) {
    const Dtype d = result_type(given);
    for (std::size_t i = 0; i < n; ++i) {
      in[i] = given[i];
      if (given[i].t || given[i].s.kind != Scalar::Kind::Complex) continue;
      keep[i] = Tensor::empty(Dims{}, d);
      given[i].s.write(keep[i].raw(), d);
      in[i] = Operand(keep[i]);
    }
  }
  std::span<const Operand> operands() const { return {in, n}; }
};

bool is_complex_number(const Operand& o) { return !o.t && o.s.kind == Scalar::Kind::Complex; }

Tensor general(const ElementwiseOp& op, std::span<const Operand> in, const double* params) {
  if (std::ranges::any_of(in, is_complex_number))
    return elementwise(op, WithoutComplexNumbers(in).operands(), params);
  General g = plan(op, in);
  if (op.on_complex && is_complex(g.compute)) return op.on_complex(in);
  const TileFunction f = forward_for(op, g.input);
  if (op.checks_zero_divisor && !is_floating(g.compute)) check_divisor(in[1]);
  const Layout* layouts[kMaxArity];
  std::size_t n = 0;
  for (const Operand& o : in)
    if (o.t) layouts[n++] = o.t->layout;
  Tensor y = Tensor::empty(result_layout(g.sizes, {layouts, n}), g.result);
  run_tiles(f, {g.in, in.size()}, {y.raw(), g.result, &y.layout()}, g.compute, g.produces, params);
  if (wants_node(op, in, g.result)) {
    Ref<Node> node = make_elementwise_node(op, in, &y.layout(), g.compute, params);
    set_history(y, node.get());
    attach(y, node.get());
  }
  return y;
}

}  // namespace

// PyTorch refuses an input that shares some, but not all, of the memory being written.
void check_no_partial_overlap(const Tensor& out, std::span<const Operand> in) {
  for (const Operand& o : in)
    if (o.t && ops::shared_memory(*o.t, *out.get()) == ops::Shared::Part) ops::fail_overlap();
}

void Scalar::write(void* p, Dtype dtype) const {
  if (kind == Kind::Complex) {
    if (is_complex(dtype))
      return visit_complex(dtype, [&](auto zero) {
        const decltype(zero) v(Complex<double>{d, im});
        std::memcpy(p, &v, sizeof v);
      });
    BACKLIT_CHECK(im == 0, Runtime, "value cannot be converted to type ", info(dtype).name,
                  " without overflow");
    return write_double(p, dtype, d);
  }
  BACKLIT_CHECK(dtype != Dtype::Float16 || !std::isfinite(d) || std::abs(d) < 65520, Runtime,
                "value cannot be converted to type c10::Half without overflow");
  if (kind == Kind::Float || is_differentiable(dtype)) return write_double(p, dtype, d);
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T v = static_cast<T>(i);
    std::memcpy(p, &v, sizeof v);
  });
}

Dtype default_dtype() { return the_default_dtype; }
void set_default_dtype(Dtype d) {
  BACKLIT_CHECK(is_floating(d), Type,
                "only floating-point types are supported as the default type");
  the_default_dtype = d;
}

Dtype promote_types(Dtype a, Dtype b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  // uint8 and int8 fit neither in the other
  if (a == Dtype::UInt8 && b == Dtype::Int8) return Dtype::Int16;
  if (a == Dtype::Float16 && b == Dtype::BFloat16) return Dtype::Float32;
  if (b == Dtype::Complex64 && a == Dtype::Float64) return Dtype::Complex128;
  return b;
}

namespace {
Dtype complex_beside(Dtype real) {
  BACKLIT_CHECK(real != Dtype::Float16, NotImplemented,
                "backlit has no complex32 numbers, the result of float16 and complex numbers. "
                "Convert with .float() or .cfloat() first.");
  return complex_of(real);
}
}  // namespace

Dtype result_type(std::span<const Operand> inputs) {
  // three levels: tensors with dimensions, 0-d tensors, numbers; a lower one counts when its
  // category is higher
  int found[3] = {-1, -1, -1};
  const auto add = [&](int level, Dtype d) {
    found[level] = found[level] < 0
                       ? static_cast<int>(d)
                       : static_cast<int>(promote_types(static_cast<Dtype>(found[level]), d));
  };
  for (const Operand& o : inputs) {
    if (o.t)
      add(o.t->layout->ndim ? 0 : 1, o.t->dtype);
    else
      add(2, of_category(static_cast<Category>(o.s.kind)));
  }
  int result = -1;
  for (int level = 0; level < 3; ++level) {
    if (found[level] < 0) continue;
    const auto d = static_cast<Dtype>(found[level]);
    const auto above = static_cast<Dtype>(result);
    if (result < 0)
      result = found[level];
    else if (is_complex(d) && is_floating(above))
      result = static_cast<int>(complex_beside(above));  // the precision of the higher level stays
    else if (info(d).category > info(above).category)
      result = found[level];
  }
  return static_cast<Dtype>(result);
}

void check_can_cast(Dtype from, Dtype to) {
  BACKLIT_CHECK(info(from).category <= info(to).category, Runtime, "result type ",
                info(from).scalar_name, " can't be cast to the desired output type ",
                info(to).scalar_name, ". Convert the inputs, or use the out-of-place form.");
}

const std::vector<ElementwiseOp*>& elementwise_ops() { return mutable_ops(); }
void register_elementwise(ElementwiseOp& op) { mutable_ops().push_back(&op); }

void link_kernels() {
  std::unordered_map<std::string_view, ElementwiseOp*> by_name;
  for (ElementwiseOp* op : mutable_ops()) by_name[op->name] = op;
  for (int level = 0; level <= cpu_isa_level(); ++level)
    for (const IsaEntry* e : isa_entries()) {
      if (e->level != level || std::strcmp(e->type, "FormulaKernels") != 0) continue;
      const auto& kernels = *static_cast<const FormulaKernels*>(e->table);
      ElementwiseOp& op = *by_name.at(kernels.name);
      const auto take = [](TileFunction* to, const TileFunction* from) {
        for (int d = 0; d < kDtypes; ++d)
          if (from[d]) to[d] = from[d];
      };
      take(op.forward, kernels.forward);
      for (int i = 0; i < kMaxArity; ++i) take(op.backward[i], kernels.backward[i]);
    }
}

Tensor elementwise(const ElementwiseOp& op, std::span<const Operand> in, const double* params) {
  if (!params) params = kOnes;
  Dtype compute;
  Layout* layout = short_way(op, in, compute);
  if (!layout) return general(op, in, params);
  const TileFunction f = forward_for(op, compute);
  if (op.checks_zero_divisor && !is_floating(compute)) [[unlikely]]
    check_divisor(in[1]);
  const Dtype result = op.promote == Promote::ToBool ? Dtype::Bool : compute;
  Tensor y = Tensor::empty(LayoutRef::borrow(layout), result);
  run_short(f, in, y.raw(), layout->numel, compute, params);
  if (wants_node(op, in, result)) {
    Ref<Node> node = make_elementwise_node(op, in, layout, compute, params);
    set_history(y, node.get());
    attach(y, node.get());
  }
  return y;
}

Tensor elementwise_in_place(const ElementwiseOp& op, std::span<const Operand> in,
                            const double* params) {
  if (!params) params = kOnes;
  if (std::ranges::any_of(in, is_complex_number)) [[unlikely]]
    return elementwise_in_place(op, WithoutComplexNumbers(in).operands(), params);
  const Tensor x = Tensor::borrow(in[0].t);
  check_inplace(x, std::ranges::any_of(in, requires_grad));
  check_no_partial_overlap(x, in);
  General g = plan(op, in);
  BACKLIT_CHECK(std::ranges::equal(Span(g.sizes), x.sizes()), Runtime, "output with shape ",
                to_string(x.sizes()), " doesn't match the broadcast shape ", to_string(g.sizes));
  check_can_cast(g.result, x.dtype());
  const TileFunction f = forward_for(op, g.input);
  if (op.checks_zero_divisor && !is_floating(g.compute)) check_divisor(in[1]);
  Ref<Node> node;
  if (wants_node(op, in, x.dtype()) ||
      (op.rule == Rule::NotDifferentiable && op.node[0] && should_record({x}))) {
    node = make_elementwise_node(op, in, &x.layout(), g.compute, params, true);
  }
  run_tiles(f, {g.in, in.size()}, {x.raw(), x.dtype(), &x.layout()}, g.compute, g.produces, params);
  bump_version(x);
  if (node) {
    attach(x, node.get());
    rebase_history(x, node.get());
  }
  return x;
}

}  // namespace backlit
