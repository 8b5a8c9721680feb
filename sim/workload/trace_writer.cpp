#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/version.h"
#include "workload/operator_weights.h"
#include "workload/trace.h"
#include "workload/trace_names.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<OperandRole, 2> kRoles = {OperandRole::activation, OperandRole::weight};

Dtype scale_dtype(const Quantizer& quantizer) {
  if (quantizer.method == QuantMethod::mx) return Dtype::u8;
  return quantizer.scale_format == nullptr ? Dtype::f32 : dtype_of(*quantizer.scale_format);
}

void add_specs(std::size_t index, const QuantizedOperator& op, OperandRole role,
               std::vector<TensorSpec>& specs) {
  for (TensorSpec& tensor : operand_tensors(index, role, of_role(op.quantization, role),
                                            operand_shape(op.op.gemm, role))) {
    specs.push_back(std::move(tensor));
  }
  specs.push_back(
      {tensor_name(index, role) + ".statistics", Dtype::f64, {kTraceStatistics.size()}});
}

std::string format_text(const OperandQuantization& quantization) {
  if (quantization.quantizer.method != QuantMethod::bitmod) {
    return std::string(quantization.code_format().name);
  }
  std::vector<std::string_view> names;
  for (const Format* candidate : quantization.quantizer.candidates)
    names.push_back(candidate->name);
  return fmt::format("{}", fmt::join(names, "|"));
}

// ---- synthetic operands

std::uint64_t mix(std::uint64_t seed, std::uint64_t index, OperandRole role) {
  // Any injective-looking combination will do; the tensors hash their seed again.
  return seed * 0x9E3779B97F4A7C15ULL + index * 2 + (role == OperandRole::weight ? 1 : 0);
}

RandomTensor values_of(const Operator& op, OperandRole role, std::uint64_t seed) {
  constexpr float kWeightDeviation = 0.02F;
  RandomTensor tensor;
  tensor.seed = seed;
  const bool is_attention = op.operator_class == OperatorClass::attention_qk ||
                            op.operator_class == OperatorClass::attention_pv;
  if (role == OperandRole::weight && !is_attention) {
    tensor.stddev = kWeightDeviation;
  } else if (op.operator_class == OperatorClass::attention_pv && role == OperandRole::activation) {
    tensor.distribution = Distribution::uniform;
    tensor.low = 0;
    tensor.high = 2.0F / static_cast<float>(op.gemm.k);
  } else if (!is_attention ||
             (op.operator_class == OperatorClass::attention_qk && role == OperandRole::weight)) {
    tensor.distribution = Distribution::activations;
  }
  return tensor;
}

// Three standard deviations, times the gain of a channel: its largest magnitude in most texts.
std::vector<float> largest_magnitudes(const RandomTensor& tensor, std::uint64_t channels) {
  std::vector<float> result;
  for (std::uint64_t k = 0; k < channels; ++k) {
    result.push_back(3 * tensor.stddev * channel_gain(tensor, k));
  }
  return result;
}

// Random features are all alike: the first.
ChannelSplit random_features(std::uint64_t features, double fraction) {
  const std::vector<std::vector<double>> salience = {std::vector<double>(features)};
  return split_salient(salience, fraction).front();
}

ChannelSplit synthetic_split(const CalibratedMethod& method, const Operator& op,
                             const RandomTensor& activations) {
  switch (method.split) {
    case SplitMethod::outliers:
      return split_outliers(largest_magnitudes(activations, op.gemm.k), method.threshold);
    case SplitMethod::salient:
      return random_features(op.gemm.n, method.fraction);
    case SplitMethod::blocks:
      return split_blocks(largest_magnitudes(activations, op.gemm.k), method.block, method.ratio);
    case SplitMethod::none:
      break;
  }
  throw InternalError("a split by no method");
}

ChannelSplits synthetic_splits(const Workload& workload, const TraceRequest& request) {
  const QuantizationConfig& config = request.quantization;
  if (config.method_of(OperatorClass::linear).scaling_grid > 0) {
    throw UserError(fmt::format(
        "quantization '{}': AWQ's factors are found by a calibration, in the weights and "
        "activations of a model; these operands are random. The same file without 'scaling' gives "
        "a trace of the same formats, shapes and cycles",
        config.name));
  }
  ChannelSplits splits;
  for (std::size_t i = 0; i < workload.operators.size(); ++i) {
    const Operator& op = workload.operators[i];
    const CalibratedMethod& method = config.method_of(op.operator_class);
    if (!op.is_gemm() || method.split == SplitMethod::none) continue;
    constexpr OperandRole kRole = OperandRole::activation;
    splits[i] = synthetic_split(method, op, values_of(op, kRole, mix(request.seed, i, kRole)));
  }
  return splits;
}

// Rows of a part of an operand with `k` columns: some of the outputs' weights, or some columns of
// both operands.
OperandRows rows_of_part(OperandRows whole, std::uint64_t k, const OperatorPart& part,
                         OperandRole role) {
  using Axis = OperatorPart::Axis;
  if (part.axis == Axis::whole || (part.axis == Axis::outputs && role == OperandRole::activation)) {
    return whole;
  }
  if (part.axis == Axis::outputs) {
    return [=, &part](std::uint64_t row, std::span<float> values) {
      for (; !values.empty(); values = values.subspan(k)) {
        whole(part.channels[row++], values.first(k));
      }
    };
  }
  return
      [=, &part, line = std::vector<float>(k)](std::uint64_t row, std::span<float> values) mutable {
        const std::size_t columns = part.channels.size();
        for (; !values.empty(); values = values.subspan(columns)) {
          whole(row++, line);
          for (std::size_t i = 0; i < columns; ++i) values[i] = line[part.channels[i]];
        }
      };
}

// ---- bytes

template <class Number>
void write_numbers(SafetensorsWriter& writer, const std::string& name,
                   std::span<const Number> numbers) {
  writer.write(name, std::as_bytes(numbers));  // little-endian, as the file is
}

template <class Number, class Make>
void write_parameters(SafetensorsWriter& writer, const std::string& name,
                      const OperandParameters& parameters, Make make) {
  std::vector<Number> numbers;
  numbers.reserve(parameters.groups.size());
  for (const GroupParameters& group : parameters.groups) numbers.push_back(make(group));
  write_numbers<Number>(writer, name, numbers);
}

void write_scales(SafetensorsWriter& writer, const std::string& name, const Quantizer& quantizer,
                  const OperandParameters& parameters) {
  const std::string tensor = name + ".scale";
  switch (dtype_bytes(scale_dtype(quantizer))) {
    case 1:
      return write_parameters<std::uint8_t>(writer, tensor, parameters, [](const auto& g) {
        return static_cast<std::uint8_t>(g.scale_code);
      });
    case 2:
      return write_parameters<std::uint16_t>(writer, tensor, parameters, [](const auto& g) {
        return static_cast<std::uint16_t>(g.scale_code);
      });
    default:
      return write_parameters<std::uint32_t>(writer, tensor, parameters,
                                             [](const auto& g) { return g.scale_code; });
  }
}

void write_statistics(SafetensorsWriter& writer, const std::string& name,
                      const OperandStatistics& seen) {
  const auto count = static_cast<double>(seen.error.count);
  const std::array<double, kTraceStatistics.size()> numbers = {count,
                                                               seen.min,
                                                               seen.max,
                                                               seen.sum_abs / count,
                                                               seen.error.mse(),
                                                               seen.error.sqnr_db(),
                                                               static_cast<double>(seen.zeros)};
  write_numbers<double>(writer, name + ".statistics", numbers);
}

OperandStatistics write_operand(SafetensorsWriter& writer, std::size_t index,
                                const QuantizedOperator& op, OperandRole role,
                                const OperandRows& rows) {
  const OperandQuantization& quantization = of_role(op.quantization, role);
  const Format& format = quantization.code_format();
  const std::string name = tensor_name(index, role);
  std::vector<std::byte> bytes;
  const OperandResult result =
      stream_operand(rows, quantization, operand_shape(op.op.gemm, role),
                     [&](std::span<const std::uint16_t> codes) {
                       bytes.resize(codes.size() * dtype_bytes(dtype_of(format)));
                       codes_to_bytes(format, codes, bytes);
                       writer.write(name, bytes);
                     });
  const QuantMethod method = quantization.quantizer.method;
  const OperandParameters& parameters = result.parameters;
  if (method != QuantMethod::none) {
    write_scales(writer, name, quantization.quantizer, parameters);
  }
  if (method == QuantMethod::zero_point) {
    write_parameters<std::uint16_t>(writer, name + ".zero_point", parameters,
                                    [](const auto& g) { return g.zero_point; });
  }
  if (method == QuantMethod::bitmod) {
    write_parameters<std::uint8_t>(writer, name + ".select", parameters,
                                   [](const auto& g) { return g.select; });
  }
  if (has_two_levels(quantization.quantizer)) {
    write_numbers<float>(writer, name + ".channel_scale", parameters.channel_scales);
  }
  write_statistics(writer, name, result.statistics);
  return result.statistics;
}

// ---- metadata

Json operand_json(const OperandQuantization& operand) {
  const Quantizer& q = operand.quantizer;
  Json json = {{"format", operand.code_format().name}, {"method", method_name(q.method)}};
  if (q.method == QuantMethod::none) return json;
  if (q.method == QuantMethod::mx) json["block"] = q.block->name;
  if (q.method == QuantMethod::bitmod) {
    for (const Format* candidate : q.candidates) json["candidates"].push_back(candidate->name);
  }
  json["granularity"] = word_of(operand.granularity);
  json["along"] = word_of(operand.axis);
  if (operand.granularity == Granularity::group) json["group"] = operand.group;
  if (q.method != QuantMethod::mx) {
    json["scale"] = q.scale_format == nullptr ? "fp32" : q.scale_format->name;
  }
  return json;
}

Json operator_json(const QuantizedOperator& quantized) {
  const Operator& op = quantized.op;
  Json json = {{"name", op.name},
               {"kind", word_of(op.kind)},
               {"repeat", op.repeat},
               {"results", word_of(op.results)}};
  if (!op.is_gemm()) {
    json["elements"] = op.elements;
    return json;
  }
  json.update({{"class", word_of(op.operator_class)},
               {"m", op.gemm.m},
               {"n", op.gemm.n},
               {"k", op.gemm.k},
               {"count", op.count},
               {"activation", operand_json(quantized.quantization.activation)},
               {"weight", operand_json(quantized.quantization.weight)}});
  return json;
}

// Which operands are not synthetic.
std::string operands_text(const std::vector<QuantizedOperator>& operators,
                          const std::vector<std::string>& weights) {
  std::vector<std::string_view> real;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    if (!weights[i].empty()) real.push_back(operators[i].op.name);
  }
  if (real.empty()) return "synthetic, one GEMM of each operator";
  return fmt::format(
      "weights of {} from the model's files, of its first layer; all else "
      "synthetic; one GEMM of each operator",
      fmt::join(real, ", "));
}

TensorMetadata metadata_of(const TraceRequest& request, const std::string& workload,
                           const TensorMetadata& origin,
                           const std::vector<QuantizedOperator>& operators) {
  Json list = Json::array();
  for (const QuantizedOperator& op : operators) list.push_back(operator_json(op));
  TensorMetadata metadata = {
      {"schema", std::string(kTraceSchema)},
      {"version", std::string(version())},
      {"model", request.model.model},
      {"model_source", request.model.source},
      {"workload", workload},
      {"phase", request.phase.phase == Phase::prefill ? "prefill" : "decode"},
      {"quantization", request.quantization.name},
      {"quantization_source", request.quantization.source},
      {"statistics", fmt::format("{}", fmt::join(kTraceStatistics, ","))},
      {"operators", list.dump()}};
  metadata.insert(origin.begin(), origin.end());
  return metadata;
}

// Before hours of writing: doubles, as the sizes may not fit 64 bits.
void require_room(const std::vector<TensorSpec>& specs, const std::filesystem::path& path) {
  double bytes = 0;
  for (const TensorSpec& spec : specs) {
    auto size = static_cast<double>(dtype_bytes(spec.dtype));
    for (const std::uint64_t dimension : spec.shape) size *= static_cast<double>(dimension);
    bytes += size;
  }
  std::error_code unknown;
  const auto space = std::filesystem::space(std::filesystem::absolute(path).parent_path(), unknown);
  if (unknown || bytes < static_cast<double>(space.available)) return;
  throw UserError(
      fmt::format("{}: the trace takes {:.3g} GB, but there are only {:.3g} GB; a shorter "
                  "--seq or a smaller --batch makes it smaller",
                  path.string(), bytes / 1e9, static_cast<double>(space.available) / 1e9));
}

std::vector<TensorSpec> specs_of(const std::vector<QuantizedOperator>& operators,
                                 const std::filesystem::path& path) {
  std::vector<TensorSpec> specs;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    if (!operators[i].op.is_gemm()) continue;
    for (const OperandRole role : kRoles) add_specs(i, operators[i], role, specs);
  }
  require_room(specs, path);
  return specs;
}

}  // namespace

std::string_view word_of(OperandRole role) {
  return role == OperandRole::activation ? "activation" : "weight";
}

std::vector<TensorSpec> operand_tensors(std::size_t op, OperandRole role,
                                        const OperandQuantization& quantization,
                                        const OperandShape& shape) {
  const QuantMethod method = quantization.quantizer.method;
  const std::string name = tensor_name(op, role);
  const std::vector<std::uint64_t> parameters = parameter_shape(quantization, shape);
  std::vector<TensorSpec> specs = {
      {name, dtype_of(quantization.code_format()), {shape.rows, shape.k}}};
  if (method != QuantMethod::none) {
    specs.push_back({name + ".scale", scale_dtype(quantization.quantizer), parameters});
  }
  if (method == QuantMethod::zero_point) {
    specs.push_back({name + ".zero_point", Dtype::u16, parameters});
  }
  if (method == QuantMethod::bitmod) specs.push_back({name + ".select", Dtype::u8, parameters});
  if (has_two_levels(quantization.quantizer)) {
    specs.push_back({name + ".channel_scale", Dtype::f32, {shape.rows}});
  }
  return specs;
}

TraceWriter::TraceWriter(const TraceRequest& request, const std::string& workload,
                         const TensorMetadata& origin, std::vector<QuantizedOperator> operators,
                         const std::filesystem::path& path)
    : operators_(std::move(operators)),
      writer_(path, metadata_of(request, workload, origin, operators_),
              specs_of(operators_, path)) {}

void TraceWriter::write(std::size_t op, OperandRole role, const OperandRows& rows,
                        bool is_synthetic) {
  const QuantizedOperator& quantized = operators_.at(op);
  const OperandShape shape = operand_shape(quantized.op.gemm, role);
  written_.push_back({quantized.op.name, role, format_text(of_role(quantized.quantization, role)),
                      shape.rows, shape.k, write_operand(writer_, op, quantized, role, rows),
                      is_synthetic});
}

std::vector<TracedOperand> TraceWriter::finish() {
  writer_.finish();
  return std::move(written_);
}

std::vector<TracedOperand> write_trace(const TraceRequest& request,
                                       const std::filesystem::path& path) {
  const Workload workload = transformer_workload(request.model, request.phase);
  const std::vector<QuantizedOperator> operators = quantize_operators(
      workload, request.quantization, request.phase, synthetic_splits(workload, request));
  std::vector<std::string> weights(operators.size());  // tensors of the model's files, or ""
  for (std::size_t i = 0; i < operators.size() && request.imported != nullptr; ++i) {
    if (!operators[i].op.is_gemm()) continue;
    weights[i] = weight_of(*request.imported, workload.operators[operators[i].origin]);
  }
  TraceWriter writer(
      request, workload.name,
      {{"operands", operands_text(operators, weights)}, {"seed", std::to_string(request.seed)}},
      operators, path);
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const QuantizedOperator& op = operators[i];
    if (!op.op.is_gemm()) continue;
    const Operator& whole = workload.operators[op.origin];
    for (const OperandRole role : kRoles) {
      if (role == OperandRole::weight && !weights[i].empty()) {
        writer.write(i, role,
                     rows_of_part(rows_of(*request.imported->weights, weights[i]), whole.gemm.k,
                                  op.part, role),
                     false);
        continue;
      }
      const std::uint64_t k = whole.gemm.k;
      const RandomTensor tensor = values_of(whole, role, mix(request.seed, op.origin, role));
      const OperandRows rows = [&](std::uint64_t row, std::span<float> values) {
        fill_tile(tensor, {row, 0, values.size() / k, k}, values);
      };
      writer.write(i, role, rows_of_part(rows, k, op.part, role), true);
    }
  }
  return writer.finish();
}

}  // namespace bitsmith
