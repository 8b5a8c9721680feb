#include "inference/calibration.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "common/error.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "inference/float_gemm.h"
#include "inference/perplexity.h"
#include "inference/quantized_matrix.h"

namespace bitsmith {
namespace {

constexpr std::string_view kHead = "lm_head";

// Operators that read the same activations, the first of which names their statistics, the tensor
// whose values become smaller by AWQ's factors, and whether this is a norm's gain or, row by row,
// the weights of a linear.
struct InputGroup {
  std::vector<std::string_view> operators;
  std::string_view before;
  bool is_norm;
};

const std::vector<InputGroup>& input_groups() {
  static const std::vector<InputGroup> groups = {
      {{"q_proj", "k_proj", "v_proj"}, "input_layernorm", true},
      {{"o_proj"}, "self_attn.v_proj", false},
      {{"gate_proj", "up_proj"}, "post_attention_layernorm", true},
      {{"down_proj"}, "mlp.up_proj", false}};
  return groups;
}

// The place whose statistics hold for this one.
GemmPlace place_of_inputs(const GemmPlace& place) {
  for (const InputGroup& group : input_groups()) {
    for (const std::string_view name : group.operators) {
      if (name == place.second) return {place.first, std::string(group.operators.front())};
    }
  }
  return place;
}

std::string module_of(std::string_view name) {
  const bool is_mlp = name == "gate_proj" || name == "up_proj" || name == "down_proj";
  return fmt::format("{}.{}", is_mlp ? "mlp" : "self_attn", name);
}

std::string layer_tensor(std::size_t layer, std::string_view module) {
  return fmt::format("model.layers.{}.{}.weight", layer, module);
}

FloatMatrix read_weights(const ImportedModel& model, const GemmPlace& place) {
  const std::string head =
      model.transformer.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  const std::string name =
      place.second == kHead ? head : layer_tensor(place.first, module_of(place.second));
  const StoredTensor& tensor = model.weights->info(name);
  FloatMatrix w(tensor.shape.at(0), tensor.shape.at(1));
  model.weights->read(name, 0, w.values);
  return w;
}

FloatMatrix quantized(FloatView w, const OperandQuantization& quantization) {
  return dequantize_matrix(quantize_matrix(w, quantization), quantization);
}

// Computes in FP32 and watches the activations of weights that are no KV cache.
class WatchingArithmetic final : public Arithmetic {
 public:
  WatchingArithmetic(std::map<GemmPlace, InputStatistics>& inputs, bool with_products)
      : inputs_(inputs), with_products_(with_products) {}

  std::unique_ptr<const Weights> prepare(const GemmSite& site, FloatMatrix w) const override {
    return float_.prepare(site, std::move(w));
  }

  void multiply(const GemmSite& site, FloatView a, const Weights& w,
                MatrixView<float> y) const override {
    float_.multiply(site, a, w, y);
    const GemmPlace place{site.layer, std::string(site.name)};
    const bool is_attention = site.operator_class == OperatorClass::attention_qk ||
                              site.operator_class == OperatorClass::attention_pv;
    if (is_attention || place_of_inputs(place) != place) return;
    InputStatistics& seen = inputs_.try_emplace(place, a.cols, with_products_).first->second;
    for (std::size_t row = 0; row < a.rows; ++row) seen.add(row_of(a, row));
  }

 private:
  FloatArithmetic float_;
  std::map<GemmPlace, InputStatistics>& inputs_;
  bool with_products_;
};

// All GEMMs of a class, in the order of the model.
std::vector<GemmPlace> places_of(const ImportedModel& model, OperatorClass operator_class) {
  if (operator_class == OperatorClass::lm_head) return {{0, std::string(kHead)}};
  std::vector<GemmPlace> places;
  if (operator_class != OperatorClass::linear) return places;
  for (std::size_t layer = 0; layer < model.transformer.num_hidden_layers; ++layer) {
    for (const InputGroup& group : input_groups()) {
      for (const std::string_view name : group.operators) places.emplace_back(layer, name);
    }
  }
  return places;
}

std::vector<double> salience_of(const FloatMatrix& w, const OperandQuantization& quantization,
                                const InputStatistics& inputs) {
  const FloatMatrix coarse = quantized(w.view(), quantization);
  std::vector<double> errors, row(w.cols);
  double energy = 0;
  for (std::size_t n = 0; n < w.rows; ++n) {
    const auto exact = row_of(w.view(), n);
    std::copy(exact.begin(), exact.end(), row.begin());
    energy += output_error(inputs, row);
    for (std::size_t k = 0; k < w.cols; ++k) row[k] -= row_of(coarse.view(), n)[k];
    errors.push_back(output_error(inputs, row));
  }
  const double mean = energy / static_cast<double>(w.rows);
  for (double& error : errors) error = mean > 0 ? error / mean : 0;
  return errors;
}

std::vector<ChannelSplit> splits_of(const ImportedModel& model, const Calibration& calibration,
                                    const std::vector<GemmPlace>& places,
                                    const CalibratedMethod& method,
                                    const OperandQuantization& weight) {
  std::vector<ChannelSplit> splits;
  std::vector<std::vector<double>> salience;
  for (const GemmPlace& place : places) {
    const InputStatistics& inputs = calibration.inputs(place);
    if (method.split == SplitMethod::outliers) {
      splits.push_back(split_outliers(inputs.max_abs, method.threshold));
    } else if (method.split == SplitMethod::blocks) {
      splits.push_back(split_blocks(inputs.max_abs, method.block, method.ratio));
    } else {
      salience.push_back(salience_of(read_weights(model, place), weight, inputs));
    }
  }
  return method.split == SplitMethod::salient ? split_salient(salience, method.fraction) : splits;
}

// Factors of a matrix or a row of gains; none where empty.
struct Factors {
  std::vector<float> of_rows;
  std::vector<float> of_columns;
};

class ScaledWeights final : public WeightStore {
 public:
  ScaledWeights(const WeightStore& base, std::map<std::string, Factors> factors)
      : WeightStore(base.where(), base.tensors()), base_(base), factors_(std::move(factors)) {}

 private:
  void read_elements(std::size_t tensor, const StoredType& /*type*/, std::uint64_t first,
                     std::span<float> values) const override {
    const StoredTensor& info = tensors()[tensor];
    base_.read(info.name, first, values);
    const auto found = factors_.find(info.name);
    if (found == factors_.end()) return;
    const auto& [of_rows, of_columns] = found->second;
    const std::uint64_t columns = info.shape.back();
    for (std::uint64_t i = 0; i < values.size(); ++i) {
      if (!of_rows.empty()) values[i] *= of_rows[(first + i) / columns];
      if (!of_columns.empty()) values[i] *= of_columns[(first + i) % columns];
    }
  }

  const WeightStore& base_;
  std::map<std::string, Factors> factors_;
};

std::vector<float> inverse(std::span<const float> scales) {
  std::vector<float> result;
  for (const float scale : scales) result.push_back(1 / scale);
  return result;
}

// The factors of one group of a layer; empty where they cannot be folded.
std::vector<float> find_scales(const ImportedModel& model, const Calibration& calibration,
                               std::size_t layer, const InputGroup& group,
                               const QuantizationConfig& config) {
  std::vector<FloatMatrix> weights;
  for (const std::string_view name : group.operators) {
    weights.push_back(read_weights(model, {layer, std::string(name)}));
  }
  const std::uint64_t rows_before = model.weights->info(layer_tensor(layer, group.before)).shape[0];
  if (rows_before != weights.front().cols) return {};
  const OperandQuantization& quantization = config.of(OperatorClass::linear).weight;
  const QuantizedRow quantize_row = [&](std::span<const float> row, std::span<double> result) {
    const FloatMatrix coarse = quantized({row.data(), 1, row.size(), row.size()}, quantization);
    std::copy(coarse.values.begin(), coarse.values.end(), result.begin());
  };
  std::vector<WeightMatrix> views;
  for (const FloatMatrix& w : weights) views.push_back({w.values, w.cols});
  const GemmPlace place{layer, std::string(group.operators.front())};
  return search_awq(calibration.inputs(place), views, quantize_row,
                    config.method_of(OperatorClass::linear).scaling_grid)
      .scales;
}

// Of the statistics of all places: products of activations.
double product_bytes(const Transformer& t) {
  const auto square = [](std::uint64_t k) {
    return static_cast<double>(k) * static_cast<double>(k);
  };
  const double layer =
      2 * square(t.hidden_size) + square(t.query_size()) + square(t.intermediate_size);
  const auto layers = static_cast<double>(t.num_hidden_layers);
  return (layers * layer + square(t.hidden_size)) * sizeof(double);
}

}  // namespace

Calibration::Calibration(const Llama& model, std::span<const std::uint32_t> tokens,
                         std::span<const Window> windows, bool with_products) {
  if (with_products) {
    require_memory("the products of activations that the calibration sums",
                   product_bytes(model.shape()));
  }
  predict(model, tokens, windows, WatchingArithmetic(inputs_, with_products), 1);
}

const InputStatistics& Calibration::inputs(const GemmPlace& place) const {
  const auto found = inputs_.find(place_of_inputs(place));
  check(found != inputs_.end(), "a GEMM that no calibration has seen");
  return found->second;
}

bool needs_products(const QuantizationConfig& config) {
  return std::any_of(config.methods.begin(), config.methods.end(), [](const auto& method) {
    return method.scaling_grid > 0 || method.split == SplitMethod::salient;
  });
}

PlacedSplits find_splits(const ImportedModel& model, const Calibration& calibration,
                         const QuantizationConfig& config) {
  PlacedSplits result;
  for (const OperatorClass operator_class : {OperatorClass::linear, OperatorClass::lm_head}) {
    const CalibratedMethod& method = config.method_of(operator_class);
    if (method.split == SplitMethod::none) continue;
    const std::vector<GemmPlace> places = places_of(model, operator_class);
    std::vector<ChannelSplit> splits =
        splits_of(model, calibration, places, method, config.of(operator_class).weight);
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(splits[i]);
  }
  return result;
}

ImportedModel fold_awq(const ImportedModel& model, const Calibration& calibration,
                       const QuantizationConfig& config, unsigned threads) {
  const std::size_t groups = input_groups().size();
  std::vector<std::vector<float>> scales(model.transformer.num_hidden_layers * groups);
  parallel_for(scales.size(), threads, [&](std::size_t i) {
    scales[i] = find_scales(model, calibration, i / groups, input_groups()[i % groups], config);
  });
  std::map<std::string, Factors> factors;
  for (std::size_t i = 0; i < scales.size(); ++i) {
    if (scales[i].empty()) continue;
    const InputGroup& group = input_groups()[i % groups];
    for (const std::string_view name : group.operators) {
      factors[layer_tensor(i / groups, module_of(name))].of_columns = scales[i];
    }
    Factors& before = factors[layer_tensor(i / groups, group.before)];
    (group.is_norm ? before.of_columns : before.of_rows) = inverse(scales[i]);
  }
  ImportedModel folded;
  folded.architecture = model.architecture;
  folded.transformer = model.transformer;
  folded.norm_epsilon = model.norm_epsilon;
  folded.rotary_base = model.rotary_base;
  folded.hidden_activation = model.hidden_activation;
  folded.sliding_window = model.sliding_window;
  folded.unmodelled = model.unmodelled;
  folded.weights = std::make_unique<ScaledWeights>(*model.weights, std::move(factors));
  return folded;
}

CalibratedModel::CalibratedModel(const ImportedModel& model, const QuantizationConfig& config,
                                 const Calibration* calibration, unsigned threads) {
  check(calibration != nullptr || !config.needs_calibration(), "no calibration was made");
  if (config.method_of(OperatorClass::linear).scaling_grid > 0) {
    folded_ = fold_awq(model, *calibration, config, threads);
    llama_ = std::make_unique<Llama>(folded_);
  } else {
    llama_ = std::make_unique<Llama>(model);
  }
  if (config.needs_calibration()) splits_ = find_splits(model, *calibration, config);
}

}  // namespace bitsmith
