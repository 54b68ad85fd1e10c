// The real functions that formulas are written with, for float and double (and, where they make
// sense, integers). Those of base, exp, log, trig and erf are free of branches, so that a loop over
// them is vectorised; exceptions are remainders and, in double, pow, sin, cos and tan (but see
// `bounded`). Those of special are scalar.
#pragma once

#include "math_base.h"
#include "math_erf.h"
#include "math_exp.h"
#include "math_log.h"
#include "math_special.h"
#include "math_trig.h"
