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
// NumPy's names axis/axes, keepdims, x, x1, x2.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "registry/convert.h"

namespace backlit {

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
  bool view = false;         // shows the memory of its input: there is also name_copy, with its own
  const char* example = "";  // one line that CI runs, with its output behind "->"
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
  Call call = nullptr;
  void (*function)() = nullptr;                // of a structured operation
  const ElementwiseOp* elementwise = nullptr;  // of an elementwise operation
  const Overload* view = nullptr;              // of name_copy: the row it copies the result of
};

// All rows in the order of registration.
std::vector<std::unique_ptr<Overload>>& registry_rows();
// Parses the signature; throws on a malformed one (start-up, tested).
std::unique_ptr<Overload> parse_signature(const char* signature);

template <class R, class... A, std::size_t... I>
PyObject* call_with(R (*f)(A...), PyObject* const* arguments, std::index_sequence<I...>) {
  if constexpr (std::is_void_v<R>) {
    f(FromPython<std::remove_cvref_t<A>>::get(arguments[I])...);
    Py_RETURN_NONE;
  } else {
    return to_python(f(FromPython<std::remove_cvref_t<A>>::get(arguments[I])...));
  }
}

void check_parameter_count(const Overload& row, std::size_t n);

struct Register {
  template <class R, class... A>
  Register(const char* signature, R (*f)(A...), RowOptions options = {}) {
    auto row = parse_signature(signature);
    check_parameter_count(*row, sizeof...(A));
    row->options = options;
    row->function = reinterpret_cast<void (*)()>(f);
    row->call = [](const Overload& self, PyObject* const* arguments) -> PyObject* {
      return call_with(reinterpret_cast<R (*)(A...)>(self.function), arguments,
                       std::index_sequence_for<A...>());
    };
    registry_rows().push_back(std::move(row));
  }
};

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
