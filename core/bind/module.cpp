// The extension module backlit._C.
#include "base/cpu.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bind/bind.h"
#include "bind/operation.h"
#include "kernels/openblas.h"
#include "ops/linalg.h"

namespace nb = nanobind;
using namespace backlit;

NB_MODULE(_C, m) {
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const Error&) { set_python_error(); } catch (const PythonErrorSet&) {
    }
  });
  init_types();
  init_node_type();
  init_tensor_type();
  init_operation_type(m.ptr());
  link_kernels();

  nb::setattr(m, "Tensor", nb::borrow(reinterpret_cast<PyObject*>(tensor_type)));
  bind_types(m);
  bind_nodes(m);
  bind_autograd(m);
  bind_formulas(m);
  bind_grad_mode(m);
  bind_optim(m);
  bind_interchange(m);
  bind_queries(m);
  bind_carriers(m);
  bind_dlpack(m);
  nb::setattr(m, "_operations", nb::steal(build_operations()));

  m.def("get_num_threads", &num_threads, "Threads that one operation may use.");
  m.def(
      "set_num_threads",
      [](int n) {
        BACKLIT_CHECK(n > 0, Runtime, "set_num_threads expects a positive integer");
        set_num_threads(n);
      },
      "Sets the number of threads; results keep their bits at any number.");
  m.def("get_default_dtype", &default_dtype);
  m.def("set_default_dtype", &set_default_dtype);
  m.def("promote_types", &promote_types);
  m.def("can_cast", [](Dtype from, Dtype to) { return info(from).category <= info(to).category; });
  nb::setattr(m, "_LinAlgError", nb::borrow(ops::linalg_error_type()));
  m.def("_cpu_isa", &cpu_isa_name);
  m.def("_set_openblas_path", &set_openblas_path);
  m.def("_set_shapeless_type", [](nb::handle type) { set_shapeless_type(type.ptr()); });
  m.def("_empty_cache", &empty_cache);
  m.def("_memory_stats", [] {
    const MemoryStats& s = memory_stats();
    nb::dict d;
    d["live_bytes"] = s.live_bytes;
    d["peak_bytes"] = s.peak_bytes;
    d["cached_bytes"] = s.cached_bytes;
    d["cache_limit"] = s.cache_limit;
    return d;
  });
}
