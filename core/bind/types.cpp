// The small Python types: dtype, device, Size, Generator.
#include <cstring>
#include <string>
#include <unordered_map>

#include "base/random.h"
#include "bind/bind.h"
#include "ops/creation.h"

namespace nb = nanobind;

namespace backlit {

PyTypeObject* dtype_type = nullptr;
PyTypeObject* size_type = nullptr;
PyTypeObject* generator_type = nullptr;

namespace {

// --- dtype ---

struct DtypeObject {
  PyObject_HEAD Dtype dtype;
};
PyObject* dtypes[kDtypes];

PyObject* dtype_repr(PyObject* self) {
  return PyUnicode_FromFormat("torch.%s", info(dtype_from_object(self)).name);
}
PyObject* dtype_reduce(PyObject* self, PyObject*) {
  // pickled as a name that the package resolves: backlit.float32
  return PyUnicode_FromString(info(dtype_from_object(self)).name);
}
PyObject* dtype_is_floating_point(PyObject* self, void*) {
  return PyBool_FromLong(is_floating(dtype_from_object(self)));
}
PyObject* dtype_is_complex(PyObject* self, void*) {
  return PyBool_FromLong(is_complex(dtype_from_object(self)));
}
// Methods to_complex, to_real: the dtype of complex numbers with such parts, and that of the parts.
template <Dtype (*F)(Dtype)> PyObject* dtype_to(PyObject* self, PyObject*) {
  return guarded([&] { return to_python(F(dtype_from_object(self))); });
}
Dtype to_complex(Dtype d) {
  BACKLIT_CHECK(d != Dtype::Float16, NotImplemented, "backlit has no complex32 numbers.");
  return is_complex(d) ? d : is_floating(d) ? complex_of(d) : complex_of(default_dtype());
}
Dtype to_real(Dtype d) { return is_differentiable(d) ? real_of(d) : default_dtype(); }
PyObject* dtype_is_signed(PyObject* self, void*) {
  const Dtype d = dtype_from_object(self);
  return PyBool_FromLong(d != Dtype::Bool && d != Dtype::UInt8);
}
PyObject* dtype_itemsize(PyObject* self, void*) {
  return PyLong_FromSize_t(size_of(dtype_from_object(self)));
}
PyMethodDef dtype_methods[] = {
    {"to_complex", dtype_to<to_complex>, METH_NOARGS, "The complex dtype of such parts."},
    {"to_real", dtype_to<to_real>, METH_NOARGS, "The dtype of a complex number's parts."},
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef dtype_getset[] = {
    {"is_floating_point", dtype_is_floating_point, nullptr, nullptr, nullptr},
    {"is_complex", dtype_is_complex, nullptr, nullptr, nullptr},
    {"is_signed", dtype_is_signed, nullptr, nullptr, nullptr},
    {"itemsize", dtype_itemsize, nullptr, "Bytes of one element.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyType_Slot dtype_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
                             {Py_tp_methods, dtype_methods},
                             {Py_tp_getset, dtype_getset},
                             {Py_tp_doc, const_cast<char*>("The type of a tensor's elements.")},
                             {0, nullptr}};
PyType_Spec dtype_spec = {"backlit.dtype", sizeof(DtypeObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};

// --- Size: a tuple with numel() ---

PyObject* size_repr(PyObject* self) {
  std::string s = "torch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) {
    const Object r = Object::steal(PyObject_Repr(PyTuple_GET_ITEM(self, i)));
    if (!r) return nullptr;
    s += concat(i ? ", " : "", PyUnicode_AsUTF8(r.get()));
  }
  return to_python(s + "])");
}
// Any iterable of integers; each becomes a Python int.
PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Object size = Object::steal(PyTuple_Type.tp_new(type, args, kwargs));
  if (!size) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(size.get()); ++i) {
    PyObject* item = PyTuple_GET_ITEM(size.get(), i);
    if (PyLong_CheckExact(item)) continue;
    PyObject* number = PyNumber_Index(item);
    if (!number)
      return PyErr_Format(PyExc_TypeError,
                          "torch.Size() takes an iterable of 'int' (item %zd is '%s')", i,
                          Py_TYPE(item)->tp_name);
    PyTuple_SET_ITEM(size.get(), i, PyNumber_Long(number));
    Py_DECREF(number);
    Py_DECREF(item);
  }
  return size.release();
}
PyObject* size_numel(PyObject* self, PyObject*) {
  std::int64_t n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i)
    n *= PyLong_AsLongLong(PyTuple_GET_ITEM(self, i));
  return PyLong_FromLongLong(n);
}
// Slices, concatenations and repetitions of a Size are Sizes.
PyObject* as_size(PyObject* result) {
  if (!result || !PyTuple_CheckExact(result)) return result;
  PyObject* args = PyTuple_Pack(1, result);
  Py_DECREF(result);
  PyObject* size = args ? size_new(size_type, args, nullptr) : nullptr;
  Py_XDECREF(args);
  return size;
}
PyObject* size_subscript(PyObject* self, PyObject* index) {
  return as_size(PyTuple_Type.tp_as_mapping->mp_subscript(self, index));
}
PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(b))
    return PyErr_Format(PyExc_TypeError, "can only concatenate tuple (not %s) to torch.Size",
                        Py_TYPE(b)->tp_name);
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* self, Py_ssize_t times) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(self, times));
}
PyObject* size_add(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return size_concat(a, b);
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  Object tuple = Object::steal(PySequence_Tuple(self));
  Object plain = Object::steal(PyTuple_GetSlice(self, 0, PyTuple_GET_SIZE(self)));
  return Py_BuildValue("(O(N))", size_type, plain.release());
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS, "Product of the sizes."},
                              {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                              {nullptr, nullptr, 0, nullptr}};
PyType_Slot size_slots[] = {{Py_tp_base, nullptr},
                            {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
                            {Py_tp_methods, size_methods},
                            {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
                            {Py_tp_new, reinterpret_cast<void*>(size_new)},
                            {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
                            {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
                            {Py_nb_add, reinterpret_cast<void*>(size_add)},
                            {0, nullptr}};
PyType_Spec size_spec = {"backlit.Size", 0, 0, Py_TPFLAGS_DEFAULT, size_slots};

PyObject* the_device = nullptr;

// --- Generator ---

struct GeneratorObject {
  PyObject_HEAD Generator* generator;
  bool owned;
};

PyObject* generator_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"device", nullptr};
  PyObject* device = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &device))
    return nullptr;
  if (device) {
    const Object known = Object::steal(
        PyObject_CallOneArg(reinterpret_cast<PyObject*>(Py_TYPE(the_device)), device));
    if (!known) return nullptr;
  }
  auto* self = reinterpret_cast<GeneratorObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  self->generator = new Generator;
  self->owned = true;
  return reinterpret_cast<PyObject*>(self);
}
void generator_dealloc(PyObject* self) {
  auto* g = reinterpret_cast<GeneratorObject*>(self);
  if (g->owned) delete g->generator;
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}
PyObject* generator_manual_seed(PyObject* self, PyObject* seed) {
  return guarded([&]() -> PyObject* {
    int overflow = 0;
    const long long s = PyLong_AsLongLongAndOverflow(seed, &overflow);
    if (PyErr_Occurred()) return nullptr;
    const std::uint64_t value =
        overflow ? PyLong_AsUnsignedLongLong(seed) : static_cast<std::uint64_t>(s);
    if (PyErr_Occurred()) {
      PyErr_Clear();
      fail(ErrorKind::Value, "Overflow when unpacking long long");
    }
    generator_from_object(self).manual_seed(value);
    Py_INCREF(self);
    return self;
  });
}
PyObject* generator_seed(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(generator_from_object(self).seed());
}
PyObject* generator_initial_seed(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(generator_from_object(self).initial_seed());
}
PyObject* generator_get_state(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Tensor t = Tensor::empty(Dims{static_cast<std::int64_t>(Generator::kStateBytes)}, Dtype::UInt8);
    generator_from_object(self).get_state(t.data<std::uint8_t>());
    return to_python(std::move(t));
  });
}
PyObject* generator_set_state(PyObject* self, PyObject* state) {
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(is_tensor(state), Type, "expected a torch.ByteTensor, but got ",
                  Py_TYPE(state)->tp_name);
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(state));
    BACKLIT_CHECK(t.dtype() == Dtype::UInt8 && t.is_contiguous(), Type,
                  "RNG state must be a torch.ByteTensor");
    generator_from_object(self).set_state(t.data<std::uint8_t>(),
                                          static_cast<std::size_t>(t.numel()));
    Py_INCREF(self);
    return self;
  });
}
PyObject* generator_reduce(PyObject* self, PyObject*) {
  PyObject* state = generator_get_state(self, nullptr);
  return state ? Py_BuildValue("(O()N)", generator_type, state) : nullptr;
}
PyObject* generator_clone_state(PyObject* self, PyObject*) {
  PyObject* copy = generator_type->tp_alloc(generator_type, 0);
  if (!copy) return nullptr;
  auto* g = reinterpret_cast<GeneratorObject*>(copy);
  g->generator = new Generator(generator_from_object(self));
  g->owned = true;
  return copy;
}
PyObject* generator_device(PyObject*, void*) {
  PyObject* d = device_object();
  Py_INCREF(d);
  return d;
}
PyMethodDef generator_methods[] = {
    {"manual_seed", generator_manual_seed, METH_O, "Sets the seed; returns the generator."},
    {"seed", generator_seed, METH_NOARGS, "Seeds from the system and returns the seed."},
    {"initial_seed", generator_initial_seed, METH_NOARGS, "The seed last set."},
    {"get_state", generator_get_state, METH_NOARGS, "The state as a ByteTensor, PyTorch's layout."},
    {"clone_state", generator_clone_state, METH_NOARGS, "A new generator in the same state."},
    {"set_state", generator_set_state, METH_O, "Restores a state that get_state gave."},
    {"__reduce__", generator_reduce, METH_NOARGS, nullptr},
    {"__setstate__", generator_set_state, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef generator_getset[] = {{"device", generator_device, nullptr, nullptr, nullptr},
                                  {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyType_Slot generator_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(generator_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(generator_dealloc)},
    {Py_tp_methods, generator_methods},
    {Py_tp_getset, generator_getset},
    {Py_tp_doc, const_cast<char*>("A generator of random numbers, PyTorch's mt19937.")},
    {0, nullptr}};
PyType_Spec generator_spec = {"backlit.Generator", sizeof(GeneratorObject), 0, Py_TPFLAGS_DEFAULT,
                              generator_slots};

// --- device: there is one ---

struct DeviceObject {
  PyObject_HEAD
};
PyTypeObject* device_type = nullptr;

// PyTorch's device types; the first is the one there is.
constexpr const char* kDeviceTypes[] = {
    "cpu",  "cuda", "ipu", "xpu",  "mkldnn", "opengl", "opencl", "ideep", "hip",  "ve",
    "fpga", "maia", "xla", "lazy", "vulkan", "mps",    "meta",   "hpu",   "mtia", "privateuseone"};

void check_device_string(const std::string& s) {
  const std::string type = s.substr(0, s.find(':'));
  bool known = false;
  std::string all;
  for (const char* name : kDeviceTypes) {
    known |= type == name;
    all += concat(all.empty() ? "" : ", ", name);
  }
  BACKLIT_CHECK(known, Runtime, "Expected one of ", all,
                " device type at start of device string: ", type);
  if (type != s) {
    const std::string index = s.substr(type.size() + 1);
    BACKLIT_CHECK(!index.empty() && index.find_first_not_of("0123456789") == std::string::npos,
                  Runtime, "Invalid device string: '", s, "'");
  }
  BACKLIT_CHECK(type == "cpu", NotImplemented, "backlit runs on the CPU only. Got device '", s,
                "'; use torch.device('cpu').");
}

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"type", "index", nullptr};
  PyObject *type, *index = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(names), &type, &index))
    return nullptr;
  if (Py_TYPE(type) != device_type) {
    const char* s = PyUnicode_Check(type) ? PyUnicode_AsUTF8(type) : nullptr;
    if (!s) {
      PyErr_Format(PyExc_TypeError, "device(): argument 'type' must be str, not %s",
                   Py_TYPE(type)->tp_name);
      return nullptr;
    }
    const bool fine = std::strcmp(s, "cpu") == 0 || guarded([&]() -> PyObject* {
                        check_device_string(s);
                        return the_device;
                      });
    if (!fine) return nullptr;
  }
  Py_INCREF(the_device);
  return the_device;
}
PyObject* device_repr(PyObject*) { return PyUnicode_FromString("device(type='cpu')"); }
PyObject* device_str(PyObject*) { return PyUnicode_FromString("cpu"); }
PyObject* device_get_type(PyObject*, void*) { return PyUnicode_FromString("cpu"); }
PyObject* device_get_index(PyObject*, void*) { Py_RETURN_NONE; }
PyObject* device_reduce(PyObject*, PyObject*) {
  return Py_BuildValue("(O(s))", device_type, "cpu");
}
PyGetSetDef device_getset[] = {{"type", device_get_type, nullptr, nullptr, nullptr},
                               {"index", device_get_index, nullptr, nullptr, nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {nullptr, nullptr, 0, nullptr}};
PyType_Slot device_slots[] = {{Py_tp_new, reinterpret_cast<void*>(device_new)},
                              {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
                              {Py_tp_str, reinterpret_cast<void*>(device_str)},
                              {Py_tp_getset, device_getset},
                              {Py_tp_methods, device_methods},
                              {0, nullptr}};
PyType_Spec device_spec = {"backlit.device", sizeof(DeviceObject), 0, Py_TPFLAGS_DEFAULT,
                           device_slots};

PyTypeObject* make_type(PyType_Spec& spec) {
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!type) throw PythonErrorSet();
  return type;
}

}  // namespace

PyObject* dtype_object(Dtype d) { return dtypes[static_cast<int>(d)]; }
Dtype dtype_from_object(PyObject* o) {
  const std::optional<Dtype> dtype = as_dtype(o);
  BACKLIT_CHECK(dtype, Type, "expected a torch.dtype, but got ", Py_TYPE(o)->tp_name);
  return *dtype;
}
std::optional<Dtype> as_dtype(PyObject* o) {
  if (Py_TYPE(o) == dtype_type) return reinterpret_cast<DtypeObject*>(o)->dtype;
  const auto is = [o](PyTypeObject& type) { return o == reinterpret_cast<PyObject*>(&type); };
  if (is(PyFloat_Type)) return Dtype::Float64;
  if (is(PyLong_Type)) return Dtype::Int64;
  if (is(PyBool_Type)) return Dtype::Bool;
  if (is(PyComplex_Type)) return Dtype::Complex128;
  return std::nullopt;
}

PyObject* size_object(Span sizes) {
  // a tuple subclass has no public constructor from items: allocate and fill
  PyObject* size = size_type->tp_alloc(size_type, static_cast<Py_ssize_t>(sizes.size()));
  for (std::size_t i = 0; size && i < sizes.size(); ++i)
    PyTuple_SET_ITEM(size, static_cast<Py_ssize_t>(i), PyLong_FromLongLong(sizes[i]));
  return size;
}

Generator& generator_from_object(PyObject* o) {
  BACKLIT_CHECK(PyObject_TypeCheck(o, generator_type), Type, "expected a torch.Generator, but got ",
                Py_TYPE(o)->tp_name);
  return *reinterpret_cast<GeneratorObject*>(o)->generator;
}

PyObject* device_object() { return the_device; }

void init_types() {
  dtype_type = make_type(dtype_spec);
  for (int i = 0; i < kDtypes; ++i) {
    auto* d = PyObject_New(DtypeObject, dtype_type);
    d->dtype = static_cast<Dtype>(i);
    dtypes[i] = reinterpret_cast<PyObject*>(d);
  }
  size_slots[0].pfunc = &PyTuple_Type;
  size_type = make_type(size_spec);
  generator_type = make_type(generator_spec);
  device_type = make_type(device_spec);
  the_device = reinterpret_cast<PyObject*>(PyObject_New(DeviceObject, device_type));
}

void bind_types(nb::module_& m) {
  nb::setattr(m, "dtype", nb::borrow(reinterpret_cast<PyObject*>(dtype_type)));
  nb::setattr(m, "Size", nb::borrow(reinterpret_cast<PyObject*>(size_type)));
  nb::setattr(m, "Generator", nb::borrow(reinterpret_cast<PyObject*>(generator_type)));
  nb::setattr(m, "device", nb::borrow(reinterpret_cast<PyObject*>(device_type)));
  for (int i = 0; i < kDtypes; ++i)
    nb::setattr(m, kDtypeInfo[static_cast<std::size_t>(i)].name, nb::borrow(dtypes[i]));
  auto* g = PyObject_New(GeneratorObject, generator_type);
  g->generator = &default_generator();
  g->owned = false;
  nb::setattr(m, "default_generator", nb::steal(reinterpret_cast<PyObject*>(g)));
}

// --- conversions of registry/convert.h ---

Scalar scalar_from_object(PyObject* o) {
  if (PyFloat_Check(o)) return Scalar(PyFloat_AS_DOUBLE(o));
  if (o == Py_True) return Scalar(true);
  if (o == Py_False) return Scalar(false);
  if (is_tensor(o)) {
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(o));
    if (t.is_floating()) return Scalar(t.item());
    if (t.is_complex() && t.numel() == 1) return Scalar(read_complex(t.raw(), t.dtype()));
    return t.dtype() == Dtype::Bool ? Scalar(t.item_int() != 0) : Scalar(t.item_int());
  }
  if (PyLong_Check(o) || PyIndex_Check(o)) {
    const Object i = Object::steal(PyNumber_Index(o));
    if (!i) throw PythonErrorSet();
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(i.get(), &overflow);
    BACKLIT_CHECK(!overflow, Runtime, "value cannot be converted to type int64_t without overflow");
    return Scalar(static_cast<std::int64_t>(v));
  }
  const auto dtype = scalar_dtype(o);
  if (PyComplex_Check(o) || (dtype && is_complex(*dtype))) {
    const Py_complex z = PyComplex_AsCComplex(o);
    if (z.real == -1.0 && PyErr_Occurred()) throw PythonErrorSet();
    return Scalar(Complex<double>{z.real, z.imag});
  }
  const double d = PyFloat_AsDouble(o);
  if (d == -1.0 && PyErr_Occurred()) throw PythonErrorSet();
  return Scalar(d);
}

std::int64_t int_from_object(PyObject* o) {
  if (is_tensor(o)) return Tensor::borrow(reinterpret_cast<TensorObject*>(o)).item_int();
  if (!PyLong_Check(o)) {
    const Object i = Object::steal(PyNumber_Index(o));
    if (!i) throw PythonErrorSet();
    return int_from_object(i.get());
  }
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
  BACKLIT_CHECK(!overflow, Runtime, "Overflow when unpacking long");
  return v;
}

Dims dims_from_object(PyObject* o) {
  Dims d;
  if (o == Py_None) return d;
  if (!PyTuple_Check(o) && !PyList_Check(o)) {
    d.push_back(int_from_object(o));
    return d;
  }
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  for (Py_ssize_t i = 0; i < n; ++i) d.push_back(int_from_object(PySequence_Fast_GET_ITEM(o, i)));
  return d;
}

namespace {

// The named tuple `name`, borrowed; backlit._return_types.kind makes each once.
PyTypeObject* named_tuple(const char* name, const char* fields) {
  static auto& kinds = *new std::unordered_map<std::string, PyTypeObject*>;  // outlives Python
  PyTypeObject*& kind = kinds[name];
  if (!kind) {
    const Object module = Object::steal(PyImport_ImportModule("backlit._return_types"));
    if (!module) throw PythonErrorSet();
    PyObject* made = PyObject_CallMethod(module.get(), "kind", "ss", name, fields);
    if (!made) throw PythonErrorSet();
    kind = reinterpret_cast<PyTypeObject*>(made);
  }
  return kind;
}

}  // namespace

PyObject* named_result(const char* name, const char* fields, std::vector<Tensor>& values) {
  PyTypeObject* kind = named_tuple(name, fields);
  PyObject* result = kind->tp_alloc(kind, static_cast<Py_ssize_t>(values.size()));
  if (!result) throw PythonErrorSet();
  for (std::size_t i = 0; i < values.size(); ++i)
    PyTuple_SET_ITEM(result, static_cast<Py_ssize_t>(i), to_python(std::move(values[i])));
  return result;
}

}  // namespace backlit
