// Which objects the garbage collector knows.
//
// A graph alone has no cycles, and telling the collector of every tensor and node would double the
// cost of recording: it walks all it knows, again and again, while a large graph is built. A cycle
// needs an edge that Python or an in-place change adds later: an attribute, a hook, a custom
// function's context, a .grad that has a graph of its own, a view that comes to be its base's
// origin. Whoever adds such an edge entangles the object: the collector learns of it, of all that
// it was computed from, and, as recording goes on, of all that is computed from it.
#pragma once

#include "graph/node.h"

namespace backlit {

void track(TensorObject& t);
void track(Node& node);

// Makes t, what it was computed from, and what will be computed from it known.
void entangle(const Tensor& t);

// After the edges and saved tensors of a new node are set: it is known if one of its inputs is.
void track_if_inputs_are(Node& node);

}  // namespace backlit
