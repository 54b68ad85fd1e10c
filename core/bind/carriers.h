// Where calls that hold a carrier leave for Python (bind/carriers.cpp).
#pragma once

#include "registry/registry.h"

namespace backlit {

extern bool batching_draws;  // inside vmap: rows that draw random numbers are handed over

bool holds_carrier(PyObject* o);
bool holds_carrier(PyObject* const* arguments, Py_ssize_t n);
// The call as vmap or forward mode compute it; a new reference, or null with an error set.
PyObject* call_carrier(PyObject* operation, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames);
// A static method of the type: for indexing and in-place operators.
PyObject* call_carrier_method(const char* name, PyObject* self, PyObject* argument,
                              PyObject* value = nullptr);

}  // namespace backlit
