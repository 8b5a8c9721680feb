// Which channels of a linear layer deserve more bits than the others.
//
// A linear is y[n] = sum over k of x[k] * w[n][k]: its input channels are the k, its output
// features the n. All three choices end in two lists that together hold every channel once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bitsmith {

struct ChannelSplit {
  std::vector<std::uint64_t> apart;   // those with more bits
  std::vector<std::uint64_t> others;  // in the order in which they are stored, as `apart`
  bool operator==(const ChannelSplit&) const = default;
};

// LLM.int8() (Dettmers et al., NeurIPS 2022, arXiv 2208.07339, section 3.2): input channels of
// which any magnitude is above the threshold. Both lists ascend.
ChannelSplit split_outliers(std::span<const float> max_abs, double threshold);

// MixLLM (Zheng et al., arXiv 2412.14590): of all output features of all linears together, the
// `fraction` (rounded down to whole features) with the largest salience. Equal salience: the first
// linear, then the first feature. One split per linear; its lists ascend. InternalError for a
// fraction outside 0..1 or a salience that is no number.
std::vector<ChannelSplit> split_salient(std::span<const std::vector<double>> salience,
                                        double fraction);

// COMET (Liu et al., arXiv 2410.12168, FMPQ): input channels are sorted by their largest
// magnitude, so that outliers gather in the first blocks of `block` channels (the last block may be
// short). `apart` are the channels of all blocks that hold a magnitude above `ratio` times the
// median of all channels' largest magnitudes (of an even number the lower of the two in the
// middle). Equal magnitudes keep their order. The criterion is ours: the paper asks for blocks with
// outliers.
ChannelSplit split_blocks(std::span<const float> max_abs, std::uint64_t block, double ratio);

}  // namespace bitsmith
