// DLPack: tensors to and from other libraries without a copy (dmlc.github.io/dlpack, version 1).
#include <cstring>

#include "bind/bind.h"
#include "ops/arithmetic.h"
#include "ops/views.h"

namespace nb = nanobind;

namespace backlit {
namespace {

// The C structures that the protocol fixes.
struct DlDevice {
  std::int32_t type, id;
};
struct DlType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct DlTensor {
  void* data;
  DlDevice device;
  std::int32_t ndim;
  DlType dtype;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};
struct DlManaged {
  DlTensor tensor;
  void* context;
  void (*deleter)(DlManaged*);
};
struct DlVersioned {
  std::uint32_t major, minor;
  void* context;
  void (*deleter)(DlVersioned*);
  std::uint64_t flags;
  DlTensor tensor;
};
constexpr std::int32_t kCpu = 1;
constexpr std::uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6;
constexpr std::uint64_t kReadOnly = 1, kCopied = 2;

// Managed is DlManaged or DlVersioned.
template <class Managed> constexpr const char* kName = "dltensor";
template <> constexpr const char* kName<DlVersioned> = "dltensor_versioned";
template <class Managed> constexpr const char* kUsedName = "used_dltensor";
template <> constexpr const char* kUsedName<DlVersioned> = "used_dltensor_versioned";

template <class... Parts> [[noreturn]] void fail_buffer(const Parts&... parts) {
  PyErr_SetString(PyExc_BufferError, concat(parts...).c_str());
  throw PythonErrorSet();
}

// --- out ---

template <class Managed> struct Export {
  Managed managed;
  Storage* storage;
  std::int64_t shape[kMaxDims], strides[kMaxDims];
};

DlType type_of(Dtype d) {
  const auto bits = static_cast<std::uint8_t>(8 * size_of(d));
  if (d == Dtype::BFloat16) return {kBfloat, bits, 1};
  if (is_floating(d)) return {kFloat, bits, 1};
  if (is_complex(d)) return {kComplex, bits, 1};
  if (d == Dtype::Bool) return {kBool, bits, 1};
  return {d == Dtype::UInt8 ? kUInt : kInt, bits, 1};
}

// The consumer may run the deleter in a thread that does not hold the GIL.
template <class Managed> void delete_export(Managed* m) {
  auto* e = static_cast<Export<Managed>*>(m->context);
  const PyGILState_STATE state = PyGILState_Ensure();
  release(e->storage);
  PyGILState_Release(state);
  delete e;
}

template <class Managed> void drop_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, kName<Managed>)) return;  // consumed
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, kName<Managed>));
  if (m->deleter) m->deleter(m);
}

template <class Managed> PyObject* export_tensor(const Tensor& t, bool copied) {
  auto* e = new Export<Managed>{};
  e->storage = t->storage;
  retain(e->storage);
  for (int d = 0; d < t.dim(); ++d) {
    e->shape[d] = t.layout().size(d);
    e->strides[d] = t.layout().stride(d);
  }
  e->managed.context = e;
  e->managed.deleter = &delete_export<Managed>;
  e->managed.tensor = {t.raw(), {kCpu, 0}, t.dim(), type_of(t.dtype()), e->shape, e->strides, 0};
  if constexpr (std::is_same_v<Managed, DlVersioned>) {
    e->managed.major = 1;
    e->managed.minor = 0;
    e->managed.flags = (t->storage->read_only ? kReadOnly : 0) | (copied ? kCopied : 0);
  }
  PyObject* capsule = PyCapsule_New(&e->managed, kName<Managed>, &drop_capsule<Managed>);
  if (!capsule) delete_export(&e->managed);
  return capsule;
}

void check_dl_device(PyObject* device) {
  if (device == Py_None) return;
  int type, id;
  if (!PyArg_ParseTuple(device, "ii", &type, &id)) throw PythonErrorSet();
  BACKLIT_CHECK(type == kCpu, NotImplemented,
                "__dlpack__: backlit runs on the CPU only. Got device type ", type, ".");
}

// __dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)
PyObject* to_dlpack(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO:__dlpack__", const_cast<char**>(names),
                                     &stream, &version, &device, &copy))
      return nullptr;
    Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(self));
    if (t.requires_grad())
      fail_buffer("Can't export tensors that require gradient, use tensor.detach()");
    check_dl_device(device);
    int major = 0, minor = 0;
    if (version != Py_None && !PyArg_ParseTuple(version, "ii", &major, &minor)) return nullptr;
    const bool copied = copy == Py_True;
    if (copied) t = ops::clone(t);
    if (major >= 1) return export_tensor<DlVersioned>(t, copied);
    return export_tensor<DlManaged>(t, copied);
  });
}

PyObject* dlpack_device(PyObject*, PyObject*) { return Py_BuildValue("(ii)", kCpu, 0); }

// --- in ---

Dtype dtype_of(const DlType& type) {
  BACKLIT_CHECK(type.lanes == 1, Runtime, "ATen does not support lanes != 1. Got ", type.lanes,
                ".");
  for (int i = 0; i < kDtypes; ++i) {
    const DlType own = type_of(static_cast<Dtype>(i));
    if (own.code == type.code && own.bits == type.bits) return static_cast<Dtype>(i);
  }
  fail_buffer("from_dlpack: backlit has no dtype for DLPack's type code ", int{type.code}, " with ",
              int{type.bits}, " bits.");
}

template <class Managed> void drop_import(PyObject* owner) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(owner, "backlit.dlpack"));
  if (m && m->deleter) m->deleter(m);
}

template <class Managed> PyObject* import_capsule(PyObject* capsule) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, kName<Managed>));
  if (!m) return nullptr;
  bool read_only = false;
  if constexpr (std::is_same_v<Managed, DlVersioned>) {
    if (m->major != 1)
      fail_buffer("from_dlpack: version ", m->major, ".", m->minor,
                  " of DLPack is not known; 1.x is.");
    read_only = m->flags & kReadOnly;
  }
  const DlTensor& from = m->tensor;
  if (from.device.type != kCpu)
    fail_buffer("from_dlpack: backlit runs on the CPU only. Got device type ", from.device.type,
                ".");
  const Dtype dtype = dtype_of(from.dtype);
  Dims sizes, strides;
  std::int64_t extent = 1;
  for (int d = 0; d < from.ndim; ++d) sizes.push_back(from.shape[d]);
  strides = contiguous_strides(sizes);
  for (int d = 0; d < from.ndim && from.strides; ++d) strides[d] = from.strides[d];
  for (int d = 0; d < from.ndim; ++d) {
    if (sizes[d] < 0 || (strides[d] < 0 && sizes[d] > 1))
      fail_buffer("from_dlpack: negative strides are not supported. Copy the array first.");
    if (strides[d] < 0) strides[d] = 1;
    extent = sizes[d] == 0 ? 0 : extent + (sizes[d] - 1) * strides[d] * (extent != 0);
  }
  const Object owner = Object::steal(PyCapsule_New(m, "backlit.dlpack", &drop_import<Managed>));
  if (!owner) return nullptr;
  PyCapsule_SetName(capsule, kUsedName<Managed>);  // ours from here on
  PyCapsule_SetDestructor(capsule, nullptr);
  char* data = static_cast<char*>(from.data) + from.byte_offset;
  Storage* s = new_external_storage(data, static_cast<std::size_t>(extent) * size_of(dtype),
                                    owner.get(), read_only);
  return to_python(Tensor::over(s, s->data, strided_layout(sizes, strides), dtype));
}

// _from_dlpack(capsule)
PyObject* from_dlpack(PyObject*, PyObject* capsule) {
  return guarded([&]() -> PyObject* {
    if (PyCapsule_IsValid(capsule, kName<DlVersioned>)) return import_capsule<DlVersioned>(capsule);
    BACKLIT_CHECK(
        PyCapsule_IsValid(capsule, kName<DlManaged>), Runtime,
        "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only "
        "once, so you might have already constructed a tensor from it once.");
    return import_capsule<DlManaged>(capsule);
  });
}

PyMethodDef methods[] = {
    {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(to_dlpack)),
     METH_VARARGS | METH_KEYWORDS, "A DLPack capsule over the same memory."},
    {"__dlpack_device__", dlpack_device, METH_NOARGS, "(1, 0): the CPU."},
    {nullptr, nullptr, 0, nullptr}};
PyMethodDef functions[] = {{"_from_dlpack", from_dlpack, METH_O, nullptr},
                           {nullptr, nullptr, 0, nullptr}};

}  // namespace

void bind_dlpack(nb::module_& m) {
  add_tensor_methods(methods);
  if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw PythonErrorSet();
}

}  // namespace backlit
