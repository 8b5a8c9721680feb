// Which records a technology needs for designs, and how one is made and kept.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cost/module_characterisation.h"
#include "cost/technology.h"

namespace bitsmith {

// A module of a design, to be synthesised and, where wanted, measured while that design runs; or,
// without a design, a lane of the vector unit.
struct WantedRecord {
  std::shared_ptr<const Design> design;
  RtlDescription::Module module;
  std::string rtl_hash;

  std::string key() const { return key_of_record(module.name, module.parameters, module.operands); }
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

// Records to be measured in one array, whose modules are then recorded together.
struct RecordGroup {
  std::shared_ptr<const Design> array;  // none: nothing of an array is recorded
  std::vector<WantedRecord> wanted;

  // Null without an array.
  std::unique_ptr<RecordedArray> recorded() const;
};
// In the order of their first ones.
std::vector<RecordGroup> grouped_by_array(std::vector<WantedRecord> wanted);

// A record's module up to where libraries differ, each step done once and when first asked for.
class PreparedModule {
 public:
  // `wanted` must outlive this.
  explicit PreparedModule(const WantedRecord& wanted) : wanted_(wanted) {}

  const WantedRecord& wanted() const { return wanted_; }
  // Throw UserError when a tool refuses the module; again when asked again, without another try.
  const GenericNetlist& netlist();
  const WordCells& words();

 private:
  RtlModule rtl() const;

  const WantedRecord& wanted_;
  std::exception_ptr failure_;
  std::optional<GenericNetlist> netlist_;
  std::optional<WordCells> words_;
};

// Synthesises and, with a recording of its array, measures. A lane of the vector unit, which is in
// no array, is always measured. Throws UserError when a tool refuses.
ModuleRecord make_record(PreparedModule& module, const SynthesisOptions& options,
                         const LibertyLibrary& library, RecordedArray* recorded);

// Adds a record to a technology's file, which it makes when there is none. Any number of processes
// may do so at once. Throws UserError where the file is of another library, period or node, and
// where the record could not be read again; the file stays as it was then.
void keep_record(const std::filesystem::path& file, const std::string& name,
                 const TechnologySource& source, const ModuleRecord& record);
// What is wrong with adding records of `source` to `technology`; "" when nothing.
std::string why_not_of(const TechnologySource& source, const Technology& technology);

}  // namespace bitsmith
