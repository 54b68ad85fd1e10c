// The functions name_copy, made from the rows of views.
#pragma once

#include <memory>
#include <vector>

#include "registry/registry.h"

namespace backlit::ops {

// For each row that is a view, one that copies what the view shows.
std::vector<std::unique_ptr<Overload>> view_copies(
    const std::vector<std::unique_ptr<Overload>>& rows);

}  // namespace backlit::ops
