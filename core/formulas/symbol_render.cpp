// Symbols as characters: Unicode text and LaTeX, with as few parentheses as the reader needs.

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "formulas/symbol.h"

namespace backlit {
namespace {

class Renderer {
 public:
  explicit Renderer(const Rendering& how)
      : latex_(how.latex), digits_(how.digits), values_(how.values), names_(how.names) {}

  std::string operator()(const Symbol& s) const { return render(s).text; }

 private:
  // How strongly the outermost operation binds; an operand that binds less needs parentheses.
  enum Level { Choice, Or, And, Comparison, Sum, Product, Power, Atom };
  struct Piece {
    std::string text;
    Level level;
  };

  Piece render(const Symbol& s) const {
    switch (s.kind()) {
      case Symbol::Kind::Number: return number(s.number());
      case Symbol::Kind::Variable: return variable(s.name());
      case Symbol::Kind::Function: return function(s);
      case Symbol::Kind::Operator: break;
    }
    if (s.is("where")) return choice(s);
    if (s.is("^")) return power(s.argument(0), s.argument(1));
    if (s.is("/")) return quotient(s.argument(0), s.argument(1));
    if (s.is("*")) return product(s.argument(0), s.argument(1));
    if (s.is("neg")) return {minus() + operand(s.argument(0), Product), Sum};
    if (s.is("+") || s.is("-")) return sum(s);
    return condition(s);
  }

  std::string operand(const Symbol& s, Level at_least) const {
    const Piece piece = render(s);
    return piece.level < at_least ? parentheses(piece.text) : piece.text;
  }
  std::string parentheses(const std::string& inner) const {
    return latex_ ? "\\left(" + inner + "\\right)" : "(" + inner + ")";
  }

  std::string minus() const { return latex_ ? "-" : "−"; }

  // --- numbers and names ---

  Piece number(double x) const {
    if (x == 0) return {"0", Atom};  // of either sign
    if (x < 0) return {minus() + number(-x).text, Sum};
    if (const Piece* constant = named(x)) return *constant;
    if (std::isnan(x)) return {latex_ ? "\\mathrm{nan}" : "nan", Atom};
    if (std::isinf(x)) return {latex_ ? "\\infty" : "∞", Atom};
    const std::string digits = decimal(x);
    for (const int d : {3, 6, 9}) {
      const double numerator = std::round(x * d);
      if (numerator < 100 && x == numerator / d && std::strtod(digits.c_str(), nullptr) != x)
        return latex_ ? Piece{"\\frac{" + decimal(numerator) + "}{" + decimal(d) + "}", Power}
                      : Piece{decimal(numerator) + "/" + decimal(d), Product};
    }
    const std::size_t e = digits.find('e');
    if (!latex_ || e == std::string::npos) return {digits, Atom};
    const std::string power = "10^{" + std::to_string(std::stoi(digits.substr(e + 1))) + "}";
    return digits.substr(0, e) == "1" ? Piece{power, Power}
                                      : Piece{digits.substr(0, e) + " \\cdot " + power, Product};
  }

  static std::string decimal(double x, int digits = 6) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, x);
    return buffer;
  }

  // Constants of the formulas, which write them as T(std::numbers::...).
  const Piece* named(double x) const {
    using namespace std::numbers;
    struct Constant {
      double value;
      Piece text, latex;
    };
    static const Constant constants[] = {
        {pi, {"π", Atom}, {"\\pi", Atom}},
        {ln2, {"ln 2", Power}, {"\\ln 2", Power}},
        {ln10, {"ln 10", Power}, {"\\ln 10", Power}},
        {log2e, {"log₂ e", Power}, {"\\log_2 e", Power}},
        {pi / 180, {"π/180", Product}, {"\\frac{\\pi}{180}", Power}},
        {180 / pi, {"180/π", Product}, {"\\frac{180}{\\pi}", Power}},
        {2 * pi, {"2·π", Product}, {"2 \\pi", Product}},
        {2 * inv_sqrtpi, {"2/√π", Product}, {"\\frac{2}{\\sqrt{\\pi}}", Power}},
        {0.5 / inv_sqrtpi, {"√π/2", Product}, {"\\frac{\\sqrt{\\pi}}{2}", Power}},
        {sqrt2 / 2, {"√2/2", Product}, {"\\frac{\\sqrt{2}}{2}", Power}},
        {sqrt2 * inv_sqrtpi, {"√(2/π)", Power}, {"\\sqrt{\\frac{2}{\\pi}}", Power}},
        {sqrt2 / inv_sqrtpi, {"√(2·π)", Power}, {"\\sqrt{2 \\pi}", Power}},
        {inv_sqrtpi / sqrt2, {"1/√(2·π)", Product}, {"\\frac{1}{\\sqrt{2 \\pi}}", Power}},
        {1 / (sqrt2 / inv_sqrtpi), {"1/√(2·π)", Product}, {"\\frac{1}{\\sqrt{2 \\pi}}", Power}},
    };
    for (const Constant& c : constants)
      if (x == c.value) return latex_ ? &c.latex : &c.text;
    return nullptr;
  }

  // What a constant divides by, where that is how it is written.
  const Piece* reciprocal(double x) const {
    using namespace std::numbers;
    static const Piece root[] = {{"√2", Power}, {"\\sqrt{2}", Power}};
    static const Piece root_of_2pi[] = {{"√(2·π)", Power}, {"\\sqrt{2 \\pi}", Power}};
    if (x == sqrt2 / 2) return &root[latex_];
    if (x == inv_sqrtpi / sqrt2 || x == 1 / (sqrt2 / inv_sqrtpi)) return &root_of_2pi[latex_];
    return nullptr;
  }

  Piece variable(const std::string& formula_name) const {
    if (values_ != nullptr)
      if (const auto found = values_->find(formula_name); found != values_->end())
        return measured(found->second);
    const auto given = names_ ? names_->find(formula_name) : Names::const_iterator();
    const std::string& name = names_ && given != names_->end() ? given->second : formula_name;
    // an expression of the user's, which binds as loosely as it may
    const Level level = is_name(name) || name.find('\\') != std::string::npos ? Atom : Choice;
    return {latex_ ? latex_name(name) : name, level};
  }
  // alpha is the letter, w1 and w_1 have an index, x_hat a hat; a name with a backslash is LaTeX.
  static std::string latex_name(const std::string& name) {
    static const std::set<std::string> letters = {
        "alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu",
        "nu",    "pi",   "rho",   "sigma", "tau",     "phi",   "psi",    "omega"};
    if (name.size() == 1 || name.find('\\') != std::string::npos) return name;
    if (letters.count(name)) return concat("\\", name);
    const std::size_t n = name.size(), digits = name.find_first_of("0123456789");
    if (n > 4 && name.compare(n - 4, 4, "_hat") == 0)
      return concat("\\hat{", latex_name(name.substr(0, n - 4)), "}");
    const bool indexed = digits != std::string::npos && digits > 0 &&
                         name.find_first_not_of("0123456789", digits) == std::string::npos;
    if (indexed) {
      const std::size_t stem = name[digits - 1] == '_' && digits > 1 ? digits - 1 : digits;
      return concat(latex_name(name.substr(0, stem)), "_{", name.substr(digits), "}");
    }
    return concat("\\mathrm{", escaped(name), "}");
  }

  // The number of one element.
  Piece measured(double x) const {
    if (!std::isfinite(x)) return number(x);
    return {(x < 0 ? minus() : "") + decimal(std::fabs(x), digits_), x < 0 ? Sum : Atom};
  }
  // Letters of any alphabet, digits, and what joins them into a path: layers[0].weight
  static bool is_name(const std::string& name) {
    for (const char c : name)
      if (static_cast<unsigned char>(c) < 128 && !std::isalnum(static_cast<unsigned char>(c)) &&
          c != '_' && c != '.' && c != '[' && c != ']')
        return false;
    return true;
  }
  static std::string escaped(const std::string& name) {
    std::string result;
    for (const char c : name) result += c == '_' ? std::string("\\_") : std::string(1, c);
    return result;
  }

  // --- arithmetic ---

  Piece sum(const Symbol& s) const {
    const Symbol& b = s.argument(1);
    const bool flat = s.is("+") && b.is("+");
    const std::string sign = s.is("+") ? "+" : minus();
    return {operand(s.argument(0), Sum) + " " + sign + " " + operand(b, flat ? Sum : Product), Sum};
  }

  // A quotient on the left is set apart: (a/b)·c.
  std::string left_factor(const Symbol& a) const {
    return !latex_ && a.is("/") ? parentheses(render(a).text) : operand(a, Product);
  }
  Piece product(const Symbol& a, const Symbol& b) const {
    if (const Piece* divisor = a.is_number() ? reciprocal(a.number()) : nullptr) {
      if (latex_) return {"\\frac{" + render(b).text + "}{" + divisor->text + "}", Power};
      return {left_factor(b) + "/" + divisor->text, Product};
    }
    return {left_factor(a) + (latex_ ? " \\cdot " : "·") + operand(b, b.is("*") ? Product : Power),
            Product};
  }
  Piece quotient(const Symbol& a, const Symbol& b) const {
    if (latex_) return {"\\frac{" + render(a).text + "}{" + render(b).text + "}", Power};
    return {left_factor(a) + "/" + operand(b, Power), Product};
  }

  Piece power(const Symbol& a, const Symbol& b) const {
    const std::string base = operand(a, Atom);
    if (latex_) return {base + "^{" + render(b).text + "}", Power};
    const bool integer =
        b.is_number() && std::round(b.number()) == b.number() && std::fabs(b.number()) < 1000;
    if (integer) return {base + superscript(decimal(b.number())), Power};
    return {base + "^" + operand(b, Atom), Power};
  }
  // Of digits, signs and n.
  static std::string superscript(const std::string& text) {
    static const char* const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string result;
    for (const char c : text) {
      if (c == '-') result += "⁻";
      if (c == '+') result += "⁺";
      if (c == 'n') result += "ⁿ";
      if (c >= '0' && c <= '9') result += raised[c - '0'];
    }
    return result;
  }

  // --- conditions ---

  // With numbers in place, only the branch that was taken. Otherwise both, and a choice in the
  // second branch continues the chain: a if p else b if q else c.
  Piece choice(const Symbol& s) const {
    const double taken = evaluate(s.argument(0));
    if (!std::isnan(taken)) return render(s.argument(taken != 0 ? 1 : 2));
    if (!latex_)
      return {operand(s.argument(1), Or) + " if " + render(s.argument(0)).text + " else " +
                  render(s.argument(2)).text,
              Choice};
    std::string rows;
    const Symbol* rest = &s;
    for (; rest->is("where"); rest = &rest->argument(2))
      rows += render(rest->argument(1)).text + " & " + render(rest->argument(0)).text + " \\\\ ";
    return {"\\begin{cases}" + rows + render(*rest).text + " & \\text{otherwise}\\end{cases}",
            Power};
  }

  // The value of a condition, and of the arithmetic in it; nan if a variable has no number.
  double evaluate(const Symbol& s) const {
    if (s.is_number()) return s.number();
    if (s.kind() == Symbol::Kind::Variable) {
      if (values_ == nullptr) return kNaN;
      const auto found = values_->find(s.name());
      return found == values_->end() ? kNaN : found->second;
    }
    const double a = evaluate(s.argument(0));
    if (s.is("neg")) return -a;
    if (s.name() == "abs") return std::fabs(a);
    if (s.arguments().size() != 2) return kNaN;
    const double b = evaluate(s.argument(1));
    if (std::isnan(a) || std::isnan(b)) return kNaN;
    if (s.is("+")) return a + b;
    if (s.is("-")) return a - b;
    if (s.is("*")) return a * b;
    if (s.is("/")) return a / b;
    if (s.is("<")) return a < b;
    if (s.is("<=")) return a <= b;
    if (s.is(">")) return a > b;
    if (s.is(">=")) return a >= b;
    if (s.is("==")) return a == b;
    if (s.is("!=")) return a != b;
    if (s.is("&")) return a != 0 && b != 0;
    if (s.is("|")) return a != 0 || b != 0;
    return kNaN;
  }

  Piece condition(const Symbol& s) const {
    const Symbol& a = s.argument(0);
    if (s.is("!")) return {(latex_ ? "\\lnot " : "not ") + operand(a, Power), And};
    const Symbol& b = s.argument(1);
    if (s.is("&"))
      return {operand(a, And) + (latex_ ? " \\land " : " and ") + operand(b, And), And};
    if (s.is("|")) return {operand(a, Or) + (latex_ ? " \\lor " : " or ") + operand(b, Or), Or};
    if (s.is("xor"))
      return {operand(a, Comparison) + (latex_ ? " \\oplus " : " xor ") + operand(b, Comparison),
              Or};
    if (s.is("!=") && a.same(b))
      return {operand(a, Sum) + (latex_ ? "\\text{ is nan}" : " is nan"), Comparison};
    if (s.is("==") && a.same(b))
      return {operand(a, Sum) + (latex_ ? "\\text{ is not nan}" : " is not nan"), Comparison};
    return {operand(a, Sum) + " " + relation(s.name()) + " " + operand(b, Sum), Comparison};
  }
  std::string relation(const std::string& op) const {
    if (op == "<=") return latex_ ? "\\le" : "≤";
    if (op == ">=") return latex_ ? "\\ge" : "≥";
    if (op == "==") return "=";
    if (op == "!=") return latex_ ? "\\ne" : "≠";
    return op;
  }

  // --- functions ---

  // What stands around the arguments where that is not `name(` and `)`.
  struct Notation {
    std::string open, close, latex_open, latex_close;
  };
  static const Notation* notation(const std::string& function) {
    const auto call = [](const char* text, const char* latex) {
      return Notation{std::string(text) + "(", ")", std::string(latex) + "\\left(", "\\right)"};
    };
    static const std::unordered_map<std::string, Notation> table = {
        {"abs", {"|", "|", "\\left|", "\\right|"}},
        {"floor", {"⌊", "⌋", "\\left\\lfloor ", "\\right\\rfloor "}},
        {"ceil", {"⌈", "⌉", "\\left\\lceil ", "\\right\\rceil "}},
        {"lgamma", {"ln |Γ(", ")|", "\\ln\\left|\\Gamma\\left(", "\\right)\\right|"}},
        {"exp", {"exp(", ")", "e^{", "}"}},
        {"log", call("ln", "\\ln")},
        {"log2", call("log₂", "\\log_2")},
        {"log10", call("log₁₀", "\\log_{10}")},
        {"sin", call("sin", "\\sin")},
        {"cos", call("cos", "\\cos")},
        {"tan", call("tan", "\\tan")},
        {"asin", call("arcsin", "\\arcsin")},
        {"acos", call("arccos", "\\arccos")},
        {"atan", call("arctan", "\\arctan")},
        {"atan2", call("arctan2", "\\operatorname{arctan2}")},
        {"sinh", call("sinh", "\\sinh")},
        {"cosh", call("cosh", "\\cosh")},
        {"tanh", call("tanh", "\\tanh")},
        {"asinh", call("arsinh", "\\operatorname{arsinh}")},
        {"acosh", call("arcosh", "\\operatorname{arcosh}")},
        {"atanh", call("artanh", "\\operatorname{artanh}")},
        {"sigmoid", call("σ", "\\sigma")},
        {"maximum", call("max", "\\max")},
        {"minimum", call("min", "\\min")},
        {"fmax", call("max", "\\max")},
        {"fmin", call("min", "\\min")},
        {"digamma", call("ψ", "\\psi")},
        {"zeta", call("ζ", "\\zeta")},
        {"ndtr", call("Φ", "\\Phi")},
        {"ndtri", call("Φ⁻¹", "\\Phi^{-1}")},
        {"erfinv", call("erf⁻¹", "\\operatorname{erf}^{-1}")},
        {"i0", call("I₀", "I_0")},
        {"i1", call("I₁", "I_1")},
        {"bessel_j0", call("J₀", "J_0")},
        {"bessel_j1", call("J₁", "J_1")},
        {"bessel_y0", call("Y₀", "Y_0")},
        {"bessel_y1", call("Y₁", "Y_1")},
        {"igamma", call("P", "P")},
        {"igammac", call("Q", "Q")},
        {"complement", call("~", "\\sim ")},
    };
    const auto found = table.find(function);
    return found == table.end() ? nullptr : &found->second;
  }

  Piece derivative_of_digamma(const Symbol& order, const Symbol& x) const {
    const std::string n = render(order).text, of = parentheses(render(x).text);
    if (latex_) return {concat("\\psi^{(", n, ")}", of), Atom};
    return {concat("ψ⁽", superscript(n), "⁾", of), Atom};
  }

  Piece function(const Symbol& s) const {
    if (s.name() == "sqrt")
      return {latex_ ? "\\sqrt{" + render(s.argument(0)).text + "}"
                     : "√" + operand(s.argument(0), Atom),
              Power};
    if (s.name() == "polygamma") return derivative_of_digamma(s.argument(0), s.argument(1));
    std::string arguments;
    for (const Symbol& argument : s.arguments())
      arguments += (arguments.empty() ? "" : ", ") + render(argument).text;
    if (const Notation* around = notation(s.name()))
      return latex_ ? Piece{around->latex_open + arguments + around->latex_close,
                            s.name() == "exp" ? Power : Atom}
                    : Piece{around->open + arguments + around->close, Atom};
    if (!latex_) return {s.name() + "(" + arguments + ")", Atom};
    return {"\\operatorname{" + escaped(s.name()) + "}\\left(" + arguments + "\\right)", Atom};
  }

  bool latex_;
  int digits_;
  const Values* values_;
  const Names* names_;
};

}  // namespace

std::string render(const Symbol& s, const Rendering& how) { return Renderer(how)(s); }

}  // namespace backlit
