// saved_tensors_hooks: Python functions that pack a tensor when it is saved and unpack it later.
#pragma once

#include "tensor/tensor.h"

namespace backlit {

struct SavedHooks {
  int depth = 0;                 // hooks on the stack of this thread
  const char* disabled = nullptr;  // message while they are disabled
};
extern thread_local SavedHooks saved_hooks;

inline bool saved_hooks_active() { return saved_hooks.depth > 0; }

void push_saved_hooks(PyObject* pack, PyObject* unpack);
void pop_saved_hooks();
PyObject* pack_saved(const Tensor& t);     // new reference: (unpack hook, packed)
Tensor unpack_saved(PyObject* packed);

}  // namespace backlit
