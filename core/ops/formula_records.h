// Fills the registry's record of each formula from its readings: Probe tells what backward saves,
// Recorded gives the derivative of the derivative. Included by one generated file per formulas/*.h.
#pragma once

#include <string>

#define BACKLIT_FORMULA(Struct)                                           \
  namespace {                                                             \
  const bool recorded_##Struct = ::backlit::make_record<Struct>(#Struct); \
  }

#include "formulas/formula.h"
#include "formulas/probe.h"
#include "ops/recorded.h"

namespace backlit {

template <class F, int Input, std::size_t... P>
Recorded recorded_local(const Recorded* in, const Recorded& y, const double* p,
                        std::index_sequence<P...>) {
  if constexpr (F::arity == 1)
    return F::local(in[0], y, Recorded(p[P])...);
  else if constexpr (F::arity == 2 && Input == 0)
    return F::local_a(in[0], in[1], y, Recorded(p[P])...);
  else if constexpr (F::arity == 2)
    return F::local_b(in[0], in[1], y, Recorded(p[P])...);
  else if constexpr (Input == 0)
    return F::local_a(in[0], in[1], in[2], y, Recorded(p[P])...);
  else if constexpr (Input == 1)
    return F::local_b(in[0], in[1], in[2], y, Recorded(p[P])...);
  else
    return F::local_c(in[0], in[1], in[2], y, Recorded(p[P])...);
}

template <class F, int Input> void fill_local(ElementwiseOp& op) {
  constexpr Rule rules[] = {F::a_rule, F::b_rule, F::c_rule};
  op.input_rule[Input] = rules[Input];
  op.domain[Input][0] = F::domain[Input < std::size(F::domain) ? Input : 0].low;
  op.domain[Input][1] = F::domain[Input < std::size(F::domain) ? Input : 0].high;
  if constexpr (F::rule == Rule::Derivative && rules[Input] == Rule::Derivative) {
    const LocalUsage usage = Usage<F>::of(Input);
    op.reads[Input] = static_cast<std::uint8_t>(usage.reads);
    op.local[Input] = [](const Recorded* in, const Recorded& y, const double* p) {
      return recorded_local<F, Input>(in, y, p, std::make_index_sequence<F::params>());
    };
    op.uniform[Input] = usage.reads == 0;
  }
}

template <class F> bool make_record(const char* struct_name) {
  ElementwiseOp& op = RecordOf<F>::op;
  op.name = F::name;
  op.signature = F::signature;
  op.meaning = F::meaning;
  op.formula = F::formula;
  op.home = F::home;
  op.aliases = F::aliases;
  op.node =
      F::node[0] ? F::node : (new std::string(std::string(struct_name) + "Backward0"))->c_str();
  op.node_number[0] = F::node_a_number;
  op.node_number[1] = F::node_b_number;
  if (F::rule == Rule::NotImplemented) op.node = "NotImplemented";
  if (F::rule == Rule::NotDifferentiable && !F::node[0]) op.node = "";
  op.why = F::why;
  op.bool_error = F::bool_error;
  op.arity = F::arity;
  op.params = F::params;
  op.promote = F::promote;
  op.rule = F::rule;
  op.kinds = F::kinds;
  op.inplace = F::inplace;
  op.inplace_function = F::inplace_function;
  op.method = F::method;
  op.checks_zero_divisor = F::checks_zero_divisor;
  op.masks = F::masks;
  fill_local<F, 0>(op);
  if constexpr (F::arity > 1) fill_local<F, 1>(op);
  if constexpr (F::arity > 2) fill_local<F, 2>(op);
  register_elementwise(op);
  return true;
}

}  // namespace backlit
