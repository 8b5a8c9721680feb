#include "inference/design_quantization.h"

#include "mapping/trace_operands.h"

namespace bitsmith {
namespace {

bool is_kept(const Format& format) { return format.name == "fp16" || format.name == "bf16"; }

// A scale per line along k: per token of activations, per output of weights.
OperandQuantization by_lines(const Format& format) {
  OperandQuantization operand;
  operand.quantizer.format = &format;
  if (is_kept(format)) return operand;
  operand.quantizer.method =
      format.kind == FormatKind::codebook ? QuantMethod::absmean : QuantMethod::absmax;
  operand.granularity = Granularity::channel;
  return operand;
}

OperandQuantization stored_by(const WeightConverter& converter) {
  OperandQuantization operand;
  operand.quantizer = {converter.zero_points ? QuantMethod::zero_point : QuantMethod::absmax,
                       converter.stored,
                       {},
                       nullptr,
                       converter.scale_format()};
  operand.granularity = Granularity::group;
  operand.group = converter.group;
  if (converter.scale == ConverterScale::none) operand.granularity = Granularity::channel;
  return operand;
}

std::string text_of(const OperandQuantization& operand) {
  const Quantizer& q = operand.quantizer;
  if (q.method == QuantMethod::none) return std::string(q.format->name);
  std::string text = q.method == QuantMethod::bitmod
                         ? fmt::format("bitmod fp{}", operand.code_format().bits)
                         : fmt::format("{} {}", method_name(q.method), operand.code_format().name);
  text += operand.granularity == Granularity::group ? fmt::format(" per {}", operand.group)
                                                    : " per line";
  return text;
}

}  // namespace

QuantizationConfig quantization_of(const Design& design, const WeightConverter* converter) {
  GemmQuantization of_array;
  of_array.activation = by_lines(design.activation_format());
  of_array.weight =
      design.scale_bits() > 0 ? weight_quantization(design) : by_lines(design.weight_format());
  GemmQuantization stored = of_array;
  if (converter != nullptr) stored.weight = stored_by(*converter);
  for (const OperandQuantization* operand :
       {&of_array.activation, &of_array.weight, &stored.weight}) {
    if (const auto reason = invalid(operand->quantizer)) {
      throw UserError(fmt::format("design {}: no quantizer makes {} weights and {} activations: {}",
                                  design.id(), stored.weight.code_format().name,
                                  design.activation_format().name, *reason));
    }
  }
  QuantizationConfig config;
  config.name =
      fmt::format("{} activations, {} weights", text_of(stored.activation), text_of(stored.weight));
  config.classes.fill(stored);
  if (converter != nullptr && !converter->kv_cache) {
    for (const OperatorClass one : {OperatorClass::attention_qk, OperatorClass::attention_pv}) {
      config.classes.at(static_cast<std::size_t>(one)) = of_array;
    }
  }
  return config;
}

}  // namespace bitsmith
