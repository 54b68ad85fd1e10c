// The per-thread switches of recording.
#pragma once

#include <cstdint>

namespace backlit {

struct Modes {
  bool grad = true;        // operations on tensors that require grad are recorded
  bool inference = false;  // results are inference tensors, for good
  bool anomaly = false;    // remember where each node was made, check gradients for NaN
  bool anomaly_check_nan = true;
  bool tracing = false;    // nodes keep their operands and results
  bool rereading = false;  // what a trace kept beyond a release is used again (graph/trace.h)
  std::int32_t backward_depth = 0;
};

// initial-exec: one load, no call (the struct is small enough for the loader's reserve).
#if defined(__ELF__)
extern thread_local Modes modes __attribute__((tls_model("initial-exec")));
#else
extern thread_local Modes modes;
#endif

class GradMode {
 public:
  explicit GradMode(bool on) : previous_(modes.grad) { modes.grad = on; }
  ~GradMode() { modes.grad = previous_; }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool previous_;
};

}  // namespace backlit
