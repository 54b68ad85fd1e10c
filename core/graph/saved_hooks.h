// saved_tensors_hooks: Python functions that pack a tensor when it is saved and unpack it later.
#pragma once

#include "tensor/tensor.h"

namespace backlit {

struct Node;

struct SavedHooks {
  int depth = 0;                   // hooks on the stack of this thread
  const char* disabled = nullptr;  // message while they are disabled
};
extern thread_local SavedHooks saved_hooks;

inline bool saved_hooks_active() { return saved_hooks.depth > 0; }

void push_saved_hooks(PyObject* pack, PyObject* unpack);
void pop_saved_hooks();
// New reference: (unpack hook, packed, node that t comes from or None; True: the node that saves
// it). The node is kept, because what the unpack hook gives back need not know its history.
PyObject* pack_saved(const Tensor& t, PyObject* origin);
// `self`: the node that saved it; output_nr: which output of its origin the tensor is.
Tensor unpack_saved(PyObject* packed, Node* self, std::uint32_t output_nr);

}  // namespace backlit
