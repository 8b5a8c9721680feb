// Traces: the operators of a model's pass with quantized operands, in one safetensors file.
//
// Tensors of GEMM number i (its place in the list of operators), x = activation [m, k] or weight
// [n, k]; of an operator's `count` and `repeat` equal GEMMs the file holds one:
// clang-format off
//   <i>.<x>                codes, in the natural type of their format or one per U8 or U16
//   <i>.<x>.scale          as it is stored: F32, F16, BF16, or codes of e8m0, int8, uint8
//   <i>.<x>.zero_point     U16, method zero_point: a code of the format
//   <i>.<x>.select         U8, method bitmod: index of the candidate
//   <i>.<x>.channel_scale  F32 [rows], scales of two levels
//   <i>.<x>.statistics     F64: kTraceStatistics
// clang-format on
// Shapes of scales are those of OperandParameters. The metadata say the rest: schema, version,
// model, phase, quantization, seed, and "operators", a JSON list of all operators in order with
// shapes, kinds and formats. The same request gives the same bytes.
//
// Weights are those of the first layer where the request brings a model with files along
// (workload/operator_weights.h says which). All other operands are synthetic
// (numerics/random_tensor.h): activations and keys with outlier channels, weights normal with
// standard deviation 0.02, queries and values normal, attention probabilities uniform with the mean
// of a row that sums to 1. "operands" in the metadata says which are real: all are in a trace that
// is recorded (inference/recorded_trace.h), where every operator stands for itself.
//
// The parts of a GEMM that is split (quantized_operator.h) are parts of the same tensors. What a
// calibration would find is known of synthetic activations: the largest magnitude of a channel
// counts as three standard deviations times its gain. Salient features are those of a ranking where
// all are equal: each GEMM gives the first of its own. AWQ is refused with a UserError: random
// operands have nothing to search.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workload/imported_model.h"
#include "workload/operand_stream.h"
#include "workload/quantized_operands.h"
#include "workload/quantized_operator.h"
#include "workload/safetensors.h"
#include "workload/transformer.h"

namespace bitsmith {

inline constexpr std::string_view kTraceSchema = "bitsmith.trace/1";
inline constexpr std::array<std::string_view, 7> kTraceStatistics = {
    "count", "min", "max", "mean_abs", "mse", "sqnr_db", "zeros"};

struct TraceRequest {
  Transformer model;
  PhaseOptions phase;
  QuantizationConfig quantization;
  std::uint64_t seed = 1;
  const ImportedModel* imported = nullptr;  // where weights come from; null: all are synthetic
};

// What was written of one operand.
struct TracedOperand {
  std::string operator_name;
  OperandRole role;
  std::string format;
  std::uint64_t rows;
  std::uint64_t k;
  OperandStatistics statistics;
  bool is_synthetic;
};

// Writes the operands of a list of operators. Nothing is at `path` until all is written. Memory: a
// row of a tensor, its scales, and what stream_operand() holds.
class TraceWriter {
 public:
  // `origin`: metadata that say where the operands come from. Throws UserError when the disk has
  // not the room.
  TraceWriter(const TraceRequest& request, const std::string& workload,
              const TensorMetadata& origin, std::vector<QuantizedOperator> operators,
              const std::filesystem::path& path);

  const std::vector<QuantizedOperator>& operators() const { return operators_; }
  // All GEMMs in order, of each the activations, then the weights.
  void write(std::size_t op, OperandRole role, const OperandRows& rows, bool is_synthetic);
  // Once, after the last.
  std::vector<TracedOperand> finish();

 private:
  std::vector<QuantizedOperator> operators_;
  SafetensorsWriter writer_;
  std::vector<TracedOperand> written_;
};

// The operands of a model's pass, one GEMM of each operator.
std::vector<TracedOperand> write_trace(const TraceRequest& request,
                                       const std::filesystem::path& path);

// What the header of a trace says.
struct TraceContents {
  Workload workload;
  std::vector<std::optional<GemmQuantization>> quantization;  // by operator; of GEMMs only
};

// Checks a trace against itself: every GEMM has both operands with their scales, of the shapes and
// types that its description asks for. Throws UserError, located in `name`.
TraceContents parse_trace(const SafetensorsHeader& header, const std::string& name);

class Trace final : public QuantizedOperands {
 public:
  // Throws what SafetensorsFile and parse_trace() throw.
  explicit Trace(const std::filesystem::path& path);

  const Workload& workload() const override { return contents_.workload; }
  std::string name() const override { return path_.string(); }
  // Of operator `op`, a GEMM.
  const OperandQuantization& quantization(std::size_t op, OperandRole role) const override;
  void read(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t k,
            std::span<std::uint16_t> out) const override;
  void read_scales(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                   std::span<std::uint16_t> out) const override;
  void read_selects(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                    std::span<std::uint16_t> out) const override;
  void read_zero_points(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                        std::span<std::uint16_t> out) const override;

 private:
  std::uint64_t first_parameter(std::size_t op, OperandRole role, std::uint64_t row,
                                std::uint64_t group, std::size_t groups) const;
  void read_codes(const std::string& tensor, const Format& format, std::uint64_t first,
                  std::span<std::uint16_t> out) const;

  std::filesystem::path path_;
  SafetensorsFile file_;
  TraceContents contents_;
};

}  // namespace bitsmith
