// What the files of the Tensor type share: tensor_type.cpp puts it together from the attributes and
// short methods (tensor_attributes.cpp) and the operators (tensor_operators.cpp).
#pragma once

#include <span>

#include "bind/bind.h"

namespace backlit {

extern PyGetSetDef tensor_attributes[];
extern PyMethodDef tensor_methods[];
std::span<const PyType_Slot> tensor_operators();

PyObject* tensor_item(PyObject* self, PyObject*);

inline Tensor handle(PyObject* o) { return Tensor::borrow(reinterpret_cast<TensorObject*>(o)); }
inline TensorObject& object(PyObject* o) { return *reinterpret_cast<TensorObject*>(o); }
template <class F> void* slot(F* f) { return reinterpret_cast<void*>(f); }

}  // namespace backlit
