// What quantization methods learn of a model from a text: statistics of the activations before
// every linear, and from these and the weights which channels are split off, and AWQ's factors.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inference/llama.h"
#include "numerics/awq.h"
#include "numerics/channel_choice.h"
#include "workload/quantization.h"

namespace bitsmith {

// A GEMM of a model: its layer and the operator's name.
using GemmPlace = std::pair<std::size_t, std::string>;
using PlacedSplits = std::map<GemmPlace, ChannelSplit>;

// The statistics of all linears' and the vocabulary projection's activations in FP32.
class Calibration {
 public:
  // Runs the model over the windows, on one thread: sums have one order. With `with_products` the
  // statistics hold what errors of outputs need: k * k numbers of 8 bytes per place. Throws
  // UserError when that is more memory than there is.
  Calibration(const Llama& model, std::span<const std::uint32_t> tokens,
              std::span<const Window> windows, bool with_products);

  // Operators that read the same activations share them.
  const InputStatistics& inputs(const GemmPlace& place) const;

 private:
  std::map<GemmPlace, InputStatistics> inputs_;
};

// Whether the methods of a configuration need products of activations.
bool needs_products(const QuantizationConfig& config);

// Which channels of every GEMM are apart, of the classes that a configuration splits.
//
// MixLLM's salience of output feature n of a linear with weights w, which quantization changes by
// d: the squared error that d makes of the feature over the calibration, relative to the mean
// square of all features of the linear,
//
//   sum over t of (x[t] . d[n])^2  /  mean over n' of sum over t of (x[t] . w[n'])^2.
//
// The paper has |g . d + (g . d)^2 / 2| there, with the loss's gradient g by the feature's weights
// (mixllm/quantization/searcher.py); there is no backward pass here. The division makes errors of
// different linears comparable, which the gradient does in the paper.
PlacedSplits find_splits(const ImportedModel& model, const Calibration& calibration,
                         const QuantizationConfig& config);

// A model with AWQ's factors folded into its weights, so that it computes the same as before until
// it is quantized: columns of q, k, v times s and the gain of the norm before them by s; so gate
// and up; columns of down times s, rows of up by s; columns of o times s, rows of v by s, unless
// several query heads share a key-value head: then o has more columns than v rows and stays as it
// is, as in the authors' code. `model` must outlive the result.
ImportedModel fold_awq(const ImportedModel& model, const Calibration& calibration,
                       const QuantizationConfig& config, unsigned threads);

// A model as a configuration wants it: AWQ's factors folded, splits found.
class CalibratedModel {
 public:
  // `calibration` is null only where the configuration needs none. `model` must outlive this.
  CalibratedModel(const ImportedModel& model, const QuantizationConfig& config,
                  const Calibration* calibration, unsigned threads);
  CalibratedModel(CalibratedModel&&) = delete;  // llama() refers to folded_

  const Llama& llama() const { return *llama_; }
  const PlacedSplits& splits() const { return splits_; }

 private:
  ImportedModel folded_;
  std::unique_ptr<Llama> llama_;
  PlacedSplits splits_;
};

}  // namespace bitsmith
