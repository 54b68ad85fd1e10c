// OpenBLAS, loaded on first use.
#pragma once

#include <cstdint>

namespace backlit {

// Only what gemm.cpp calls. Enum arguments are CBLAS's integers.
struct OpenBlas {
  using i32 = std::int32_t;
  template <class T>
  using Gemm = void (*)(int order, int ta, int tb, i32 m, i32 n, i32 k, T alpha, const T* a,
                        i32 lda, const T* b, i32 ldb, T beta, T* c, i32 ldc);
  template <class T>
  using Gemv = void (*)(int order, int ta, i32 m, i32 n, T alpha, const T* a, i32 lda, const T* x,
                        i32 incx, T beta, T* y, i32 incy);
  Gemm<float> sgemm = nullptr;
  Gemm<double> dgemm = nullptr;
  Gemv<float> sgemv = nullptr;
  Gemv<double> dgemv = nullptr;
};

inline constexpr int kCblasRowMajor = 101, kCblasNoTrans = 111, kCblasTrans = 112;

// Adds a file to try before the system's own libopenblas. Call before first use.
void set_openblas_path(const char* path);

// Loads on the first call; throws Error(Runtime) naming the package to install if none is found.
const OpenBlas& openblas();

// Any other symbol of the library (LAPACK: "dgetrf_"), with or without the wheel's prefix; null if
// absent.
void* openblas_symbol(const char* name);

const char* openblas_core();  // the kernels in use: "Haswell", "SkylakeX", ...

}  // namespace backlit
