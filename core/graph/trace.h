// What nodes keep inside backlit.trace(), beyond what backward needs: operands and results, and the
// nn.Module that ran. A node made there keeps its saved tensors beyond the backward run that
// releases them, so that it can be explained afterwards; another run fails as it would outside,
// unless it is a reading one.
#pragma once

#include "graph/node.h"

namespace backlit {

// The nn.Module that runs now in this thread, for nodes made from here on: (class of the outermost,
// path from there), or None.
void set_traced_module(PyObject* module);

class Rereading {
 public:
  Rereading() : former_(modes.rereading) { modes.rereading = true; }
  ~Rereading() { modes.rereading = former_; }
  Rereading(const Rereading&) = delete;
  Rereading& operator=(const Rereading&) = delete;

 private:
  bool former_;
};

}  // namespace backlit
