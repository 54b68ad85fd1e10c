// Creation of tensors: what the files of this topic share.
#pragma once

#include <optional>

#include "registry/registry.h"

namespace backlit {

PyObject* device_object();  // bind/types.cpp; borrowed: torch.device('cpu')

// Throws unless `device` names the CPU (None: yes).
void check_device(PyObject* device);
// Sets the flag with PyTorch's check of the dtype.
Tensor with_requires_grad(Tensor t, bool requires_grad);
// numpy.ndarray or a subclass; NumPy is not imported for the question.
bool is_numpy_array(PyObject* o);
// A Python number or a NumPy scalar, no array.
bool is_plain_number(PyObject* o);
// A numpy scalar's or Python number's dtype; none for other objects.
std::optional<Dtype> scalar_dtype(PyObject* o);
// The memory of an object with the buffer protocol as a tensor; `owner` is kept alive by it.
Tensor tensor_over_buffer(PyObject* o, PyObject* owner);
// The bytes of a contiguous buffer as a 1-D uint8 tensor.
Tensor tensor_over_bytes(PyObject* buffer);
// Warns where data is a tensor: a copy of one is better made by clone().
void warn_copy_of_tensor(PyObject* data, const char* call);
// A number checked to fit the dtype; throws PyTorch's "value cannot be converted to type ...".
void write_checked(PyObject* number, void* p, Dtype dtype);
void check_fits(const Scalar& value, Dtype dtype, const char* type_name);
// Gives `out` the result's memory where sizes differ, else copies into it; returns out.
Tensor into_given(Tensor result, const Tensor& out);

}  // namespace backlit
