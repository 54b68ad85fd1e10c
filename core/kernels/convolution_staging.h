// How the input of a convolution is staged, so that every product reads lines that are contiguous.
//
// An image is one depth of one sample; its `positions` are the elements (height, width) of the
// output there. For each channel, depth and column of the kernel (a line) the input is copied as
// the output's columns see it: shifted, strided, padded. A row of the kernel then is a shift of
// whole rows, so with stride 1 all rows of the kernel share one plane (rows, width): the input is
// copied once per column of the kernel, not once per element. With a stride there is a plane per
// residue of the rows (a phase). Small outputs would leave lanes of the vectors idle; they are
// staged flat: every row of the kernel has a plane of its own, and there the images lie side by
// side.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/convolution.h"
#include "kernels/convolution_loops.h"

namespace backlit {

// [0, total) in pieces of `size`, the last one shorter.
struct Pieces {
  std::int64_t total, size;
  std::int64_t count() const { return total > 0 ? (total - 1) / size + 1 : 0; }
  std::int64_t begin(std::int64_t i) const { return i * size; }
  std::int64_t end(std::int64_t i) const { return std::min(total, (i + 1) * size); }
  std::int64_t length(std::int64_t i) const { return end(i) - begin(i); }
};

inline std::int64_t volume(const std::int64_t (&sizes)[3]) {
  return sizes[0] * sizes[1] * sizes[2];
}

class Staging {
 public:
  using i64 = std::int64_t;

  // For `channels` of a group: up to `most_images` at a time, at most `elements` where that is
  // possible.
  Staging(const ConvShape& shape, i64 lanes, i64 channels, i64 most_images, i64 elements);

  bool flat;
  i64 images;  // at a time
  i64 band;    // rows of the output at a time; all of them when flat
  i64 plane;   // elements from one phase to the next, `phases` of them from one line to the next
  i64 image;   // elements from one image to the next

  // Takes fewer rows at a time.
  void narrow(i64 rows);

  i64 phases() const { return static_cast<i64>(residue_.size()); }
  i64 positions() const { return s_.out[1] * s_.out[2]; }
  i64 all_images() const { return s_.batch * s_.out[0]; }
  i64 lines(i64 channels) const { return channels * s_.kernel[0] * s_.kernel[2]; }
  i64 size(i64 channels) const {
    return flat ? lines(channels) * phases() * plane : images * image;
  }
  // Where row kh of the kernel begins in a line.
  i64 row(i64 kh) const {
    const auto k = static_cast<std::size_t>(kh);
    return phase_[k] * plane + shift_[k] * s_.out[2];
  }
  // Where each element of the kernels of that many channels begins.
  std::vector<i64> offsets(i64 channels) const;

  // What is staged: `count` images from `image` on, output rows [row, row + rows) of them, channels
  // [channel, channel_end) of a group.
  struct Block {
    i64 group, channel, channel_end, image, count, row, rows;
  };
  template <class T>
  void gather(const ConvolutionLoops<T>& loops, const Block& b, const T* x, T* to) const;
  // The transpose of gather: what was staged is added to x.
  template <class T>
  void scatter(const ConvolutionLoops<T>& loops, const Block& b, const T* from, T* x) const;

  // Output: the row of channel 0 of a group and the first position of an image there.
  i64 output(i64 group, i64 image, i64 row) const {
    const i64 n = image / s_.out[0], depth = image % s_.out[0];
    return ((n * s_.groups + group) * s_.out_channels * s_.out[0] + depth) * positions() +
           row * s_.out[2];
  }
  i64 output_channel() const { return s_.out[0] * positions(); }

 private:
  // f(offset in the staged memory, offset of the plane in x or -1 in the padding, rows, columns)
  template <class F> void visit_planes(const Block& b, F f) const;
  i64 rows_of(i64 band) const { return flat ? band : band + most_shift_; }

  void lay_out();

  ConvShape s_;
  i64 per_row_;                     // elements staged for one row of all planes
  std::vector<i64> residue_;        // of each phase: row · stride + residue − padding is read
  std::vector<i64> phase_, shift_;  // of each row of the kernel
  i64 most_shift_ = 0;
};

template <class F> void Staging::visit_planes(const Block& b, F f) const {
  const i64 area = s_.in[1] * s_.in[2], rows = rows_of(b.rows);
  for (i64 i = 0; i < b.count; ++i) {
    const i64 n = (b.image + i) / s_.out[0], depth = (b.image + i) % s_.out[0];
    i64 at = i * image;
    for (i64 c = b.channel; c < b.channel_end; ++c)
      for (i64 kd = 0; kd < s_.kernel[0]; ++kd) {
        const i64 d = depth * s_.stride[0] + kd * s_.dilation[0] - s_.padding[0];
        const i64 channel = (n * s_.groups + b.group) * s_.in_channels + c;
        const i64 source = d < 0 || d >= s_.in[0] ? -1 : (channel * s_.in[0] + d) * area;
        for (i64 kw = 0; kw < s_.kernel[2]; ++kw)
          for (const i64 residue : residue_) {
            const ConvAxis down{b.row * s_.stride[1] + residue - s_.padding[1], s_.stride[1], rows,
                                s_.in[1]};
            const ConvAxis across{kw * s_.dilation[2] - s_.padding[2], s_.stride[2], s_.out[2],
                                  s_.in[2]};
            // a single column is a single row as well, which is copied in one go
            if (s_.in[2] == 1 && across.count == 1 && across.first == 0)
              f(at, source, across, down);
            else
              f(at, source, down, across);
            at += plane;
          }
      }
  }
}

template <class T>
void Staging::gather(const ConvolutionLoops<T>& loops, const Block& b, const T* x, T* to) const {
  visit_planes(b, [&](i64 at, i64 source, const ConvAxis& rows, const ConvAxis& run) {
    if (source < 0)
      std::fill_n(to + at, rows.count * run.count, T(0));
    else
      loops.gather(rows, run, x + source, s_.in[2], to + at);
  });
}

template <class T>
void Staging::scatter(const ConvolutionLoops<T>& loops, const Block& b, const T* from, T* x) const {
  visit_planes(b, [&](i64 at, i64 source, const ConvAxis& rows, const ConvAxis& run) {
    if (source >= 0) loops.scatter(rows, run, from + at, x + source, s_.in[2]);
  });
}

}  // namespace backlit
