// From a recorded node back to the registry.
#pragma once

#include "registry/registry.h"

namespace backlit {

// The row of the operation whose nodes have this name: "MmBackward0" is mm's, as is any node that a
// row names with RowOptions::node. Of overloads the first that states a formula. Null where no row
// has that name (nodes of indexing, of in-place changes of views, of custom functions).
const Overload* row_of_node(const char* node_name);

}  // namespace backlit
