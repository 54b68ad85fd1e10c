// A number that remembers how it was computed: running a rule on it gives the rule as a formula to
// read, in text or LaTeX, with names or with the numbers of one element in their place.
// symbol_render.cpp turns it into characters.
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
  enum class Kind : std::uint8_t { Number, Variable, Operator, Function };

  Symbol(double number) : node_(std::make_shared<Node>(Node{Kind::Number, {}, number, {}})) {}
  static Symbol variable(std::string name) { return Symbol(Kind::Variable, std::move(name), {}); }

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
  // a * (1/b), (a/b) / b. A product puts its number first, and a variable before a sum.
  friend Symbol operator-(const Symbol& x) {
    if (x.is_number()) return -x.number();
    if (x.is("where")) return where(x.argument(0), -x.argument(1), -x.argument(2));
    if (x.is("-")) return x.argument(1) - x.argument(0);
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
    if (const Symbol* x = log_sigmoid_of(a, b)) return log(sigmoid(*x));
    return b.is_negative() ? a + -b : infix("-", {a, b});
  }
  friend Symbol operator*(const Symbol& a, const Symbol& b) {
    if (a.is_number() && b.is_number()) return a.number() * b.number();
    if (a.is(0.0) || b.is(0.0)) return 0.0;
    if (a.is(1.0)) return b;
    if (b.is(1.0)) return a;
    if (a.same(b)) return pow(a, 2.0);
    if (b.is_number() || (b.kind() == Kind::Variable && (a.is("+") || a.is("-")))) return b * a;
    if (a.is_number() && b.is("*") && b.argument(0).is_number())
      return a.number() * b.argument(0).number() * b.argument(1);
    if (b.is("*") && b.argument(0).is_number()) return b.argument(0) * (a * b.argument(1));
    if (has_zero(b)) return where(b.argument(0), a * b.argument(1), a * b.argument(2));
    if (a.is_negative()) return -(-a * b);
    if (b.is_negative()) return -(a * -b);
    if (b.is("/") && b.argument(0).is(1.0)) return a / b.argument(1);
    if (a.is("^") && a.argument(0).same(b) && a.argument(1).is_number())
      return pow(b, a.argument(1) + 1.0);
    return infix("*", {a, b});
  }
  friend Symbol operator/(const Symbol& a, const Symbol& b) {
    if (a.is_number() && b.is_number()) return a.number() / b.number();
    if (b.is(1.0)) return a;
    if (a.same(b)) return 1.0;
    if (a.is_negative()) return -(-a / b);
    if (b.is_negative()) return -(a / -b);
    if (a.is("/") && a.argument(1).same(b)) return a.argument(0) / pow(b, 2.0);
    if (const Symbol* x = sigmoid_of(b)) return a * sigmoid(*x);
    if (a.is_exp() && is_one_plus(b, a)) return sigmoid(a.argument(0));
    if (a.is("*") && a.argument(1).is_exp() && is_one_plus(b, a.argument(1)))
      return a.argument(0) * sigmoid(a.argument(1).argument(0));
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
    // "x where x is nan" says nothing that the rest would not say of it
    if (condition.is("!=") && condition.argument(0).same(condition.argument(1)) &&
        condition.argument(0).same(a))
      return b;
    const Symbol yes = a.knowing(condition, 1), no = b.knowing(condition, 2);
    return yes.same(no) ? yes : infix("where", {condition, yes, no});
  }
  // Of the two forms that round well, the one to read.
  friend Symbol lerp(const Symbol& a, const Symbol& b, const Symbol& weight) {
    return a + weight * (b - a);
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

  // What is left where every choice by this condition is its argument number `taken`.
  Symbol knowing(const Symbol& condition, std::size_t taken) const {
    if (is("where") && argument(0).same(condition)) return argument(taken);
    std::vector<Symbol> left;
    bool changed = false;
    for (const Symbol& s : arguments()) {
      left.push_back(s.knowing(condition, taken));
      changed = changed || left.back().node_ != s.node_;
    }
    return changed ? Symbol(kind(), name(), std::move(left)) : *this;
  }

  bool is_exp() const { return kind() == Kind::Function && name() == "exp"; }
  static bool is_one_plus(const Symbol& sum, const Symbol& x) {
    return sum.is("+") && ((sum.argument(0).is(1.0) && sum.argument(1).same(x)) ||
                           (sum.argument(1).is(1.0) && sum.argument(0).same(x)));
  }
  // A choice between something and nothing: a factor goes inside.
  static bool has_zero(const Symbol& s) {
    return s.is("where") && (s.argument(1).is(0.0) || s.argument(2).is(0.0));
  }
  // x, where s is 1 + exp(-x).
  static const Symbol* sigmoid_of(const Symbol& s) {
    if (!s.is("+") || !s.argument(0).is(1.0) || !s.argument(1).is_exp()) return nullptr;
    const Symbol& exponent = s.argument(1).argument(0);
    return exponent.is("neg") ? &exponent.argument(0) : nullptr;
  }
  // x, where a - b is min(0, x) - ln(1 + exp(-|x|)): ln σ(x) without overflow.
  static const Symbol* log_sigmoid_of(const Symbol& a, const Symbol& b) {
    if (a.name() != "minimum" || !a.argument(0).is(0.0) || b.name() != "log") return nullptr;
    const Symbol* size = sigmoid_of(b.argument(0));
    const Symbol& x = a.argument(1);
    return size && size->same(abs(x)) ? &x : nullptr;
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
    if (name == "log_ndtr") return log(ndtr(x));
    if (name == "i0e") return exp(-abs(x)) * i0(x);
    if (name == "i1e") return exp(-abs(x)) * i1(x);
    return Symbol(Kind::Function, std::string(name), {x});
  }
  static Symbol function_of_two(std::string_view name, const Symbol& a, const Symbol& b) {
    if (name == "floor_divide") return floor(a / b);
    if (name == "trunc_divide") return trunc(a / b);
    if (name == "hypot") return sqrt(pow(a, 2.0) + pow(b, 2.0));
    if (name == "logaddexp") return log(exp(a) + exp(b));
    if (name == "remainder") return a - b * floor(a / b);
    if (name == "fmod") return a - b * trunc(a / b);
    if (a.is_number() && b.is_number()) {
      if (name == "maximum") return std::fmax(a.number(), b.number());
      if (name == "minimum") return std::fmin(a.number(), b.number());
    }
    if (name == "pow") {
      if (a.is_number() && b.is_number()) return std::pow(a.number(), b.number());
      if (a.name() == "abs" && b.is(2.0)) return pow(a.argument(0), b);
      return b.is(1.0) ? a : infix("^", {a, b});
    }
    return Symbol(Kind::Function, std::string(name), {a, b});
  }

  std::shared_ptr<const Node> node_;
};

// How a symbol is to be read: 1 − y², 1 - y^{2}, 1 − 0.5².
using Values = std::map<std::string, double>;
using Names = std::map<std::string, std::string>;
struct Rendering {
  bool latex = false;
  int digits = 6;                  // of numbers in place of variables
  const Values* values = nullptr;  // numbers for the variables that have one
  const Names* names = nullptr;    // other names for variables
};
std::string render(const Symbol& s, const Rendering& how = {});

}  // namespace backlit
