// What LUT Tensor Core (ISCA 2025) claims of area and energy, read from
// configs/papers/lut_tensor_core.yaml, beside what synthesis of our own RTL gives
// (configs/papers/lut_tensor_core_synthesis.json) and the records of technologies (unit_energy.h):
// ratios alone, since the technologies differ. Areas all in the default library, those of the
// ablation in whatever others there are records of; energies of the ablation alone.
//
// Two figures of every array: its tables and lanes (with the sum lanes of rows, and the XNOR gates
// of lut_negate, which sit in its columns), and these with the columns: weight registers, zero
// points, scales and open sums. The edge, with its channel buffers and controller, is in neither.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "reproduce/cost_row.h"
#include "reproduce/synthesis_records.h"
#include "reproduce/unit_energy.h"

namespace bitsmith::reproduce::lut_tensor_core {

struct Claims {
  std::string source;
  double density_reinterpretation = 0;
  double density_negation = 0;
  double density_lut_tensor_core = 0;
  double efficiency_reinterpretation = 0;
  double efficiency_negation = 0;
  double efficiency_lut_tensor_core = 0;
  double dp4_lut_tflops_per_mm2 = 0;
  double dp4_mac_tflops_per_mm2 = 0;
  double widest_lut = 0;
  double widest_conventional_lut = 0;
  double widest_add = 0;
  double precompute_percent = 0;
  double precompute_percent_second = 0;
  double fused_precompute_percent = 0;
  double fused_precompute_percent_second = 0;
};
// Meaningful only if nothing was added to `diagnostics`.
Claims read_claims(const YamlNode& root, Diagnostics& diagnostics);
// The shipped ones.
Claims load_claims();

// What makes the records anew.
inline constexpr std::string_view kCommand =
    "scripts/bitsmith reproduce lut-tensor-core --synthesise";
std::filesystem::path records_file();

// One array of a single unit of m x n lanes.
struct Point {
  std::uint32_t m = 2;
  std::uint32_t n = 64;
  std::uint32_t k = 4;
  std::string_view engine = "lut";
  std::string_view activation = "int8";
  std::string_view weight = "int2";
  std::string_view table = "full";
  std::string_view precompute = "unit";
};
std::unique_ptr<const Design> design_of(const Point& point);
// All that the rows ask of the default library, or of another one, and the modules of these arrays
// that have a record.
std::vector<std::unique_ptr<const Design>> all_designs();
std::vector<std::unique_ptr<const Design>> ablation_designs();
std::vector<RtlModule> recorded_modules(const std::vector<std::unique_ptr<const Design>>& designs);
// The records of all of them in one library, and of the one gate that is counted by itself.
std::vector<SynthesisRecord> synthesise_all(const SynthesisOptions& options,
                                            const SynthesisProgress& progress);

// Ours is of tables and lanes, `with_columns` of these and the columns.
using Row = CostRow;
std::vector<Row> rows(const Claims& claims, const SynthesisRecords& records);
// The ablation in every technology; the claims alone where there is none.
std::vector<Row> energy_rows(const Claims& claims, const std::vector<Technology>& technologies);

}  // namespace bitsmith::reproduce::lut_tensor_core
