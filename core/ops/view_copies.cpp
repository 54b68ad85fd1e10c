#include "ops/view_copies.h"

#include <set>
#include <string>

#include "ops/pointwise.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

// "TBackward0_copy"; names of nodes live as long as the program.
const char* copied_name(std::string node) {
  static auto* names = new std::set<std::string>;
  if (!node.ends_with("_copy")) node += "_copy";  // several outputs share their node
  return names->insert(std::move(node)).first->c_str();
}

// The view's elements in memory of their own, with the view's place in the graph.
Tensor copied(const Tensor& view) {
  Tensor y = clone_contiguous(detach(view));
  y->inference = modes.inference;
  if (Node* node = view->grad_fn) {
    node->name = copied_name(node->name);
    set_history(y, node, view->output_nr);
  }
  return y;
}

PyObject* call_copy(const Overload& self, PyObject* const* arguments) {
  const Object shown = Object::steal(self.view->call(*self.view, arguments));
  if (!shown) return nullptr;
  if (is_tensor(shown.get())) {
    const Tensor out = FromPython<Tensor>::get(arguments[self.view->parameters.size()]);
    return to_python(
        into_out(self.name.c_str(), copied(FromPython<Tensor>::get(shown.get())), out));
  }
  std::vector<Tensor> parts;
  for (const Tensor& part : FromPython<std::vector<Tensor>>::get(shown.get()))
    parts.push_back(copied(part));
  return to_python(std::move(parts));
}

}  // namespace

std::vector<std::unique_ptr<Overload>> view_copies(
    const std::vector<std::unique_ptr<Overload>>& rows) {
  std::vector<std::unique_ptr<Overload>> copies;
  for (const auto& row : rows) {
    if (!row->options.view) continue;
    std::string signature = row->signature;
    signature.insert(signature.find('('), "_copy");
    const bool one = signature.ends_with("-> Tensor");
    if (one) signature = with_out(signature.substr(0, signature.rfind(" ->")));
    auto copy = parse_signature(signature.c_str());
    copy->options = {.meaning = "As the function without _copy, with memory of its own.",
                     .formula = row->options.formula,
                     .gradient = row->options.gradient,
                     .method = false,
                     .dtypes = row->options.dtypes};
    copy->view = row.get();
    copy->call = &call_copy;
    copies.push_back(std::move(copy));
  }
  return copies;
}

}  // namespace backlit::ops
