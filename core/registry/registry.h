// The registry of operations: what each is called, takes and does, in one row beside its code.
//
//   const Register sum_row(
//       "sum(Tensor input, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
//       sum_op,
//       {.meaning = "Sum of all elements, or of those along dim.",
//        .formula = "y = Σᵢ xᵢ", .gradient = "∂L/∂x = ∂L/∂y, expanded to x's shape"});
//
// A row whose first parameter is `Tensor input` is a function and a Tensor method. Rows of one name
// are overloads, tried in order of registration (rows of one file keep their order; an overload set
// stays in one file). Parameter types: Tensor Tensor? Tensor|Number Tensor[] Scalar Scalar? int
// int? int[] int[]? int[1] (also one int) int* and Tensor* (also separate positional arguments)
// float float? bool bool? str str? dtype dtype? Generator? any. A parameter may be passed under
// NumPy's names axis/axes, keepdims, x, x1, x2. A last parameter `Tensor? out=None` (or `Tensor[]?
// out=None` for several results) that the function lacks is served here: the result is written into
// it, and a dtype=None becomes that of out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "registry/convert.h"

namespace backlit {

// The dtypes that a row's function takes as they are. Those it does not take are either converted
// on the way (16-bit numbers: computed with as float32, the results rounded) or refused (complex
// numbers).
enum class Dtypes {
  Real,     // integers, bool, float32, float64
  Complex,  // and complex numbers
  Any,      // and 16-bit numbers: it moves elements unread, or ends in `elementwise`
};

// What becomes of 16-bit tensors beside other floating ones.
enum class Mixed {
  Refused,   // the function's own check of the dtypes says why
  Promoted,  // they count as float32
  AsInput,   // an input of 16 bits goes with parameters in float32, and the result has its dtype
};

struct RowOptions {
  const char* meaning = "";
  const char* formula = "";   // the value, in mathematical notation
  const char* gradient = "";  // vector-Jacobian product in matrix notation; "" where there is none
  const char* home =
      "torch";               // "torch", "nn", "special", "linalg", "_C" (for the Python layer only)
  const char* aliases = "";  // further names, separated by spaces
  bool function = true;      // reachable as home.name
  bool method = true;        // a Tensor method, when the first parameter is a tensor
  const char* node = "";     // the name of its nodes, where that is not the row's + "Backward0"
  bool out_apart = false;    // out= must not share memory with the other tensors
  bool view = false;         // shows the memory of its input: there is also name_copy, with its own
  const char* example = "";  // one line that CI runs, with its output behind "->"
  Dtypes dtypes = Dtypes::Real;
  bool draws = false;  // random numbers; known of rows with a Generator or dropout parameter
  Mixed mixed = Mixed::Refused;
};

struct Parameter {
  std::string name;
  enum class Type {
    Tensor,
    TensorList,
    Scalar,
    Int,
    IntList,
    Float,
    Bool,
    Str,
    Dtype,
    Generator,
    Any
  } type;
  bool optional = false;  // accepts None
  bool number = false;    // Tensor that may also be a number ("Tensor|Number"; C++: Operand)
  bool single = false;    // IntList that also accepts one int
  bool variadic = false;  // IntList or TensorList that also accepts separate positional arguments
  bool keyword_only = false;
  PyObject* fallback = nullptr;  // owned; the default value, null when required
};

struct Overload;
using Call = PyObject* (*)(const Overload& self, PyObject* const* arguments);

struct Overload {
  std::string signature;  // as written
  std::string name;
  std::vector<Parameter> parameters;
  std::size_t positional = 0;
  RowOptions options;
  bool serves_out = false;  // `out` is the last parameter, and not one of the function
  Call call = nullptr;
  void (*function)() = nullptr;                // of a structured operation
  const ElementwiseOp* elementwise = nullptr;  // of an elementwise operation
  const Overload* view = nullptr;              // of name_copy: the row it copies the result of
};

// All rows in the order of registration.
std::vector<std::unique_ptr<Overload>>& registry_rows();
// Parses the signature; throws on a malformed one (start-up, tested).
std::unique_ptr<Overload> parse_signature(const char* signature);

[[noreturn]] void refuse_signature(const Overload& row);
bool may_draw(const Overload& row);

template <class R, class... A, std::size_t... I>
PyObject* call_with(R (*f)(A...), PyObject* const* arguments, std::index_sequence<I...>) {
  if constexpr (std::is_void_v<R>) {
    f(FromPython<std::remove_cvref_t<A>>::get(arguments[I])...);
    Py_RETURN_NONE;
  } else {
    return to_python(f(FromPython<std::remove_cvref_t<A>>::get(arguments[I])...));
  }
}

// Whether the row has n parameters and `out`; throws when it has neither n nor those.
bool serves_out(const Overload& row, std::size_t n);

// The given argument; a dtype=None is that of out= (borrowed).
PyObject* argument_for_out(const Overload& row, std::size_t i, PyObject* given, PyObject* out);

// Throws when out= (the last parameter) shares memory with a tensor among the other arguments.
void check_out_apart(const Overload& row, PyObject* const* arguments);

// Whether results of that type can be written into out=.
template <class R> constexpr bool kFillsOut = std::is_same_v<R, Tensor>;
template <std::size_t N> constexpr bool kFillsOut<Named<N>> = true;

template <class R, class... A, std::size_t... I>
PyObject* call_into_out(const Overload& row, PyObject* const* arguments,
                        std::index_sequence<I...>) {
  auto f = reinterpret_cast<R (*)(A...)>(row.function);
  PyObject* out = arguments[sizeof...(A)];
  const auto argument = [&](std::size_t i) { return argument_for_out(row, i, arguments[i], out); };
  R result = f(FromPython<std::remove_cvref_t<A>>::get(argument(I))...);
  if constexpr (std::is_same_v<R, Tensor>)
    write_out(row.name.c_str(), {&result, 1}, out);
  else
    write_out(row.name.c_str(), result.values, out);
  return to_python(std::move(result));
}

struct Register {
  template <class R, class... A>
  Register(const char* signature, R (*f)(A...), RowOptions options = {}) {
    auto row = parse_signature(signature);
    row->serves_out = serves_out(*row, sizeof...(A));
    row->options = options;
    row->options.draws = options.draws || may_draw(*row);
    row->function = reinterpret_cast<void (*)()>(f);
    row->call = [](const Overload& self, PyObject* const* arguments) -> PyObject* {
      constexpr std::index_sequence_for<A...> all;
      if (self.options.out_apart) check_out_apart(self, arguments);
      if constexpr (kFillsOut<R>)
        if (self.serves_out && arguments[sizeof...(A)] != Py_None)
          return call_into_out<R, A...>(self, arguments, all);
      return call_with(reinterpret_cast<R (*)(A...)>(self.function), arguments, all);
    };
    if (row->serves_out && !kFillsOut<R>) refuse_signature(*row);
    registry_rows().push_back(std::move(row));
  }
};

// A row whose function takes these dtypes.
template <Dtypes kDtypes> struct RegisterFor : Register {
  template <class F>
  RegisterFor(const char* signature, F* f, RowOptions options = {})
      : Register(signature, f, (options.dtypes = kDtypes, options)) {}
};
using RegisterAny = RegisterFor<Dtypes::Any>;
using RegisterComplex = RegisterFor<Dtypes::Complex>;

void set_python_error() noexcept;  // of the C++ exception being handled

// Runs f and turns C++ errors into Python ones; null with an error set then.
template <class F> PyObject* guarded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

}  // namespace backlit
