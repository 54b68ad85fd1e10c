// Indexing.
#include "registry/registry.h"

namespace backlit::ops {

PyObject* get_item(const Tensor&, PyObject*) { fail(ErrorKind::NotImplemented, "indexing"); }
void set_item(const Tensor&, PyObject*, PyObject*) { fail(ErrorKind::NotImplemented, "indexing"); }

}  // namespace backlit::ops
