// Storage: the memory behind one or more tensors, and the counter of its in-place changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/object.h"

namespace backlit {

struct Storage {
  std::int64_t refs;
  char* data;
  std::size_t bytes;
  // Version counter: bumped by each in-place change, compared by saved tensors.
  std::uint32_t version;
  enum class Kind : std::uint8_t { Inline, Owned, Shared, External } kind;
  bool read_only;
  union {
    Storage* parent;  // Shared: another storage's memory under a version counter of its own
    PyObject* owner;  // External: the Python object that owns the memory
  };
};

Storage* new_storage(std::size_t bytes);
// Memory of another library; holds a new reference to owner.
Storage* new_external_storage(void* data, std::size_t bytes, PyObject* owner, bool read_only);
// The same memory with its own version counter (what `.data` gives).
Storage* share_storage(Storage* storage, std::uint32_t version);
void destroy_storage(Storage* storage) noexcept;

inline void retain(Storage* s) noexcept { ++s->refs; }
inline void release(Storage* s) noexcept {
  if (--s->refs == 0) destroy_storage(s);
}

}  // namespace backlit
