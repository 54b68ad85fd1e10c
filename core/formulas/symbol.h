// A number that remembers how it was computed: running a rule on it gives the rule as a formula to
// read, in text or LaTeX, with names or with the numbers of one element in their place.
// symbol_render.h turns it into characters.
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formulas/formula.h"
#include "formulas/functions.h"

namespace backlit {

class Symbol {
 public:
  using Values = std::map<std::string, double>;
  enum class Kind : std::uint8_t { Number, Variable, Operator, Function };

  Symbol(double number) : node_(std::make_shared<Node>(Node{Kind::Number, {}, number, {}})) {}
  static Symbol variable(std::string name) { return Symbol(Kind::Variable, std::move(name), {}); }

  std::string text() const;  // 1 - y²
  std::string text(
      const Values& values) const;  // 1 - 0.5²: numbers for the variables that have one
  std::string latex() const;        // 1 - y^{2}

  Kind kind() const { return node_->kind; }
  const std::string& name() const { return node_->name; }  // of a variable, operator or function
  double number() const { return node_->number; }
  const std::vector<Symbol>& arguments() const { return node_->arguments; }
  const Symbol& argument(std::size_t i) const { return node_->arguments[i]; }

  bool is_number() const { return kind() == Kind::Number; }
  bool is(double n) const { return is_number() && number() == n; }
  bool is(std::string_view op) const { return kind() == Kind::Operator && name() == op; }
  bool is_negative() const { return is("neg") || (is_number() && number() < 0); }
  bool same(const Symbol& other) const {
    if (node_ == other.node_) return true;
    if (kind() != other.kind() || name() != other.name() || !(number() == other.number()) ||
        arguments().size() != other.arguments().size())
      return false;
    for (std::size_t i = 0; i < arguments().size(); ++i)
      if (!argument(i).same(other.argument(i))) return false;
    return true;
  }

  // Operators simplify what only clutters: numbers fold; x + 0, 1 * x, a - (-b), x * x,
  // a * (1/b).
  friend Symbol operator-(const Symbol& x) {
    if (x.is_number()) return -x.number();
    return x.is("neg") ? x.argument(0) : infix("neg", {x});
  }
  friend Symbol operator+(const Symbol& a, const Symbol& b) {
    if (a.is_number() && b.is_number()) return a.number() + b.number();
    if (a.is(0.0)) return b;
    if (b.is(0.0)) return a;
    return b.is_negative() ? a - -b : infix("+", {a, b});
  }
  friend Symbol operator-(const Symbol& a, const Symbol& b) {
    if (a.is_number() && b.is_number()) return a.number() - b.number();
    if (a.is(0.0)) return -b;
    if (b.is(0.0)) return a;
    return b.is_negative() ? a + -b : infix("-", {a, b});
  }
  friend Symbol operator*(const Symbol& a, const Symbol& b) {
    if (a.is_number() && b.is_number()) return a.number() * b.number();
    if (a.is(1.0)) return b;
    if (b.is(1.0)) return a;
    if (a.is_negative()) return -(-a * b);
    if (b.is_negative()) return -(a * -b);
    if (b.is("/") && b.argument(0).is(1.0)) return a / b.argument(1);
    if (a.same(b)) return pow(a, 2.0);
    if (a.is("^") && a.argument(0).same(b) && a.argument(1).is_number())
      return pow(b, a.argument(1) + 1.0);
    return infix("*", {a, b});
  }
  friend Symbol operator/(const Symbol& a, const Symbol& b) {
    if (a.is_number() && b.is_number()) return a.number() / b.number();
    if (b.is(1.0)) return a;
    if (a.is_negative()) return -(-a / b);
    if (b.is_negative()) return -(a / -b);
    return infix("/", {a, b});
  }
  friend Symbol operator&(const Symbol& a, const Symbol& b) {
    if (a.is_number()) return a.number() != 0 ? b : a;
    if (b.is_number()) return b.number() != 0 ? a : b;
    return infix("&", {a, b});
  }
  friend Symbol operator|(const Symbol& a, const Symbol& b) {
    if (a.is_number()) return a.number() != 0 ? a : b;
    if (b.is_number()) return b.number() != 0 ? b : a;
    return infix("|", {a, b});
  }
  friend Symbol operator^(const Symbol& a, const Symbol& b) { return infix("xor", {a, b}); }
  friend Symbol operator!(const Symbol& x) { return infix("!", {x}); }

#define BACKLIT_COMPARISON(op)                                                       \
  friend Symbol operator op(const Symbol& a, const Symbol& b) {                      \
    if (a.is_number() && b.is_number()) return a.number() op b.number() ? 1.0 : 0.0; \
    return infix(#op, {a, b});                                                       \
  }
  BACKLIT_COMPARISON(<)
  BACKLIT_COMPARISON(<=)
  BACKLIT_COMPARISON(>)
  BACKLIT_COMPARISON(>=)
  BACKLIT_COMPARISON(==)
  BACKLIT_COMPARISON(!=)
#undef BACKLIT_COMPARISON

  friend Symbol where(const Symbol& condition, const Symbol& a, const Symbol& b) {
    if (condition.is_number()) return condition.number() != 0 ? a : b;
    return a.same(b) ? a : infix("where", {condition, a, b});
  }

#define BACKLIT_OF_ONE(f) \
  friend Symbol f(const Symbol& x) { return function_of_one(#f, x); }
#define BACKLIT_OF_TWO(f) \
  friend Symbol f(const Symbol& a, const Symbol& b) { return function_of_two(#f, a, b); }
  BACKLIT_FUNCTIONS_OF_ONE(BACKLIT_OF_ONE)
  BACKLIT_FUNCTIONS_OF_TWO(BACKLIT_OF_TWO)
#undef BACKLIT_OF_ONE
#undef BACKLIT_OF_TWO

 private:
  struct Node {
    Kind kind;
    std::string name;
    double number;
    std::vector<Symbol> arguments;
  };

  Symbol(Kind kind, std::string name, std::vector<Symbol> arguments)
      : node_(std::make_shared<Node>(Node{kind, std::move(name), 0, std::move(arguments)})) {}

  static Symbol infix(const char* name, std::vector<Symbol> arguments) {
    return Symbol(Kind::Operator, name, std::move(arguments));
  }

  // Functions that exist for the sake of rounding read better as what they are.
  static Symbol function_of_one(std::string_view name, const Symbol& x) {
    if (name == "rsqrt") return 1.0 / sqrt(x);
    if (name == "exp2") return pow(2.0, x);
    if (name == "expm1") return exp(x) - 1.0;
    if (name == "log1p") return log(1.0 + x);
    if (name == "signbit") return x < 0.0;
    if (name == "isnan") return x != x;
    if (name == "abs" && x.is_negative()) return abs(-x);
    return Symbol(Kind::Function, std::string(name), {x});
  }
  static Symbol function_of_two(std::string_view name, const Symbol& a, const Symbol& b) {
    if (name == "floor_divide") return floor(a / b);
    if (name == "trunc_divide") return trunc(a / b);
    if (name == "pow") {
      if (a.is_number() && b.is_number()) return std::pow(a.number(), b.number());
      return b.is(1.0) ? a : infix("^", {a, b});
    }
    return Symbol(Kind::Function, std::string(name), {a, b});
  }

  std::shared_ptr<const Node> node_;
};

}  // namespace backlit

#include "formulas/symbol_render.h"
