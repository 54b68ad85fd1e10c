#include "graph/node.h"

namespace backlit {

void note_location(Node&) {}

}  // namespace backlit
