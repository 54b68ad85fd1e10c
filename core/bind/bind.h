// What the files of bind/ share.
#pragma once

#include <nanobind/nanobind.h>

#include "graph/node.h"
#include "registry/registry.h"

namespace backlit {

void init_types();        // dtype, device, Size, finfo, iinfo, Generator (bind/types.cpp)
void init_tensor_type();  // Tensor (bind/tensor_type.cpp)
void init_node_type();    // graph nodes (bind/node_type.cpp)
void bind_types(nanobind::module_& m);
void bind_autograd(nanobind::module_& m);
void bind_nodes(nanobind::module_& m);
void bind_formulas(nanobind::module_& m);
void bind_grad_mode(nanobind::module_& m);
void bind_optim(nanobind::module_& m);
void bind_interchange(nanobind::module_& m);
void bind_dlpack(nanobind::module_& m);
void bind_queries(nanobind::module_& m);
void bind_carriers(nanobind::module_& m);
// Adds functions that take a tensor first as methods of Tensor (bind/queries.cpp).
void add_tensor_methods(PyMethodDef* defs);

// Tensor(...), and the slots by which other libraries reach its memory (bind/interchange.cpp).
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs);
PyObject* tensor_iter(PyObject* self);
int tensor_contains(PyObject* self, PyObject* value);
int tensor_get_buffer(PyObject* self, Py_buffer* view, int flags);
void tensor_release_buffer(PyObject* self, Py_buffer* view);
// The memory of t as an object of a subclass (bind/tensor_type.cpp); new reference.
PyObject* subclass_object(PyTypeObject* type, const Tensor& t, bool requires_grad);

// An element as a Python number (bind/interchange.cpp); new reference.
PyObject* number_at(const char* p, Dtype dtype);

PyObject* device_object();  // borrowed: torch.device('cpu')

// tensor.backward(...) and autograd's entry point (bind/autograd.cpp).
PyObject* tensor_backward(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                          PyObject* kwnames);

// x[index] and x[index] = value (ops/indexing.cpp).
namespace ops {
PyObject* get_item(const Tensor& x, PyObject* index);
void set_item(const Tensor& x, PyObject* index, PyObject* value);
}  // namespace ops

// The formula's numbers that are no inputs: negative_slope, alpha (bind/formulas.cpp).
std::vector<std::string> parameter_names(const ElementwiseOp& op);

// Null for what is no node, and for a context whose graph was freed (bind/autograd.cpp).
Node* node_from(PyObject* o);
// What a node tells of itself (bind/node_details.cpp).
void add_node_details(PyTypeObject* type);
PyObject* call_node(PyObject* self, PyObject* args, PyObject* kwargs);
Tensor saved_result(Node& node, std::uint32_t nr);

// A node as a Python object whose type is named after its operation.
PyObject* node_object(Node* node);  // new reference

}  // namespace backlit

namespace nanobind::detail {

// Tensors are objects of our own type; nanobind passes them through.
template <> struct type_caster<backlit::Tensor> {
  NB_TYPE_CASTER(backlit::Tensor, const_name("Tensor"))
  bool from_python(handle src, std::uint8_t, cleanup_list*) noexcept {
    if (!PyObject_TypeCheck(src.ptr(), backlit::tensor_type)) return false;
    value = backlit::Tensor::borrow(reinterpret_cast<backlit::TensorObject*>(src.ptr()));
    return true;
  }
  static handle from_cpp(const backlit::Tensor& t, rv_policy, cleanup_list*) noexcept {
    return backlit::to_python(t);
  }
};

template <> struct type_caster<backlit::Dtype> {
  NB_TYPE_CASTER(backlit::Dtype, const_name("dtype"))
  bool from_python(handle src, std::uint8_t, cleanup_list*) noexcept {
    const auto dtype = backlit::as_dtype(src.ptr());
    if (dtype) value = *dtype;
    return dtype.has_value();
  }
  static handle from_cpp(backlit::Dtype d, rv_policy, cleanup_list*) noexcept {
    return backlit::to_python(d);
  }
};

}  // namespace nanobind::detail
