// Fills the registry's record of each formula from its readings: Probe tells what backward saves,
// Recorded gives the derivative of the derivative, Symbol what people read. Included by one
// generated file per formulas/*.h.
#pragma once

#include <string>

#define BACKLIT_FORMULA(Struct)                                           \
  namespace {                                                             \
  const bool recorded_##Struct = ::backlit::make_record<Struct>(#Struct); \
  }

#include "formulas/formula.h"
#include "formulas/probe.h"
#include "formulas/symbol.h"
#include "ops/recorded.h"

namespace backlit {

// The rule of one input with T as its number type; P is what T or a parameter of T is made from.
template <class F, int Input, class T, class P, std::size_t... I>
T local_of(const T* in, const T& y, const P* p, std::index_sequence<I...>) {
  if constexpr (F::arity == 1)
    return F::local(in[0], y, T(p[I])...);
  else if constexpr (F::arity == 2 && Input == 0)
    return F::local_a(in[0], in[1], y, T(p[I])...);
  else if constexpr (F::arity == 2)
    return F::local_b(in[0], in[1], y, T(p[I])...);
  else if constexpr (Input == 0)
    return F::local_a(in[0], in[1], in[2], y, T(p[I])...);
  else if constexpr (Input == 1)
    return F::local_b(in[0], in[1], in[2], y, T(p[I])...);
  else
    return F::local_c(in[0], in[1], in[2], y, T(p[I])...);
}

template <class F, std::size_t... I>
Symbol symbol_of_value(const Symbol* in, const Symbol* p, std::index_sequence<I...>) {
  if constexpr (F::arity == 1)
    return F::value(in[0], p[I]...);
  else if constexpr (F::arity == 2)
    return F::value(in[0], in[1], p[I]...);
  else
    return F::value(in[0], in[1], in[2], p[I]...);
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
      return local_of<F, Input>(in, y, p, std::make_index_sequence<F::params>());
    };
    op.local_symbol[Input] = [](const Symbol* in, const Symbol& y, const Symbol* p) {
      return local_of<F, Input>(in, y, p, std::make_index_sequence<F::params>());
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
  op.value_symbol = [](const Symbol* in, const Symbol* p) {
    return symbol_of_value<F>(in, p, std::make_index_sequence<F::params>());
  };
  fill_local<F, 0>(op);
  if constexpr (F::arity > 1) fill_local<F, 1>(op);
  if constexpr (F::arity > 2) fill_local<F, 2>(op);
  register_elementwise(op);
  return true;
}

}  // namespace backlit
