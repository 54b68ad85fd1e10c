#include "kernels/convolution_staging.h"

namespace backlit {
namespace {

using std::int64_t;

constexpr int64_t kFlatPositions = 64;  // an image with more positions is never staged flat

// Whether more than a third of the lanes would be idle.
bool wastes_lanes(int64_t positions, int64_t lanes) {
  const int64_t computed = (positions + lanes - 1) / lanes * lanes;
  return positions < kFlatPositions && 3 * positions < 2 * computed;
}

}  // namespace

Staging::Staging(const ConvShape& shape, i64 lanes, i64 channels, i64 most_images, i64 elements)
    : s_(shape) {
  flat = most_images > 1 && wastes_lanes(positions(), lanes);
  for (i64 kh = 0; kh < s_.kernel[1]; ++kh) {
    const i64 reach = kh * s_.dilation[1];
    const i64 residue = flat ? reach : reach % s_.stride[1];
    shift_.push_back(flat ? 0 : reach / s_.stride[1]);
    const auto found = std::ranges::find(residue_, residue);
    phase_.push_back(found - residue_.begin());
    if (found == residue_.end()) residue_.push_back(residue);
    most_shift_ = std::max(most_shift_, shift_.back());
  }
  per_row_ = std::max<i64>(1, lines(channels) * phases() * s_.out[2]);
  band = s_.out[1];
  if (!flat) band = std::clamp<i64>(elements / per_row_ - most_shift_, 1, std::max<i64>(1, band));
  const i64 per_image = std::max<i64>(1, per_row_ * rows_of(band));
  images = std::clamp<i64>(elements / per_image, 1, std::max<i64>(1, most_images));
  lay_out();
}

void Staging::narrow(i64 rows) {
  band = std::min(band, rows);
  lay_out();
}

void Staging::lay_out() {
  if (band < s_.out[1]) images = 1;
  plane = flat ? images * positions() : rows_of(band) * s_.out[2];
  image = flat ? positions() : per_row_ * rows_of(band);
}

std::vector<std::int64_t> Staging::offsets(i64 channels) const {
  std::vector<i64> found;
  found.reserve(static_cast<std::size_t>(channels * volume(s_.kernel)));
  for (i64 c = 0; c < channels * s_.kernel[0]; ++c)
    for (i64 kh = 0; kh < s_.kernel[1]; ++kh)
      for (i64 kw = 0; kw < s_.kernel[2]; ++kw)
        found.push_back((c * s_.kernel[2] + kw) * phases() * plane + row(kh));
  return found;
}

}  // namespace backlit
