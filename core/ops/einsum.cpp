// Einstein summation. Operands become tensors whose dimensions carry distinct labels; then pairs
// are contracted, the pair first whose result saves most memory. Start reading at `einsum`.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// Labels: 0..25 are A..Z, 26..51 are a..z, from 52 on the dimensions behind an ellipsis.
constexpr int kLetters = 52, kLabels = kLetters + kMaxDims, kEllipsis = -1;

struct Labelled {
  Tensor t;
  std::vector<int> labels;  // one per dimension
  bool has(int label) const { return std::ranges::find(labels, label) != labels.end(); }
  int at(int label) const {
    return static_cast<int>(std::ranges::find(labels, label) - labels.begin());
  }
};

char letter(int label) { return static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26); }

struct Equation {
  std::vector<std::vector<int>> inputs;  // with kEllipsis where there is one
  std::vector<int> output;
  bool explicit_output = false;
};

// Where an ellipsis may stand: for operand i, or in the output.
void add_ellipsis(std::vector<int>& labels, std::string_view rest, const std::string& where) {
  BACKLIT_CHECK(std::ranges::find(labels, kEllipsis) == labels.end(), Runtime,
                "einsum(): found '.' for ", where, " for which an ellipsis was already found");
  BACKLIT_CHECK(rest.starts_with("..."), Runtime, "einsum(): found '.' for ", where,
                " that is not part of any ellipsis");
  labels.push_back(kEllipsis);
}

Equation parse(const std::string& text) {
  Equation e;
  const auto arrow = text.find("->");
  e.explicit_output = arrow != std::string::npos;
  std::vector<int> labels;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool in_output = e.explicit_output && i > arrow;
    if (c == ' ') continue;
    if (i == arrow || (c == ',' && !in_output)) {
      e.inputs.push_back(std::move(labels));
      labels.clear();
      if (i == arrow) ++i;
    } else if (c == '.') {
      add_ellipsis(labels, std::string_view(text).substr(i),
                   in_output ? "the output" : concat("operand ", e.inputs.size()));
      i += 2;
    } else {
      const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
      BACKLIT_CHECK(upper || lower, Runtime, "einsum(): invalid subscript given at index ", i,
                    " in the equation string, subscripts must be in [a-zA-Z]");
      labels.push_back(upper ? c - 'A' : c - 'a' + 26);
    }
  }
  (e.explicit_output ? e.output : e.inputs.emplace_back()) = std::move(labels);
  return e;
}

// Sizes of labels, and what the ellipses cover.
struct Sizes {
  std::array<std::int64_t, kLabels> of{};  // 0: not seen
  int ellipsis_dims = 0;
};

void note_size(Sizes& sizes, int label, std::int64_t n, std::size_t operand) {
  std::int64_t& seen = sizes.of[static_cast<std::size_t>(label)];
  if (label < kLetters) {
    BACKLIT_CHECK(seen == 0 || seen == n + 1 || seen == 2 || n == 1, Runtime,
                  "einsum(): subscript ", letter(label), " has size ", n, " for operand ", operand,
                  " which does not broadcast with previously seen size ", seen - 1);
  } else {
    BACKLIT_CHECK(seen == 0 || seen == n + 1 || seen == 2 || n == 1, Runtime,
                  "einsum(): dimension ", label - kLetters, " covered by ellipsis in operand ",
                  operand, "has size ", n,
                  " which does not broadcast with previously seen ellipsis with size ", seen - 1,
                  " for the respective dimension");
  }
  if (seen == 0 || seen == 2) seen = n + 1;  // sizes are kept plus one: 0 is a size
}

// Names all dimensions of an operand; a label that occurs twice becomes its diagonal.
Labelled label_operand(const Tensor& t, const std::vector<int>& subscripts, int ellipsis_dims,
                       std::size_t operand) {
  Labelled out{t, {}};
  const int named =
      static_cast<int>(std::ranges::count_if(subscripts, [](int s) { return s != kEllipsis; }));
  const int covered = t.dim() - named;
  std::vector<int> all;
  for (const int s : subscripts) {
    if (s != kEllipsis)
      all.push_back(s);
    else
      for (int d = 0; d < covered; ++d) all.push_back(kLetters + ellipsis_dims - covered + d);
  }
  for (const int label : all) {
    const int next = static_cast<int>(out.labels.size());
    if (!out.has(label)) {
      out.labels.push_back(label);
      continue;
    }
    const int first = out.at(label);
    const std::int64_t a = out.t.layout().size(first), b = out.t.layout().size(next);
    BACKLIT_CHECK(a == b, Runtime, "einsum(): subscript ", letter(label),
                  " is repeated for operand ", operand, " but the sizes don't match, ", b,
                  " != ", a);
    // the diagonal is the last dimension: put it where the label stands
    out.t = diagonal(out.t, 0, first, next);
    Dims order;
    for (int d = 0; d < out.t.dim() - 1; ++d) order.push_back(d);
    order.insert(first, out.t.dim() - 1);
    out.t = permute(out.t, order);
  }
  return out;
}

Tensor sum_labels(Labelled& x, const auto& unwanted) {
  Dims dims;
  std::vector<int> kept;
  for (std::size_t d = 0; d < x.labels.size(); ++d) {
    if (unwanted(x.labels[d]))
      dims.push_back(static_cast<std::int64_t>(d));
    else
      kept.push_back(x.labels[d]);
  }
  if (dims.empty()) return x.t;
  x.labels = std::move(kept);
  return sum(x.t, dims, false);
}

// x with its dimensions in the order of `labels`; a label that x lacks gets size 1.
Tensor arranged(const Labelled& x, const std::vector<int>& labels) {
  Dims order;
  for (const int label : labels)
    if (x.has(label)) order.push_back(x.at(label));
  Tensor t = x.t;
  if (!std::ranges::is_sorted(Span(order))) t = permute(t, order);
  for (std::size_t d = 0; d < labels.size(); ++d)
    if (!x.has(labels[d])) t = unsqueeze(t, static_cast<std::int64_t>(d));
  return t;
}

std::vector<int> joined(std::initializer_list<const std::vector<int>*> parts) {
  std::vector<int> all;
  for (const auto* p : parts) all.insert(all.end(), p->begin(), p->end());
  return all;
}

std::int64_t extent(const Tensor& t, std::size_t begin, std::size_t count) {
  return product(t.sizes().subspan(begin, count));
}

// The product of two operands, summed over the labels that `wanted` does not keep.
Labelled contract(Labelled a, Labelled b, const std::array<bool, kLabels>& wanted) {
  const auto keep = [&](int l) { return wanted[static_cast<std::size_t>(l)]; };
  const auto single = [](const Labelled& x, int l) { return x.t.layout().size(x.at(l)) == 1; };
  // summed labels of one operand, or of both where one of them is 1 and repeats
  const Labelled a0 = a, b0 = b;
  a.t = sum_labels(
      a, [&](int l) { return !keep(l) && (!b0.has(l) || single(a0, l) != single(b0, l)); });
  b.t = sum_labels(
      b, [&](int l) { return !keep(l) && (!a0.has(l) || single(a0, l) != single(b0, l)); });
  std::vector<int> batch, left, right, summed;
  for (const int l : a.labels) (b.has(l) ? (keep(l) ? batch : summed) : left).push_back(l);
  for (const int l : b.labels)
    if (!a.has(l)) right.push_back(l);
  std::vector<int> result = joined({&batch, &left, &right});
  if (summed.empty()) return {mul(arranged(a, result), arranged(b, result)), result};
  Tensor x = arranged(a, joined({&batch, &left, &summed})),
         y = arranged(b, joined({&batch, &summed, &right}));
  // batch dimensions of size 1 repeat
  Dims full_x(x.sizes()), full_y(y.sizes());
  for (int d = 0; d < static_cast<int>(batch.size()); ++d) {
    if (full_x[d] == 1) full_x[d] = full_y[d];
    full_y[d] = full_x[d];
  }
  x = expand(x, full_x);
  y = expand(y, full_y);
  Dims sizes(Span(full_x).first(batch.size() + left.size()));
  for (const auto s : Span(full_y).subspan(batch.size() + summed.size())) sizes.push_back(s);
  const std::int64_t n = extent(x, 0, batch.size()), m = extent(x, batch.size(), left.size());
  const std::int64_t k = extent(x, batch.size() + left.size(), summed.size());
  const std::int64_t p = extent(y, batch.size() + summed.size(), right.size());
  x = reshape(x, Dims{n, m, k});
  y = reshape(y, Dims{n, k, p});
  return {view(bmm(x, y), sizes), result};
}

Sizes check_sizes(const Equation& e, const std::vector<Tensor>& operands) {
  Sizes sizes;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const auto& s = e.inputs[i];
    const auto named =
        static_cast<std::int64_t>(std::ranges::count_if(s, [](int l) { return l != kEllipsis; }));
    const bool ellipsis = named != static_cast<std::int64_t>(s.size());
    BACKLIT_CHECK(ellipsis ? named <= operands[i].dim() : named == operands[i].dim(), Runtime,
                  "einsum(): the number of subscripts in the equation (", named, ") ",
                  ellipsis ? "is more than" : "does not match", " the number of dimensions (",
                  operands[i].dim(), ") for operand ", i,
                  ellipsis ? "" : " and no ellipsis was given");
    sizes.ellipsis_dims =
        std::max(sizes.ellipsis_dims, ellipsis ? operands[i].dim() - static_cast<int>(named) : 0);
  }
  return sizes;
}

// The labels of the result: as written, or those that occur once, in alphabetical order.
std::vector<int> output_labels(const Equation& e, const Sizes& sizes) {
  std::array<int, kLabels> count{};
  for (const auto& s : e.inputs)
    for (const int l : s)
      if (l != kEllipsis) ++count[static_cast<std::size_t>(l)];
  std::vector<int> out;
  const auto ellipsis = [&] {
    for (int d = 0; d < sizes.ellipsis_dims; ++d) out.push_back(kLetters + d);
  };
  if (!e.explicit_output) {
    ellipsis();
    for (int l = 0; l < kLetters; ++l)
      if (count[static_cast<std::size_t>(l)] == 1) out.push_back(l);
    return out;
  }
  for (const int l : e.output) {
    if (l == kEllipsis) {
      ellipsis();
      continue;
    }
    BACKLIT_CHECK(std::ranges::find(out, l) == out.end(), Runtime, "einsum(): output subscript ",
                  letter(l), " appears more than once in the output");
    BACKLIT_CHECK(count[static_cast<std::size_t>(l)], Runtime, "einsum(): output subscript ",
                  letter(l), " does not appear in the equation for any input operand");
    out.push_back(l);
  }
  return out;
}

using Wanted = std::array<bool, kLabels>;

// The labels that the output or an operand other than i and j needs.
Wanted wanted_beside(const std::vector<Labelled>& operands, std::size_t i, std::size_t j,
                     const std::vector<int>& out) {
  Wanted w{};
  for (const int l : out) w[static_cast<std::size_t>(l)] = true;
  for (std::size_t k = 0; k < operands.size(); ++k)
    if (k != i && k != j)
      for (const int l : operands[k].labels) w[static_cast<std::size_t>(l)] = true;
  return w;
}

// Elements of the result of a pair, less those of the pair.
double growth(const Labelled& a, const Labelled& b, const Wanted& wanted, const Sizes& sizes) {
  double n = 1;
  for (int l = 0; l < kLabels; ++l)
    if (wanted[static_cast<std::size_t>(l)] && (a.has(l) || b.has(l)))
      n *= static_cast<double>(sizes.of[static_cast<std::size_t>(l)] - 1);
  return n - static_cast<double>(a.t.numel()) - static_cast<double>(b.t.numel());
}

Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands) {
  const Equation e = parse(equation);
  BACKLIT_CHECK(operands.size() >= e.inputs.size(), Runtime,
                "einsum(): fewer operands were provided than specified in the equation");
  BACKLIT_CHECK(operands.size() <= e.inputs.size(), Runtime,
                "einsum(): more operands were provided than specified in the equation");
  Sizes sizes = check_sizes(e, operands);
  const std::vector<int> out = output_labels(e, sizes);
  std::vector<Labelled> todo;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    todo.push_back(label_operand(operands[i], e.inputs[i], sizes.ellipsis_dims, i));
    for (const int l : todo.back().labels)
      note_size(sizes, l, todo.back().t.layout().size(todo.back().at(l)), i);
  }
  while (todo.size() > 1) {
    std::size_t best_i = 0, best_j = 1;
    for (std::size_t i = 0; todo.size() > 2 && i < todo.size(); ++i)
      for (std::size_t j = i + 1; j < todo.size(); ++j) {
        const auto cost = [&](std::size_t p, std::size_t q) {
          return growth(todo[p], todo[q], wanted_beside(todo, p, q, out), sizes);
        };
        if (cost(i, j) < cost(best_i, best_j)) best_i = i, best_j = j;
      }
    const Wanted wanted = wanted_beside(todo, best_i, best_j, out);
    todo[best_i] = contract(todo[best_i], todo[best_j], wanted);
    todo.erase(todo.begin() + static_cast<std::ptrdiff_t>(best_j));
  }
  Labelled& last = todo.front();
  last.t = sum_labels(last, [&](int l) { return std::ranges::find(out, l) == out.end(); });
  Tensor y = arranged(last, out);
  return y.get() == operands[0].get() ? alias(y) : y;
}

const RegisterComplex einsum_row(
    "_einsum(str equation, Tensor[] operands) -> Tensor", einsum,
    {.meaning = "Sums of products of elements, written as subscripts: 'ij,jk->ik'.",
     .formula = "y[out] = Σ over the other subscripts of Πᵢ xᵢ[subscripts]",
     .gradient = "∂L/∂xᵢ = the einsum of ∂L/∂y with the other operands",
     .home = "_C",
     .method = false});

}  // namespace
}  // namespace backlit::ops
