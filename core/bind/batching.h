// Where calls that hold a batched tensor leave for vmap (bind/batching.cpp).
#pragma once

#include "registry/registry.h"

namespace backlit {

extern bool batching_draws;  // inside vmap: rows that draw random numbers are handed over

bool holds_batched(PyObject* o);
bool holds_batched(PyObject* const* arguments, Py_ssize_t n);
// The call as vmap computes it; a new reference, or null with an error set.
PyObject* call_batched(PyObject* operation, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames);
// A static method of the batched type: for indexing and in-place operators.
PyObject* call_batched_method(const char* name, PyObject* self, PyObject* argument,
                              PyObject* value = nullptr);

}  // namespace backlit
