#include "reproduce/lut_tensor_core.h"

#include "common/file.h"
#include "config/parameter_table.h"
#include "cost/liberty.h"
#include "pe/registry.h"
#include "reproduce/lut_tensor_core_points.h"

namespace bitsmith::reproduce::lut_tensor_core {
namespace {

ParameterTable<Claims> claim_table() {
  using T = Claims;
  constexpr NumberRange kRatio{0.01, 1000};
  constexpr NumberRange kBits{0, 16};
  constexpr NumberRange kPercent{0, 1000};
  ParameterTable<T> t;
  t.text("source", &T::source, "where the numbers are published").required();
  const auto density = [&](const char* name, double T::*member) {
    t.number(name, member, kRatio, "", "compute density over UNPU's").required();
  };
  density("density_reinterpretation", &T::density_reinterpretation);
  density("density_negation", &T::density_negation);
  density("density_lut_tensor_core", &T::density_lut_tensor_core);
  const auto efficiency = [&](const char* name, double T::*member) {
    t.number(name, member, kRatio, "", "energy efficiency over UNPU's").required();
  };
  efficiency("efficiency_reinterpretation", &T::efficiency_reinterpretation);
  efficiency("efficiency_negation", &T::efficiency_negation);
  efficiency("efficiency_lut_tensor_core", &T::efficiency_lut_tensor_core);
  const auto dp4 = [&](const char* name, double T::*member) {
    t.number(name, member, kRatio, "TFLOPs/mm2", "of a unit of four products").required();
  };
  dp4("dp4_lut_tflops_per_mm2", &T::dp4_lut_tflops_per_mm2);
  dp4("dp4_mac_tflops_per_mm2", &T::dp4_mac_tflops_per_mm2);
  const auto widest = [&](const char* name, double T::*member) {
    t.number(name, member, kBits, "bits", "weights up to which it is smaller than multipliers")
        .required();
  };
  widest("widest_lut", &T::widest_lut);
  widest("widest_conventional_lut", &T::widest_conventional_lut);
  widest("widest_add", &T::widest_add);
  const auto percent = [&](const char* name, double T::*member) {
    t.number(name, member, kPercent, "%", "what making the tables adds").required();
  };
  percent("precompute_percent", &T::precompute_percent);
  percent("precompute_percent_second", &T::precompute_percent_second);
  percent("fused_precompute_percent", &T::fused_precompute_percent);
  percent("fused_precompute_percent_second", &T::fused_precompute_percent_second);
  return t;
}

std::vector<std::unique_ptr<const Design>> designs_of(const std::vector<Point>& points) {
  std::vector<std::unique_ptr<const Design>> designs;
  for (const Point& point : points) designs.push_back(design_of(point));
  return designs;
}

bool is_xnor(const LibertyCell& cell) {
  if (cell.dont_use || cell.sequential) return false;
  const BooleanFunction* function = nullptr;
  for (const LibertyPin& pin : cell.pins) {
    if (pin.is_input) continue;
    if (function != nullptr || !pin.function) return false;
    function = &*pin.function;
  }
  if (function == nullptr || function->variables().size() != 2) return false;
  for (const bool first : {false, true}) {
    for (const bool second : {false, true}) {
      const auto value = [&](const std::string& name) {
        return name == function->variables().front() ? first : second;
      };
      if (function->evaluate(value) != (first == second)) return false;
    }
  }
  return true;
}

std::string smallest_xnor(const LibertyLibrary& library) {
  const LibertyCell* best = nullptr;
  for (const auto& [name, cell] : library.cells) {
    if (is_xnor(cell) && (best == nullptr || cell.area_um2 < best->area_um2)) best = &cell;
  }
  if (best == nullptr) {
    throw UserError(fmt::format("library '{}' has no gate that is the XNOR of two", library.name));
  }
  return best->name;
}

}  // namespace

Claims read_claims(const YamlNode& root, Diagnostics& diagnostics) {
  return claim_table().read(root, diagnostics);
}

Claims load_claims() {
  Diagnostics diagnostics;
  const YamlNode root =
      yaml::read(home_folder() / "configs/papers/lut_tensor_core.yaml", diagnostics);
  Claims claims = read_claims(root, diagnostics);
  diagnostics.throw_if_any();
  return claims;
}

std::filesystem::path records_file() {
  return home_folder() / "configs/papers/lut_tensor_core_synthesis.json";
}

std::unique_ptr<const Design> design_of(const Point& point) {
  const std::string text = fmt::format(
      "design: lut_tensor_core\nm: {}\nn: {}\nk: {}\nengine: {}\nactivation: {}\nweight: {}\n"
      "table: {}\nprecompute: {}\ngroup: {}\n",
      point.m, point.n, point.k, point.engine, point.activation, point.weight, point.table,
      point.precompute, kGroup / point.k * point.k);
  Diagnostics diagnostics;
  auto design = read_design(yaml::parse(text, "a point of the paper", diagnostics), diagnostics);
  diagnostics.throw_if_any();
  return design;
}

std::vector<std::unique_ptr<const Design>> all_designs() { return designs_of(all_points()); }

std::vector<std::unique_ptr<const Design>> ablation_designs() {
  return designs_of(ablation_points());
}

std::vector<RtlModule> recorded_modules(const std::vector<std::unique_ptr<const Design>>& designs) {
  return modules_of(designs, {std::string(kEdge)});
}

std::vector<SynthesisRecord> synthesise_all(const SynthesisOptions& options,
                                            const SynthesisProgress& progress) {
  const LibertyLibrary library = read_liberty(options.liberty);
  const std::string gate = smallest_xnor(library);
  const auto designs = library.name == kDefaultLibrary ? all_designs() : ablation_designs();
  std::vector<SynthesisRecord> records = make_records(recorded_modules(designs), options, progress);
  records.push_back(cell_record(gate, options));
  return records;
}

}  // namespace bitsmith::reproduce::lut_tensor_core
