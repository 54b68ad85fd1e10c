// Elements that change places between channels and space: pixel_shuffle, channel_shuffle.
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// x in the shape `parts`, its dimensions reordered, as `sizes`: a copy that is not recorded.
Tensor rearranged(const Tensor& x, const Dims& parts, const Dims& order, const Dims& sizes) {
  GradMode off(false);
  const Tensor from = x.is_contiguous() ? detach(x) : contiguous(detach(x));
  Tensor y = view(clone_contiguous(permute(view(from, parts), order)), sizes);
  y->inference = modes.inference;
  return y;
}

// Leading dimensions in one, then channels, height and width.
struct Image {
  i64 count = 1, channels, height, width;
  Dims lead;

  explicit Image(const Tensor& x) : lead(x.sizes().first(x.sizes().size() - 3)) {
    for (const i64 n : lead) count *= n;
    channels = x.size(-3);
    height = x.size(-2);
    width = x.size(-1);
  }
  Dims sizes(i64 c, i64 h, i64 w) const {
    Dims all = lead;
    for (const i64 n : {c, h, w}) all.push_back(n);
    return all;
  }
};

void check_image(const char* name, const char* argument, const Tensor& x, i64 factor) {
  BACKLIT_CHECK(x.dim() >= 3, Runtime, name,
                " expects input to have at least 3 dimensions, but got "
                "input with ",
                x.dim(), " dimension(s)");
  BACKLIT_CHECK(factor > 0, Runtime, name, " expects a positive ", argument, ", but got ", factor);
}

Tensor pixel_unshuffle(const Tensor& x, i64 r);

Tensor pixel_shuffle(const Tensor& x, i64 r) {
  check_image("pixel_shuffle", "upscale_factor", x, r);
  const Image m(x);
  BACKLIT_CHECK(m.channels % (r * r) == 0, Runtime,
                "pixel_shuffle expects its input's 'channel' dimension to be divisible by the "
                "square of upscale_factor, but input.size(-3)=",
                m.channels, " is not divisible by ", r * r);
  const i64 c = m.channels / (r * r);
  Tensor y = rearranged(x, {m.count, c, r, r, m.height, m.width}, {0, 1, 4, 2, 5, 3},
                        m.sizes(c, m.height * r, m.width * r));
  return record("PixelShuffleBackward0", std::move(y), {x}, {},
                [r](Vjp& v) { v.set(0, pixel_unshuffle(v.g(), r)); });
}

Tensor pixel_unshuffle(const Tensor& x, i64 r) {
  check_image("pixel_unshuffle", "downscale_factor", x, r);
  const Image m(x);
  const auto divides = [&](const char* what, i64 n, int dim) {
    BACKLIT_CHECK(n % r == 0, Runtime, "pixel_unshuffle expects ", what,
                  " to be divisible by downscale_factor, but input.size(", dim, ")=", n,
                  " is not divisible by ", r);
  };
  divides("height", m.height, -2);
  divides("width", m.width, -1);
  const i64 h = m.height / r, w = m.width / r;
  Tensor y = rearranged(x, {m.count, m.channels, h, r, w, r}, {0, 1, 3, 5, 2, 4},
                        m.sizes(m.channels * r * r, h, w));
  return record("PixelUnshuffleBackward0", std::move(y), {x}, {},
                [r](Vjp& v) { v.set(0, pixel_shuffle(v.g(), r)); });
}

Tensor channel_shuffle(const Tensor& x, i64 groups) {
  BACKLIT_CHECK(x.dim() > 2, Runtime,
                "channel_shuffle expects input with > 2 dims, but got input "
                "with sizes ",
                to_string(x.sizes()));
  BACKLIT_CHECK(
      groups > 0, Runtime,
      "Number of groups to divide channels in must be positive. Value of groups:", groups);
  const i64 channels = x.size(1);
  BACKLIT_CHECK(channels % groups == 0, Runtime,
                "Number of channels must be divisible by groups. Got ", channels, " channels and ",
                groups, " groups.");
  const i64 each = channels / groups, rest = product(x.sizes().subspan(2));
  Tensor y = rearranged(x, {x.size(0), groups, each, rest}, {0, 2, 1, 3}, Dims(x.sizes()));
  return record("ChannelShuffleBackward0", std::move(y), {x}, {},
                [each](Vjp& v) { v.set(0, each > 0 ? channel_shuffle(v.g(), each) : v.g()); });
}

const RegisterAny pixel_shuffle_row(
    "pixel_shuffle(Tensor input, int upscale_factor) -> Tensor", pixel_shuffle,
    {.meaning = "Every r² channels become one that is r times as high and wide.",
     .formula = "y[c, h·r + i, w·r + j] = x[c·r² + i·r + j, h, w]",
     .gradient = "∂L/∂x = pixel_unshuffle(∂L/∂y)",
     .method = false});
const RegisterAny pixel_unshuffle_row(
    "pixel_unshuffle(Tensor input, int downscale_factor) -> Tensor", pixel_unshuffle,
    {.meaning = "Every channel becomes r² of them that are r times less high and wide.",
     .formula = "y[c·r² + i·r + j, h, w] = x[c, h·r + i, w·r + j]",
     .gradient = "∂L/∂x = pixel_shuffle(∂L/∂y)",
     .method = false});
const RegisterAny channel_shuffle_row(
    "channel_shuffle(Tensor input, int groups) -> Tensor", channel_shuffle,
    {.meaning = "Channels, dealt out from each of the groups in turn.",
     .formula = "y[:, j·groups + i] = x[:, i·(C/groups) + j]",
     .gradient = "∂L/∂x = channel_shuffle(∂L/∂y, C/groups)",
     .aliases = "native_channel_shuffle",
     .method = false});

}  // namespace
}  // namespace backlit::ops
