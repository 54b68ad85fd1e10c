// Losses: what they share.
#pragma once

#include <string>

#include "graph/node.h"

namespace backlit::ops {

enum class LossReduction : std::uint8_t { None, Mean, Sum };
// Throws ValueError on any other word.
LossReduction loss_reduction(const std::string& word);
// Sum, mean or nothing, as recorded operations.
Tensor reduced_loss(const Tensor& loss, LossReduction r);
// Throws if t requires grad: the function has no derivative by this argument.
void check_constant(const char* function, const char* argument, const Tensor& t);

}  // namespace backlit::ops
