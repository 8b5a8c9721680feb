// A technology: what synthesis and gate-level simulation in one library said of the modules of
// designs. Files of configs/tech hold such records; the library itself stays where it is.
//
// A record is that of a module under its parameters and its design's operands, and counts only for
// the RTL and the method (kRecordMethod) it was made from: where either has changed since it is
// stale, and never used. Where there is none of a design's own operands, one of others answers:
// its area is right, its energy theirs.
// Modules whose parameters are sizes of the array are answered at any size from records of a few
// small ones (cost/size_fit.h); a record of the very size wins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "cost/module_record.h"
#include "pe/design.h"

namespace bitsmith {

// Where all records of a technology come from.
struct TechnologySource {
  std::string library;       // as its Liberty file calls itself
  std::string liberty_hash;  // of that file's contents
  double voltage = 0;
  std::optional<std::uint32_t> node_nm;  // none: not told
  double target_period_ps = 0;           // what gates were sized for
  std::string yosys, opensta, iverilog;  // of the last record; each has its own (RecordTools)
  std::string date;                      // of the last record, YYYY-MM-DD

  RecordTools tools() const { return {kRecordMethod, yosys, opensta, iverilog, date}; }
  bool operator==(const TechnologySource&) const = default;
};

// Held-out relative errors of what was not measured itself; none where nothing could be held out.
struct HeldOutError {
  std::optional<double> area, leakage, energy;
};

// What a technology knows of a module.
struct ModuleFigures {
  enum class Origin {
    measured,      // the record of that module
    interpolated,  // fitted, within the sizes that were measured
    extrapolated,  // fitted, beyond them
    estimated,     // by a component model, where the user allows it
    stale,         // there are records, all of other RTL or method: nothing is known
    absent,
  };
  Origin origin = Origin::absent;
  ModuleRecord record;          // meaningful when known(); its cost has the module's instances
  HeldOutError held_out;        // of a fit or estimate
  bool other_operands = false;  // the record's, not the design's own: its energy is theirs

  bool known() const { return origin != Origin::stale && origin != Origin::absent; }
};

class Technology {
 public:
  std::string name;
  TechnologySource source;

  // In place of what was known of that module before.
  void add(ModuleRecord record);
  // Adds those of `other`; where both are of the same RTL, ours stays.
  void merge(const Technology& other);
  // The record of this very module, operands, RTL and method, or null.
  const ModuleRecord* record(const RtlDescription::Module& module, std::string_view rtl_hash) const;
  // `sizes` as the design's RtlDescription has them.
  ModuleFigures find(const RtlDescription::Module& module, std::string_view rtl_hash,
                     const std::vector<RtlDescription::Size>& sizes) const;
  std::size_t records() const { return records_.size(); }
  // By key_of_record(). Several of a key are of different RTL.
  const std::multimap<std::string, ModuleRecord>& by_key() const { return records_; }

 private:
  // Under these operands alone.
  ModuleFigures find_own(const RtlDescription::Module& module, std::string_view rtl_hash,
                         const std::vector<RtlDescription::Size>& sizes) const;

  std::multimap<std::string, ModuleRecord> records_;
};

// How many of `wanted` have another value in `others`, or none.
std::size_t different_parameters(const RtlParameters& wanted, const RtlParameters& others);

// "systolic_os_pe ABits=8 AccBits=32": parameters by name, whatever their order was.
std::string key_of_module(const std::string& module, const RtlParameters& parameters);
// "systolic_os_pe ABits=8 AccBits=32 (int8 x int8)".
std::string key_of_record(const std::string& module, const RtlParameters& parameters,
                          const std::string& operands);
// The YAML of a technology, records by their keys, so that a new record changes only its own lines.
std::string technology_text(const Technology& technology);
// Throws UserError with all mistakes, located.
Technology parse_technology(std::string_view text, const std::string& file);
// Named after its file.
Technology read_technology(const std::filesystem::path& file);
// Only records of `modules`, in a small part of the time; mistakes in others are not seen.
using ModuleNames = std::set<std::string>;
Technology read_technology(const std::filesystem::path& file, const ModuleNames& modules);
// Throws UserError where a file with this record could not be read again.
void check_record(const TechnologySource& source, const ModuleRecord& record);
void write_technology(const Technology& technology, const std::filesystem::path& file);

// The file of a technology: `name` itself where it has a slash, else configs/tech/NAME.yaml.
std::filesystem::path technology_file(const std::string& name);
// Records that users made of a library at that period, beside those of its technology's file:
// in the cache folder, by the contents of the library.
std::filesystem::path cached_records_file(const TechnologySource& source);
// Names of configs/tech.
std::vector<std::string> technology_names();
// The file and the cached records of its library. Throws UserError listing names when there is no
// such file.
Technology load_technology(const std::string& name);
Technology load_technology(const std::string& name, const ModuleNames& modules);

class ComponentModel;  // cost/estimate.h

// Technologies and hashes of RTL, each read once: a sweep asks at every point. Any number of
// threads may ask.
class TechnologyShelf {
 public:
  // Throw what load_technology() throws.
  const Technology& technology(const std::string& name);
  const Technology& technology(const std::string& name, const ModuleNames& modules);
  const std::string& rtl_hash(const Design& design);
  // Of a lane of the vector unit.
  const std::string& rtl_hash_of_vector_lane();
  // Figures of a module without a record by the technology's component model (cost/estimate.h).
  // Throws UserError when it has too few records for one, or Yosys refuses the module.
  ModuleFigures estimate(const std::string& name, const Design& design,
                         const RtlDescription::Module& module);
  // Of all that figures of a design and a vector unit in a technology depend on, but parameters.
  std::string content_hash(const std::string& name, const Design& design);

 private:
  const ComponentModel& component_model(const std::string& name);

  std::mutex mutex_;
  std::map<std::string, Technology> technologies_;
  std::map<std::pair<std::string, ModuleNames>, Technology> technologies_of_modules_;
  std::map<std::string, std::shared_ptr<const ComponentModel>> component_models_;
  std::map<std::string, std::string> hashes_;
  std::map<std::pair<std::string, std::string>, ModuleFigures> estimates_;  // of one instance
  std::map<std::vector<std::string>, std::string> rtl_hashes_;              // by sources
  std::string vector_lane_hash_;
};
TechnologyShelf& shipped_technologies();

}  // namespace bitsmith
