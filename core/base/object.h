// The engine's objects (tensors, graph nodes) are Python objects from birth: one allocation, one
// reference count, one garbage collector that sees every cycle. This is the only header below
// bind/ that knows Python; everything here expects the GIL to be held unless it says otherwise.
#pragma once

#include <Python.h>
#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

#include <utility>

namespace backlit {

// Owns one reference to an object whose struct starts with PyObject_HEAD.
template <class T> class Ref {
 public:
  Ref() noexcept = default;
  Ref(std::nullptr_t) noexcept {}
  Ref(const Ref& other) noexcept : p_(other.p_) { Py_XINCREF(object()); }
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  ~Ref() { Py_XDECREF(object()); }
  Ref& operator=(Ref other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }

  static Ref steal(T* p) noexcept {
    Ref r;
    r.p_ = p;
    return r;
  }
  static Ref borrow(T* p) noexcept {
    Py_XINCREF(reinterpret_cast<PyObject*>(p));
    return steal(p);
  }

  T* get() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  T& operator*() const noexcept { return *p_; }
  explicit operator bool() const noexcept { return p_ != nullptr; }
  T* release() noexcept { return std::exchange(p_, nullptr); }
  PyObject* object() const noexcept { return reinterpret_cast<PyObject*>(p_); }
  bool unique() const noexcept { return p_ && Py_REFCNT(object()) == 1; }

 protected:
  T* p_ = nullptr;
};

using Object = Ref<PyObject>;

// Releases the GIL for its scope when the work is long enough to be worth it.
class GilRelease {
 public:
  explicit GilRelease(bool worth_it) : state_(worth_it ? PyEval_SaveThread() : nullptr) {}
  ~GilRelease() {
    if (state_) PyEval_RestoreThread(state_);
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

// Elements of work above which a kernel releases the GIL: about 20 microseconds.
inline constexpr long kGilReleaseElements = 1 << 16;

}  // namespace backlit
