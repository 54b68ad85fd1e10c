// Operation: the callable Python object of one registry name, with all its overloads.
#pragma once

#include "registry/registry.h"

namespace backlit {

extern PyTypeObject* operation_type;
void init_operation_type(PyObject* module);
// No operation takes tensors of this type: their shape is not known yet.
void set_shapeless_type(PyObject* type);
// Calls the row. Arguments of dtypes that its function does not take are converted on the way, or
// refused (bind/row_dtypes.cpp).
PyObject* call_row(const Overload& row, PyObject* const* arguments);
// What a row tells of itself: a dict (bind/row_facts.cpp); null with an error set.
Object row_facts(const Overload& row);
const char* type_name(Parameter::Type t);  // as messages say it
// Builds the callables of all rows and elementwise formulas and hangs them where they belong: a
// dict of dicts, home -> name -> Operation, and methods on the Tensor type.
PyObject* build_operations();

}  // namespace backlit
