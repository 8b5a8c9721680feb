#include "inference/held_weights.h"

#include <algorithm>
#include <utility>

#include "common/error.h"

namespace bitsmith {

HeldWeights::HeldWeights(std::string name, const Operator& gemm, GemmQuantization quantization,
                         QuantizedMatrix weights)
    : workload_{std::move(name), {gemm}},
      quantization_(std::move(quantization)),
      weights_(std::move(weights)) {}

const OperandQuantization& HeldWeights::quantization(std::size_t op, OperandRole role) const {
  check(op == 0, "there is one operator");
  return role == OperandRole::weight ? quantization_.weight : quantization_.activation;
}

void HeldWeights::read(std::size_t /*op*/, OperandRole role, std::uint64_t row, std::uint64_t k,
                       std::span<std::uint16_t> out) const {
  const OperandShape& shape = weights_.shape;
  check(role == OperandRole::weight && row < shape.rows && k + out.size() <= shape.k,
        "codes beyond the weights");
  std::copy_n(weights_.codes.data() + row * shape.k + k, out.size(), out.data());
}

std::span<const GroupParameters> HeldWeights::groups(OperandRole role, std::uint64_t row,
                                                     std::uint64_t group, std::size_t count) const {
  check(role == OperandRole::weight, "parameters beyond the weights");
  const OperandParameters& all = weights_.parameters;
  if (all.shape.size() == 1) return all.groups;
  check(quantization_.weight.axis == LineAxis::along_k && group + count <= all.shape[1],
        "groups beyond the weights");
  return std::span(all.groups).subspan(row * all.shape[1] + group, count);
}

void HeldWeights::read_scales(std::size_t /*op*/, OperandRole role, std::uint64_t row,
                              std::uint64_t group, std::span<std::uint16_t> out) const {
  std::ranges::transform(groups(role, row, group, out.size()), out.begin(),
                         [](const auto& g) { return static_cast<std::uint16_t>(g.scale_code); });
}

void HeldWeights::read_selects(std::size_t /*op*/, OperandRole role, std::uint64_t row,
                               std::uint64_t group, std::span<std::uint16_t> out) const {
  std::ranges::transform(groups(role, row, group, out.size()), out.begin(),
                         &GroupParameters::select);
}

void HeldWeights::read_zero_points(std::size_t /*op*/, OperandRole role, std::uint64_t row,
                                   std::uint64_t group, std::span<std::uint16_t> out) const {
  std::ranges::transform(groups(role, row, group, out.size()), out.begin(),
                         &GroupParameters::zero_point);
}

}  // namespace bitsmith
