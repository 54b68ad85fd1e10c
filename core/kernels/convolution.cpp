// What is computed when. Work is dealt out in tasks that depend on the sizes alone, and where tasks
// add up (the gradient of the weight) they do so in their order: the bits do not depend on the
// number of threads. A task stages a block of the input in memory of its thread and multiplies.
#include "kernels/convolution.h"

#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "base/threads.h"
#include "kernels/convolution_panels.h"
#include "kernels/convolution_staging.h"
#include "kernels/convolution_turned.h"
#include "kernels/gemm.h"
#include "kernels/isa.h"

namespace backlit {

const ConvolutionTable& convolution_table() {
  static const auto& table = best_table<ConvolutionTable>("ConvolutionTable");
  return table;
}

namespace {

using std::int64_t;

constexpr int64_t kStaged = 1 << 17;      // elements of the input at a time: they stay in L2
constexpr int64_t kTaskWork = 256 << 10;  // products in a chunk of tasks
constexpr int64_t kLargeWork = 1 << 20;   // from here on there should be work for several threads
constexpr int64_t kWantedTasks = 16;
constexpr int64_t kLeastPositions = 128;        // in a band of rows
constexpr int64_t kLeastRows = 32;              // of weights in a task
constexpr int64_t kPartials = 1 << 22;          // elements of all partial gradients of the weight
constexpr int64_t kPartialPositions = 1 << 10;  // of the output for each of them, and at a time
constexpr int64_t kPackedDepth = 16;
constexpr int64_t kSumChunk = 1 << 14;

template <class T> const ConvolutionLoops<T>& loops() { return convolution_loops<T>(); }

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Memory of this thread, kept for the next task.
template <class T> T* scratch(int64_t elements) {
  struct Free {
    void operator()(char* p) const { ::operator delete(p, std::align_val_t{64}); }
  };
  thread_local std::unique_ptr<char, Free> memory;
  thread_local std::size_t size = 0;
  const auto bytes = static_cast<std::size_t>(elements) * sizeof(T);
  if (bytes > size) {
    memory.reset();
    size = 0;
    memory.reset(static_cast<char*>(::operator new(bytes, std::align_val_t{64})));
    size = bytes;
  }
  return reinterpret_cast<T*>(memory.get());
}

template <class T> std::unique_ptr<T[]> uninitialised(int64_t n) {
  return std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(n));
}

// Weights (rows, depth) in panels, as ConvolutionLoops::multiply reads them, or all rows in one, as
// multiply_by_panels does; rows[r][d * step] is one of them. Of each panel only the depths from
// `begin` to `end` are written.
template <class T>
void pack(std::span<const T* const> rows, int64_t step, int64_t depth, int64_t begin, int64_t end,
          bool all_in_one, T* to) {
  for (std::size_t r = 0; r < rows.size();) {
    const auto left = rows.size() - r;
    const auto height =
        all_in_one ? left
                   : static_cast<std::size_t>(loops<T>().panel_rows(static_cast<int64_t>(left)));
    T* at = to + begin * static_cast<int64_t>(height);
    for (int64_t d = begin; d < end; ++d)
      for (std::size_t i = 0; i < height; ++i) *at++ = rows[r + i][d * step];
    to += depth * static_cast<int64_t>(height);
    r += height;
  }
}

// Runs body(i) for each task, chunks of them on the threads.
template <class F> void run_tasks(int64_t tasks, int64_t products, F body) {
  const int64_t each = std::max<int64_t>(1, products / std::max<int64_t>(1, tasks));
  parallel_for(tasks, std::max<int64_t>(1, kTaskWork / each), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

// What all three do alike.
struct Convolution {
  const ConvShape& s;
  int64_t kernel = volume(s.kernel);
  int64_t depth = s.in_channels * kernel;  // of the product: elements of w for one output channel
  int64_t images = s.batch * s.out[0];
  int64_t products = images * s.out[1] * s.out[2] * s.groups * s.out_channels * depth;

  // Elements (channels, positions of a flat block) of the output, from y or to it.
  template <class T>
  void gather_output(const Staging& st, int64_t group, int64_t image, int64_t count, const T* y,
                     T* to) const {
    const int64_t p = st.positions();
    for (int64_t o = 0; o < s.out_channels; ++o)
      for (int64_t i = 0; i < count; ++i)
        std::copy_n(y + st.output(group, image + i, 0) + o * st.output_channel(), p,
                    to + (o * count + i) * p);
  }
};

// --- y ---

template <class T> struct Forward : Convolution {
  const T *x, *w, *bias;
  T* y;

  void run() const {
    Staging st(s, loops<T>().lanes, s.in_channels, images, kStaged);
    const Pieces outs{s.out_channels, out_piece(st)}, blocks{images, st.images},
        bands{s.out[1], st.band};
    const auto packed = pack_weights(outs);
    const auto offsets = st.offsets(s.in_channels);
    const int64_t tasks = s.groups * outs.count() * blocks.count() * bands.count();
    run_tasks(tasks, products, [&](int64_t t) {
      const int64_t band = t % bands.count(), block = t / bands.count() % blocks.count();
      const int64_t rest = t / (bands.count() * blocks.count());
      const int64_t out = rest % outs.count(), group = rest / outs.count();
      const Staging::Block b{group,
                             0,
                             s.in_channels,
                             blocks.begin(block),
                             blocks.length(block),
                             bands.begin(band),
                             bands.length(band)};
      multiply(st, b, outs.begin(out), outs.length(out), packed.get(), offsets.data());
    });
  }

  // Null where they are read as they lie.
  std::unique_ptr<T[]> pack_weights(const Pieces& outs) const {
    if (panels_pay<T>(outs.length(0), depth)) return nullptr;
    auto packed = uninitialised<T>(s.groups * s.out_channels * depth);
    run_tasks(s.groups * outs.count(), s.groups * s.out_channels * depth, [&](int64_t t) {
      const int64_t first = t / outs.count() * s.out_channels + outs.begin(t % outs.count());
      std::vector<const T*> rows;
      for (int64_t o = 0; o < outs.length(t % outs.count()); ++o)
        rows.push_back(w + (first + o) * depth);
      pack<T>(rows, 1, depth, 0, depth, false, packed.get() + first * depth);
    });
    return packed;
  }

  // Narrows the band, and says how many output channels a task computes, so that there are enough
  // tasks.
  int64_t out_piece(Staging& st) const {
    if (products < kLargeWork) return s.out_channels;
    const auto tasks = [&] {
      return s.groups * ceil_div(images, st.images) * ceil_div(s.out[1], st.band);
    };
    if (tasks() >= kWantedTasks) return s.out_channels;
    st = Staging(s, loops<T>().lanes, s.in_channels, ceil_div(images * s.groups, kWantedTasks),
                 kStaged);
    if (!st.flat) {
      const int64_t wanted = ceil_div(kWantedTasks, s.groups * images);
      const int64_t least = ceil_div(kLeastPositions, s.out[2]);
      st.narrow(std::max(least, ceil_div(s.out[1], wanted)));
    }
    const int64_t rows = ceil_div(s.out_channels, ceil_div(kWantedTasks, tasks()));
    return std::min(s.out_channels, std::max(kLeastRows, ceil_div(rows, 8) * 8));
  }

  void multiply(const Staging& st, const Staging::Block& b, int64_t out, int64_t outs,
                const T* packed, const int64_t* offsets) const {
    const int64_t n = b.count * st.positions(), staged = st.size(s.in_channels);
    T* const from = scratch<T>(staged + (st.flat ? outs * n : 0));
    st.gather(loops<T>(), b, x, from);
    const int64_t first = b.group * s.out_channels + out;
    const T* start = bias ? bias + first : nullptr;
    const auto product = [&](const T* lines, int64_t positions, T* to, int64_t row) {
      if (!packed)
        multiply_by_panels(outs, depth, {w + first * depth, depth, depth, 1}, offsets, lines,
                           positions, start, false, to, row);
      else
        loops<T>().multiply(outs, depth, packed + first * depth, offsets, lines, positions, start,
                            false, to, row);
    };
    const auto at = [&](int64_t i) {
      return y + st.output(b.group, b.image + i, b.row) + out * st.output_channel();
    };
    if (!st.flat) {
      for (int64_t i = 0; i < b.count; ++i)
        product(from + i * st.image, b.rows * s.out[2], at(i), st.output_channel());
      return;
    }
    T* const to = from + staged;
    product(from, n, to, n);
    for (int64_t i = 0; i < b.count; ++i)
      for (int64_t o = 0; o < outs; ++o)
        std::copy_n(to + o * n + i * st.positions(), st.positions(),
                    at(i) + o * st.output_channel());
  }
};

// --- x ---

// For each row of the kernel, the products of its weights and g are added where that row begins in
// the staged planes; these are then added to x.
template <class T> struct Input : Convolution {
  const T *g, *w;
  T* x;

  void run() const {
    const int64_t tasks_of_samples = s.batch * s.groups;
    const int64_t ranges = products < kLargeWork || tasks_of_samples >= kWantedTasks
                               ? 1
                               : std::min(s.in_channels, ceil_div(kWantedTasks, tasks_of_samples));
    const Pieces channels{s.in_channels, ceil_div(s.in_channels, ranges)};
    const Staging st(s, loops<T>().lanes, channels.size,
                     std::max<int64_t>(1, images * s.groups / kWantedTasks), kStaged);
    // samples whose images are staged together
    const Pieces samples{s.batch, st.flat ? ceil_div(st.images, s.out[0]) : 1};
    const auto packed = pack_weights(st, channels);
    run_tasks(samples.count() * s.groups * channels.count(), products, [&](int64_t t) {
      const int64_t range = t % channels.count(), group = t / channels.count() % s.groups;
      const int64_t sample = t / (channels.count() * s.groups);
      sum(st, samples.begin(sample), samples.end(sample), group, channels.begin(range),
          channels.end(range), packed.get() + packed_begin(group, channels.begin(range)));
    });
  }

  int64_t packed_begin(int64_t group, int64_t channel) const {
    return (group * s.in_channels + channel) * kernel * s.out_channels;
  }

  // For each group, range of channels and row of the kernel: (lines, out_channels). A task packs
  // some output channels for all rows of the kernel, so that what it reads stays in cache.
  std::unique_ptr<T[]> pack_weights(const Staging& st, const Pieces& channels) const {
    const int64_t all = packed_begin(s.groups, 0), rows = s.kernel[1], columns = s.kernel[2];
    auto packed = uninitialised<T>(all);
    const Pieces outs{s.out_channels, kPackedDepth};
    run_tasks(s.groups * channels.count() * outs.count(), all, [&](int64_t t) {
      const int64_t out = t % outs.count(), range = t / outs.count() % channels.count();
      const int64_t group = t / (outs.count() * channels.count());
      const int64_t lines = st.lines(channels.length(range));
      T* to = packed.get() + packed_begin(group, channels.begin(range));
      const T* from = w + group * s.out_channels * depth + channels.begin(range) * kernel;
      for (int64_t kh = 0; kh < rows; ++kh, to += lines * s.out_channels, from += columns) {
        std::vector<const T*> at;
        for (int64_t line = 0; line < lines; line += columns)
          for (int64_t kw = 0; kw < columns; ++kw) at.push_back(from + line * rows + kw);
        pack<T>(at, depth, s.out_channels, outs.begin(out), outs.end(out),
                panels_pay<T>(lines, s.out_channels), to);
      }
    });
    return packed;
  }

  void sum(const Staging& st, int64_t sample, int64_t sample_end, int64_t group, int64_t channel,
           int64_t channel_end, const T* packed) const {
    const int64_t volume_in = volume(s.in);
    for (int64_t n = sample; n < sample_end; ++n)
      std::fill_n(x + ((n * s.groups + group) * s.in_channels + channel) * volume_in,
                  (channel_end - channel) * volume_in, T(0));
    const Pieces bands{s.out[1], st.band};
    const int64_t end = sample_end * s.out[0], step = st.flat ? st.images : 1;
    std::vector<int64_t> offsets(static_cast<std::size_t>(s.out_channels));
    for (int64_t image = sample * s.out[0]; image < end; image += step)
      for (int64_t band = 0; band < bands.count(); ++band)
        add(st,
            {group, channel, channel_end, image, std::min(step, end - image), bands.begin(band),
             bands.length(band)},
            packed, offsets);
  }

  void add(const Staging& st, const Staging::Block& b, const T* packed,
           std::vector<int64_t>& offsets) const {
    const int64_t lines = st.lines(b.channel_end - b.channel);
    const int64_t staged = st.size(b.channel_end - b.channel), n = b.count * b.rows * s.out[2];
    T* const planes = scratch<T>(staged + (st.flat ? s.out_channels * n : 0));
    std::fill_n(planes, staged, T(0));
    const T* from = g + st.output(b.group, b.image, b.row);
    int64_t row = st.output_channel();
    if (st.flat) {
      gather_output(st, b.group, b.image, b.count, g, planes + staged);
      from = planes + staged;
      row = n;
    }
    for (std::size_t o = 0; o < offsets.size(); ++o) offsets[o] = static_cast<int64_t>(o) * row;
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh, packed += lines * s.out_channels) {
      T* const to = planes + st.row(kh);
      if (const int64_t row = st.phases() * st.plane; panels_pay<T>(lines, s.out_channels))
        multiply_by_panels<T>(lines, s.out_channels, {packed, 1, 1, lines}, offsets.data(), from, n,
                              nullptr, true, to, row);
      else
        loops<T>().multiply(lines, s.out_channels, packed, offsets.data(), from, n, nullptr, true,
                            to, row);
    }
    st.scatter(loops<T>(), b, planes, x);
  }
};

// --- w ---

template <class T> struct Weight : Convolution {
  const T *g, *x;
  T* w;

  int64_t all() const { return s.groups * s.out_channels * depth; }

  void run() const {
    const int64_t wanted = std::clamp<int64_t>(products / kLargeWork, 1, kWantedTasks);
    const int64_t most = std::min(kPartials / std::max<int64_t>(1, all()),
                                  images * s.out[1] * s.out[2] / kPartialPositions);
    const int64_t pieces_wanted = std::clamp<int64_t>(most, 1, ceil_div(wanted, s.groups));
    const int64_t ranges = std::min(s.in_channels, ceil_div(wanted, s.groups * pieces_wanted));
    const Pieces channels{s.in_channels, ceil_div(s.in_channels, ranges)};
    const int64_t most_images =
        std::min(ceil_div(images, pieces_wanted), ceil_div(kPartialPositions, s.out[1] * s.out[2]));
    const Staging st(s, loops<T>().lanes, channels.size, most_images, kStaged);
    const Pieces blocks{images, st.images}, bands{s.out[1], st.band};
    const int64_t units = blocks.count() * bands.count();
    const Pieces pieces{units, ceil_div(units, pieces_wanted)};
    // a single piece needs no sum of its own
    const auto parts = uninitialised<T>(pieces.count() > 1 ? pieces.count() * all() : 0);
    const auto offsets = st.offsets(channels.size);
    run_tasks(s.groups * channels.count() * pieces.count(), products, [&](int64_t t) {
      const int64_t range = t % channels.count(), group = t / channels.count() % s.groups;
      const int64_t piece = t / (channels.count() * s.groups);
      T* to = (pieces.count() > 1 ? parts.get() + piece * all() : w) +
              group * s.out_channels * depth + channels.begin(range) * kernel;
      for (int64_t o = 0; o < s.out_channels; ++o)
        std::fill_n(to + o * depth, channels.length(range) * kernel, T(0));
      for (int64_t unit = pieces.begin(piece); unit < pieces.end(piece); ++unit) {
        const int64_t block = unit / bands.count(), band = unit % bands.count();
        add(st,
            {group, channels.begin(range), channels.end(range), blocks.begin(block),
             blocks.length(block), bands.begin(band), bands.length(band)},
            offsets.data(), to);
      }
    });
    if (pieces.count() > 1) sum_parts(pieces.count(), parts.get());
  }

  void add(const Staging& st, const Staging::Block& b, const int64_t* offsets, T* to) const {
    const int64_t staged = st.size(b.channel_end - b.channel), n = b.count * st.positions();
    T* const lines = scratch<T>(staged + (st.flat ? s.out_channels * n : 0));
    st.gather(loops<T>(), b, x, lines);
    const int64_t columns = (b.channel_end - b.channel) * kernel;
    // The rows of g that meet a segment of the lines; all of them follow each other when flat.
    std::vector<int64_t> begins;
    const T* rows = g;
    int64_t row = st.output_channel(), length = b.rows * s.out[2];
    if (st.flat) {
      gather_output(st, b.group, b.image, b.count, g, lines + staged);
      begins.push_back(0);
      rows = lines + staged;
      row = length = n;
    } else {
      for (int64_t i = 0; i < b.count; ++i)
        begins.push_back(st.output(b.group, b.image + i, b.row));
    }
    if (panels_pay<T>(s.out_channels, columns)) {
      for (std::size_t i = 0; i < begins.size(); ++i)
        correlate_by_panels(s.out_channels, columns, length, rows + begins[i], row,
                            lines + static_cast<int64_t>(i) * st.image, offsets, to, depth);
    } else {
      loops<T>().correlate(s.out_channels, columns, static_cast<int64_t>(begins.size()), length,
                           rows, begins.data(), row, lines, offsets, st.image, to, depth);
    }
  }

  void sum_parts(int64_t pieces, const T* parts) const {
    parallel_for(all(), kSumChunk, [&](int64_t begin, int64_t end) {
      std::copy(parts + begin, parts + end, w + begin);
      for (int64_t piece = 1; piece < pieces; ++piece)
        for (int64_t i = begin; i < end; ++i) w[i] += parts[piece * all() + i];
    });
  }
};

// --- kernels that cover their input ---

// With one output position and no padding, samples are rows that meet whole rows of the weight.
bool is_linear(const ConvShape& s) {
  if (s.groups != 1 || volume(s.out) != 1) return false;
  for (int d = 0; d < 3; ++d)
    if (s.kernel[d] != s.in[d] || s.padding[d] != 0 || (s.dilation[d] != 1 && s.kernel[d] > 1))
      return false;
  return true;
}

// A kernel of one element that meets every input once: a sample is a matrix (channels, positions),
// the weight of a group another one. Small samples are better staged side by side.
constexpr int64_t kLeastPointwise = 64;
bool is_pointwise(const ConvShape& s) {
  for (int d = 0; d < 3; ++d)
    if (s.kernel[d] != 1 || s.stride[d] != 1 || s.padding[d] != 0) return false;
  return volume(s.in) >= kLeastPointwise;
}

// to (rows, positions) = w (rows, depth) or its transpose times from (depth, positions) for every
// sample of every group; beta as in gemm.
template <class T>
void multiply_samples(const ConvShape& s, bool transposed, const T* w, const T* from, T beta,
                      T* to) {
  const int64_t n = volume(s.in), weights = s.out_channels * s.in_channels;
  const int64_t rows = transposed ? s.in_channels : s.out_channels;
  const int64_t depth = transposed ? s.out_channels : s.in_channels;
  for (int64_t group = 0; group < s.groups; ++group)
    gemm_batched(s.batch, transposed, false, rows, n, depth, T(1), w + group * weights,
                 s.in_channels, 0, from + group * depth * n, n, s.groups * depth * n, beta,
                 to + group * rows * n, n, s.groups * rows * n);
}

// w = Σ over samples g xᵀ. The second factor is packed, so it should be the one of fewer channels:
// where that is g, the sum is that of the transposed products.
template <class T> void correlate_samples(const ConvShape& s, const T* g, const T* x, T* w) {
  const int64_t n = volume(s.in), outs = s.out_channels, ins = s.in_channels;
  const bool swapped = ins > outs;
  const int64_t rows = swapped ? ins : outs, columns = swapped ? outs : ins;
  const auto sums = uninitialised<T>(swapped ? s.groups * rows * columns : 0);
  for (int64_t sample = 0; sample < s.batch; ++sample)
    for (int64_t group = 0; group < s.groups; ++group, g += outs * n, x += ins * n)
      gemm(false, true, rows, columns, n, T(1), swapped ? x : g, n, swapped ? g : x, n,
           T(sample > 0), (swapped ? sums.get() : w) + group * rows * columns, columns);
  if (!swapped) return;
  for (int64_t group = 0; group < s.groups; ++group)
    for (int64_t o = 0; o < outs; ++o)
      for (int64_t c = 0; c < ins; ++c) *w++ = sums[(group * ins + c) * outs + o];
}

// --- integers: the definition ---

// f(position, place) for every pair of an output position and an element of the kernel that meet
// in an element of the input: flat indices of the three.
template <class F> void visit_meetings(const ConvShape& s, F f) {
  const auto axis = [&](int d, auto next) {
    for (int64_t p = 0; p < s.out[d]; ++p)
      for (int64_t k = 0; k < s.kernel[d]; ++k)
        if (const int64_t i = p * s.stride[d] + k * s.dilation[d] - s.padding[d];
            i >= 0 && i < s.in[d])
          next(p, k, i);
  };
  axis(0, [&](int64_t p0, int64_t k0, int64_t i0) {
    axis(1, [&](int64_t p1, int64_t k1, int64_t i1) {
      axis(2, [&](int64_t p2, int64_t k2, int64_t i2) {
        f((p0 * s.out[1] + p1) * s.out[2] + p2, (k0 * s.kernel[1] + k1) * s.kernel[2] + k2,
          (i0 * s.in[1] + i1) * s.in[2] + i2);
      });
    });
  });
}

// Adds every product to the result (kInput: x, else y) in unsigned arithmetic, where overflow is
// defined. The samples are dealt out.
template <bool kInput, class T>
void integers(const ConvShape& s, const T* from, const T* w, T* to) {
  using U = std::make_unsigned_t<T>;
  const int64_t kernel = volume(s.kernel), in = volume(s.in), out = volume(s.out);
  parallel_for(s.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      for (int64_t o = 0; o < s.groups * s.out_channels; ++o)
        for (int64_t c = 0; c < s.in_channels; ++c) {
          const int64_t group = o / s.out_channels;
          const int64_t y_at = (n * s.groups * s.out_channels + o) * out;
          const int64_t x_at = ((n * s.groups + group) * s.in_channels + c) * in;
          const T* weight = w + (o * s.in_channels + c) * kernel;
          visit_meetings(s, [&](int64_t p, int64_t k, int64_t i) {
            T& sum = kInput ? to[x_at + i] : to[y_at + p];
            const T factor = kInput ? from[y_at + p] : from[x_at + i];
            const auto product = static_cast<U>(static_cast<U>(factor) * static_cast<U>(weight[k]));
            sum = static_cast<T>(static_cast<U>(static_cast<U>(sum) + product));
          });
        }
  });
}

}  // namespace

namespace {

// Each of `lines` lines of n elements becomes the bias of its channel.
template <class T>
void fill_channels(int64_t lines, int64_t channels, int64_t n, const T* bias, T* y) {
  parallel_for(lines, std::max<int64_t>(1, kSumChunk / n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) std::fill_n(y + i * n, n, bias[i % channels]);
  });
}

}  // namespace

template <class T> void convolve(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  const int64_t out = volume(s.out), channels = s.groups * s.out_channels;
  if (s.batch * channels * out == 0) return;
  if (const int64_t depth = s.in_channels * volume(s.kernel); is_linear(s) && depth > 0) {
    if (bias)
      gemm_plus_row(false, true, s.batch, channels, depth, x, depth, w, depth, bias, y, channels);
    else
      gemm(false, true, s.batch, channels, depth, T(1), x, depth, w, depth, T(0), y, channels);
  } else if (is_pointwise(s)) {
    if (bias) fill_channels(s.batch * channels, channels, out, bias, y);
    multiply_samples(s, false, w, x, T(bias != nullptr), y);
  } else if constexpr (std::is_floating_point_v<T>) {
    Forward<T>{{s}, x, w, bias, y}.run();
  } else {
    if (bias)
      fill_channels(s.batch * channels, channels, out, bias, y);
    else
      std::fill_n(y, s.batch * channels * out, T(0));
    integers<false>(s, x, w, y);
  }
}

template <class T> void convolve_input(const ConvShape& s, const T* g, const T* w, T* x) {
  const int64_t sample = s.groups * s.in_channels * volume(s.in), all = s.batch * sample;
  if (is_linear(s) && all > 0)
    return gemm(false, false, s.batch, sample, s.out_channels, T(1), g, s.out_channels, w, sample,
                T(0), x, sample);
  if (is_pointwise(s) && all > 0) return multiply_samples(s, true, w, g, T(0), x);
  if constexpr (std::is_floating_point_v<T>) {
    if (all != 0 && s.out_channels * volume(s.out) != 0) {
      const auto t = turned(s);
      if (!t || !all_finite(s, w)) return Input<T>{{s}, g, w, x}.run();
      return Forward<T>{{*t}, g, turned_weight(s, w).get(), nullptr, x}.run();
    }
  }
  std::fill_n(x, all, T(0));
  if constexpr (!std::is_floating_point_v<T>) integers<true>(s, g, w, x);
}

template <class T> void convolve_weight(const ConvShape& s, const T* g, const T* x, T* w) {
  const Weight<T> run{{s}, g, x, w};
  if (run.all() == 0) return;
  if (s.batch * volume(s.out) == 0)
    std::fill_n(w, run.all(), T(0));
  else if (is_linear(s))
    gemm(true, false, s.out_channels, run.depth, s.batch, T(1), g, s.out_channels, x, run.depth,
         T(0), w, run.depth);
  else if (is_pointwise(s))
    correlate_samples(s, g, x, w);
  else
    run.run();
}

#define BACKLIT_INSTANTIATE(T)                                                   \
  template void convolve<T>(const ConvShape&, const T*, const T*, const T*, T*); \
  template void convolve_input<T>(const ConvShape&, const T*, const T*, T*);
BACKLIT_INSTANTIATE(std::uint8_t)
BACKLIT_INSTANTIATE(std::int8_t)
BACKLIT_INSTANTIATE(std::int16_t)
BACKLIT_INSTANTIATE(std::int32_t)
BACKLIT_INSTANTIATE(std::int64_t)
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE
template void convolve_weight<float>(const ConvShape&, const float*, const float*, float*);
template void convolve_weight<double>(const ConvShape&, const double*, const double*, double*);

}  // namespace backlit
