// The innermost Python instruction outside of this package, found by walking the interpreter's own
// frames: asking for frame objects would allocate one per call, and cost more than most operations.
// Before 3.11 a frame is an object anyway. From 3.14 on, and without the GIL, the layout of frames
// is another, and the public functions do.
#include "graph/location.h"

#include <cstring>

#if PY_VERSION_HEX < 0x030B0000
#include <frameobject.h>
#elif PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED)
#define BACKLIT_INTERPRETER_FRAMES
#define Py_BUILD_CORE
extern "C" {
#include <internal/pycore_frame.h>
}
#undef Py_BUILD_CORE
#endif

namespace backlit {

bool recording_locations = true;

namespace {

PyObject* package_folder = nullptr;  // owned: str

// Compares memory: this runs for every node.
bool in_package(const PyCodeObject* code) {
  PyObject* file = code->co_filename;
  if (!package_folder) return false;
  const int kind = PyUnicode_KIND(file);
  if (kind != static_cast<int>(PyUnicode_KIND(package_folder)))
    return PyUnicode_Tailmatch(file, package_folder, 0, PY_SSIZE_T_MAX, -1) == 1;
  const Py_ssize_t n = PyUnicode_GET_LENGTH(package_folder);
  return PyUnicode_GET_LENGTH(file) > n &&
         std::memcmp(PyUnicode_DATA(file), PyUnicode_DATA(package_folder),
                     static_cast<std::size_t>(n * kind)) == 0;
}

constexpr int kInstructionBytes = 2;  // CPython's _Py_CODEUNIT

void set_location(Node& node, PyCodeObject* code, int lasti) {
  Py_INCREF(code);
  node.code = code;
  node.lasti = lasti;
}

}  // namespace

void set_package_folder(PyObject* folder) {
  Py_INCREF(folder);
  Py_XDECREF(package_folder);
  package_folder = folder;
}

#if defined(BACKLIT_INTERPRETER_FRAMES)

void note_location(Node& node) {
  PyThreadState* state = PyThreadState_Get();
#if PY_VERSION_HEX < 0x030D0000
  _PyInterpreterFrame* frame = state->cframe->current_frame;
#else
  _PyInterpreterFrame* frame = state->current_frame;
#endif
  for (; frame; frame = frame->previous) {
#if PY_VERSION_HEX >= 0x030C0000
    if (frame->owner == FRAME_OWNED_BY_CSTACK) continue;  // where C called Python
#endif
#if PY_VERSION_HEX < 0x030D0000
    PyCodeObject* code = frame->f_code;
#else
    PyCodeObject* code = _PyFrame_GetCode(frame);
#endif
    if (!in_package(code))
      return set_location(node, code, kInstructionBytes * _PyInterpreterFrame_LASTI(frame));
  }
}

#elif PY_VERSION_HEX < 0x030B0000

void note_location(Node& node) {
  for (PyFrameObject* frame = PyThreadState_Get()->frame; frame; frame = frame->f_back)
    if (!in_package(frame->f_code))
      return set_location(node, frame->f_code, kInstructionBytes * frame->f_lasti);
}

#else

void note_location(Node& node) {
  Ref<PyFrameObject> frame = Ref<PyFrameObject>::steal(PyThreadState_GetFrame(PyThreadState_Get()));
  for (; frame; frame = Ref<PyFrameObject>::steal(PyFrame_GetBack(frame.get()))) {
    const Ref<PyCodeObject> code = Ref<PyCodeObject>::steal(PyFrame_GetCode(frame.get()));
    if (!in_package(code.get()))
      return set_location(node, code.get(), PyFrame_GetLasti(frame.get()));
  }
}

#endif

}  // namespace backlit
