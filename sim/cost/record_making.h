// Which records a technology needs for designs, and how one is made and kept.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cost/technology.h"

namespace bitsmith {

// A module of a design, to be synthesised and, where wanted, measured while that design runs; or,
// without a design, a lane of the vector unit.
struct WantedRecord {
  std::shared_ptr<const Design> design;
  RtlDescription::Module module;
  std::string rtl_hash;

  std::string key() const { return key_of_module(module.name, module.parameters); }
  std::vector<RtlDescription::Size> sizes() const {
    return design ? design->rtl().sizes : std::vector<RtlDescription::Size>();
  }
};

WantedRecord vector_lane_wanted();
// The modules of this very design.
std::vector<WantedRecord> modules_of(const std::shared_ptr<const Design>& design);
// What answers for a design at any size: modules without sizes as they are, the others at the small
// sizes that interpolate_sizes() asks for. Sizes that the design refuses are left out.
std::vector<WantedRecord> modules_at_any_size(const std::shared_ptr<const Design>& design);

// The same design with other values of keys of its configuration; null where it refuses them.
std::shared_ptr<const Design> with_sizes(
    const Design& design, const std::vector<std::pair<std::string, std::uint64_t>>& sizes);

// What records made with this library and these options come from. Runs the tools for their
// versions.
TechnologySource source_of(const SynthesisOptions& options, const LibertyLibrary& library,
                           std::optional<std::uint32_t> node_nm);

// Synthesises and, with `energy`, measures (cost/module_characterisation.h). Throws UserError when
// a tool refuses.
ModuleRecord make_record(const WantedRecord& wanted, const SynthesisOptions& options,
                         const LibertyLibrary& library, bool energy);

// Adds a record to a technology's file, which it makes when there is none. Any number of processes
// may do so at once. Throws UserError where the file is of another library, period or node, and
// where the record could not be read again; the file stays as it was then.
void keep_record(const std::filesystem::path& file, const std::string& name,
                 const TechnologySource& source, const ModuleRecord& record);
// What is wrong with adding records of `source` to `technology`; "" when nothing.
std::string why_not_of(const TechnologySource& source, const Technology& technology);

}  // namespace bitsmith
