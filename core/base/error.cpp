#include "base/error.h"

#include "base/dtype.h"

namespace backlit {

void fail_not_computed(Dtype d) {
  fail(ErrorKind::NotImplemented, "not implemented for '", info(d).scalar_name,
       "': backlit does not compute this operation with torch.", info(d).name, " numbers");
}

}  // namespace backlit
