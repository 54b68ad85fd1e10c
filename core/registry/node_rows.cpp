#include "registry/node_rows.h"

#include <cctype>
#include <cstring>
#include <sstream>
#include <unordered_map>

namespace backlit {
namespace {

// "LogSoftmaxBackward0" -> "log_softmax"
std::string operation_of(const std::string& node_name) {
  std::string name;
  const std::string stem = node_name.substr(0, node_name.rfind("Backward"));
  for (std::size_t i = 0; i < stem.size(); ++i) {
    const auto c = static_cast<unsigned char>(stem[i]);
    if (std::isupper(c) && i > 0) name += '_';
    name += static_cast<char>(std::tolower(c));
  }
  return name;
}

using Index = std::unordered_map<std::string, const Overload*>;

void add(Index& index, const std::string& name, const Overload* row) {
  const Overload*& found = index[name];
  if (!found || (!found->options.formula[0] && row->options.formula[0])) found = row;
}

// Under its own name, with its home before it (linalg_cross), and under its other names.
Index index_of_rows() {
  Index index;
  for (const auto& row : registry_rows()) {
    const RowOptions& o = row->options;
    add(index, row->name, row.get());
    add(index, concat(o.home, "_", row->name), row.get());
    std::istringstream aliases(o.aliases);
    for (std::string alias; aliases >> alias;) add(index, alias, row.get());
    if (o.node[0]) add(index, operation_of(o.node), row.get());
  }
  return index;
}

}  // namespace

const Overload* row_of_node(const char* node_name) {
  static const Index* index = new Index(index_of_rows());
  const auto found = index->find(operation_of(node_name));
  return found == index->end() ? nullptr : found->second;
}

}  // namespace backlit
