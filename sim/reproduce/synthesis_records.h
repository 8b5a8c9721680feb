// Areas of modules, synthesised once in one or more cell libraries and kept in a file of the
// product, so that a table of many arrays prints at once, without Yosys and without the libraries.
// A record holds for the RTL it was made from: its hash says whether that is still the RTL in the
// tree.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cost/synthesis.h"
#include "pe/design.h"

namespace bitsmith::reproduce {

// Of default_liberty(), the library that everyone has: what a table is about where nothing else is
// said.
inline constexpr std::string_view kDefaultLibrary = "osu018_stdcells";

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
  // Names of cell libraries: the default one, if there are records or not, then all others in the
  // order of their first records.
  std::vector<std::string> libraries() const;
  // Null when there is none, of whatever RTL.
  const SynthesisRecord* find(const RtlModule& module, std::string_view library) const;
  // The one of a library's own cell (cell_record), null when there is none.
  const SynthesisRecord* find_cell(std::string_view library) const;
  // Puts `made`, all of one library, in the place of whatever there is of it.
  void replace_library(std::vector<SynthesisRecord> made);

 private:
  std::vector<SynthesisRecord> records_;
};

// Modules of designs, every one once, whatever designs it is in, but for those named in `without`.
std::vector<RtlModule> modules_of(const std::vector<std::unique_ptr<const Design>>& designs,
                                  const std::vector<std::string>& without);

// Of a library's cell, as if it were a module: no RTL, no parameters, no critical path.
SynthesisRecord cell_record(const std::string& cell, const SynthesisOptions& options);
// Two modules at a time. `progress` is told, one call at a time, what has been done and how many
// there are.
using SynthesisProgress =
    std::function<void(std::size_t done, std::size_t all, const SynthesisRecord& record)>;
std::vector<SynthesisRecord> make_records(const std::vector<RtlModule>& modules,
                                          const SynthesisOptions& options,
                                          const SynthesisProgress& progress);

}  // namespace bitsmith::reproduce
