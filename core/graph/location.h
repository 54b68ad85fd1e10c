// Where in the user's program a node was made.
#pragma once

#include "graph/node.h"

namespace backlit {

// Do new nodes remember the Python instruction that made them? Of all threads.
extern bool recording_locations;

// Frames whose code comes from files under this folder (it ends with a separator) are skipped, so
// that the line is the user's also where the operation ran inside a layer of this package.
void set_package_folder(PyObject* folder);

}  // namespace backlit
