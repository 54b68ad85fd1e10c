#include "tensor/storage.h"

#include "base/memory.h"

namespace backlit {
namespace {

// Data of up to this size lives behind the header, in one allocation.
constexpr std::size_t kInlineBytes = 64;

Storage* new_header(Storage::Kind kind, std::size_t extra = 0) {
  auto* s = static_cast<Storage*>(pool_allocate(sizeof(Storage) + extra));
  s->refs = 1;
  s->version = 0;
  s->kind = kind;
  s->read_only = false;
  s->parent = nullptr;
  return s;
}

}  // namespace

Storage* new_storage(std::size_t bytes) {
  if (bytes <= kInlineBytes) {
    Storage* s = new_header(Storage::Kind::Inline, bytes);
    s->data = reinterpret_cast<char*>(s + 1);
    s->bytes = bytes;
    return s;
  }
  void* data = allocate(bytes);
  Storage* s = new_header(Storage::Kind::Owned);
  s->data = static_cast<char*>(data);
  s->bytes = bytes;
  return s;
}

Storage* new_external_storage(void* data, std::size_t bytes, PyObject* owner, bool read_only) {
  Storage* s = new_header(Storage::Kind::External);
  s->data = static_cast<char*>(data);
  s->bytes = bytes;
  s->read_only = read_only;
  Py_INCREF(owner);
  s->owner = owner;
  return s;
}

Storage* share_storage(Storage* storage, std::uint32_t version) {
  Storage* root = storage->kind == Storage::Kind::Shared ? storage->parent : storage;
  Storage* s = new_header(Storage::Kind::Shared);
  s->data = root->data;
  s->bytes = root->bytes;
  s->read_only = root->read_only;
  s->version = version;
  s->parent = root;
  retain(root);
  return s;
}

void destroy_storage(Storage* s) noexcept {
  std::size_t extra = 0;
  switch (s->kind) {
    case Storage::Kind::Inline: extra = s->bytes; break;
    case Storage::Kind::Owned: release(s->data, s->bytes); break;
    case Storage::Kind::Shared: release(s->parent); break;
    case Storage::Kind::External: Py_DECREF(s->owner); break;
  }
  pool_release(s, sizeof(Storage) + extra);
}

}  // namespace backlit
