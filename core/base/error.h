// Errors with the class and first sentence that PyTorch's users search for.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace backlit {

enum class ErrorKind { Runtime, Type, Value, Index, NotImplemented, Memory, Attribute, Overflow };

// Translated to the Python exception of the same kind at the binding layer.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
  std::string message_;
};

// A Python exception is already set in this thread; unwind to the binding layer and leave it be.
class PythonErrorSet : public std::exception {
 public:
  const char* what() const noexcept override { return "a Python exception is set"; }
};

template <class... Parts> std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts> [[noreturn]] void fail(ErrorKind kind, const Parts&... parts) {
  throw Error(kind, concat(parts...));
}

// The message is only built when the condition is false.
#define BACKLIT_CHECK(condition, kind, ...)                     \
  do {                                                          \
    if (!(condition)) [[unlikely]]                              \
      ::backlit::fail(::backlit::ErrorKind::kind, __VA_ARGS__); \
  } while (false)

}  // namespace backlit
