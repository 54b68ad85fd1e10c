#include "kernels/tiles.h"

#include "kernels/isa.h"

namespace backlit {

KernelRegistration* first_kernel_registration = nullptr;

KernelRegistration::KernelRegistration(int level, const FormulaKernels& k)
    : isa_level(level), kernels(k), next(first_kernel_registration) {
  first_kernel_registration = this;
}

const ConvertTable& convert_table() {
  static const ConvertTable& t = best_table<ConvertTable>();
  return t;
}

}  // namespace backlit
