// Areas of modules, synthesised once and kept in a file of the product, so that a table of many
// arrays prints at once and without Yosys. A record holds for the RTL it was made from: its hash
// says whether that is still the RTL in the tree.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cost/synthesis.h"
#include "pe/design.h"

namespace bitsmith::reproduce {

struct SynthesisRecord {
  std::string module;
  RtlParameters parameters;  // by name
  // Of one instance:
  std::uint64_t cells = 0;
  double area_um2 = 0;
  double sequential_um2 = 0;
  double critical_path_ps = 0;
  // Where it comes from:
  std::string rtl_hash;  // hash_of_rtl
  std::string library;
  std::string liberty_hash;
  double period_ps = 0;
  std::string yosys;
  std::string opensta;
  std::string date;

  bool operator==(const SynthesisRecord&) const = default;
};

class SynthesisRecords {
 public:
  SynthesisRecords() = default;
  explicit SynthesisRecords(std::vector<SynthesisRecord> records) : records_(std::move(records)) {}
  // Throws UserError when the file is missing or is none of text().
  static SynthesisRecords read(const std::filesystem::path& file);
  std::string text() const;

  const std::vector<SynthesisRecord>& all() const { return records_; }
  // Null when there is none, of whatever RTL.
  const SynthesisRecord* find(const RtlDescription::Module& module) const;

 private:
  std::vector<SynthesisRecord> records_;
};

// A module of a design.
struct SynthesisTask {
  const Design* design = nullptr;
  RtlDescription::Module module;
};
// Every module once, whatever designs it is in, but for those named in `without`.
std::vector<SynthesisTask> synthesis_tasks(
    const std::vector<std::unique_ptr<const Design>>& designs,
    const std::vector<std::string>& without);

// Of a library's cell, as if it were a module: no RTL, no parameters, no critical path.
SynthesisRecord cell_record(const std::string& cell, const SynthesisOptions& options);
SynthesisRecord make_record(const SynthesisTask& task, const SynthesisOptions& options);
// Two modules at a time. `progress` is told, one call at a time, what has been done and how many
// there are.
std::vector<SynthesisRecord> make_records(
    const std::vector<SynthesisTask>& tasks, const SynthesisOptions& options,
    const std::function<void(std::size_t, const SynthesisRecord&)>& progress);

}  // namespace bitsmith::reproduce
