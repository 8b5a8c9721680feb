#include "mapping/trace_operands.h"

#include "common/error.h"
#include "numerics/conversion.h"

namespace bitsmith {

TraceOperands::TraceOperands(const Trace& trace, const Design& design, bool skip_others)
    : trace_(trace), conversions_(trace.workload().operators.size()) {
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < conversions_.size(); ++i) {
    const Operator& op = trace.workload().operators[i];
    if (!op.is_gemm()) continue;
    const Format& a = trace.format(i, OperandRole::activation);
    const Format& w = trace.format(i, OperandRole::weight);
    if (trace.is_mixture(i, OperandRole::activation) || trace.is_mixture(i, OperandRole::weight)) {
      problems.push_back(
          fmt::format("operator '{}': every group has a format of its own (BitMoD), "
                      "which this design does not decode",
                      op.name));
      continue;
    }
    const auto a_codes = exact_conversion(a, design.activation_format());
    const auto w_codes = exact_conversion(w, design.weight_format());
    if (a_codes && w_codes) {
      gemms_.push_back(i);
      conversions_[i] = {*a_codes, *w_codes};
      continue;
    }
    problems.push_back(fmt::format(
        "operator '{}': {} activations and {} weights do not fit the design's {} and {} exactly",
        op.name, a.name, w.name, design.activation_format().name, design.weight_format().name));
  }
  if (!problems.empty() && (!skip_others || gemms_.empty())) throw UserError(problems);
}

void TraceOperands::read_a(std::size_t op, std::uint64_t m0, std::uint64_t m, std::uint64_t k0,
                           std::uint64_t k, std::span<std::uint16_t> codes) const {
  const std::vector<std::uint16_t>& to = conversions_.at(op).a;
  for (std::uint64_t row = 0; row < m; ++row) {
    const std::span out = codes.subspan(row * k, k);
    trace_.read(op, OperandRole::activation, m0 + row, k0, out);
    for (std::uint16_t& code : out) code = to[code];
  }
}

void TraceOperands::read_w(std::size_t op, std::uint64_t k0, std::uint64_t k, std::uint64_t n0,
                           std::uint64_t n, std::span<std::uint16_t> codes) const {
  const std::vector<std::uint16_t>& to = conversions_.at(op).w;
  std::vector<std::uint16_t> column(k);
  for (std::uint64_t col = 0; col < n; ++col) {
    trace_.read(op, OperandRole::weight, n0 + col, k0, column);
    for (std::uint64_t i = 0; i < k; ++i) codes[i * n + col] = to[column[i]];
  }
}

OperandTile TraceOperands::tile(std::size_t op, std::uint64_t m0, std::uint32_t m, std::uint64_t n0,
                                std::uint32_t n, std::uint64_t k0, std::uint64_t k) const {
  OperandTile tile{std::vector<std::uint16_t>(m * k), std::vector<std::uint16_t>(k * n)};
  read_a(op, m0, m, k0, k, tile.a);
  read_w(op, k0, k, n0, n, tile.w);
  return tile;
}

}  // namespace bitsmith
