// Samples of the gamma and binomial distributions, and how a sample moves with its parameters.
#pragma once

#include "base/random.h"

namespace backlit {

// Both consume the generator as PyTorch's CPU samplers do; T is float or double.
template <class T> double sample_gamma(T shape, Generator& gen);
double sample_binomial(double count, double probability, Generator& gen);

// A sample x of a distribution with the distribution function F(x; a) and the density f moves with
// its parameter as dx/da = -(dF/da) / f, if it keeps its quantile (implicit reparameterisation:
// M. Figurnov, S. Mohamed, A. Mnih, NeurIPS 2018). Relative error below 1e-7.
double gamma_sample_slope(double shape, double x);  // dx/d(shape) of Gamma(shape, 1)
// dx/da / (1 - x) of Beta(a, b): what Dirichlet's gradient is made of.
double beta_sample_slope(double x, double a, double b);

}  // namespace backlit
