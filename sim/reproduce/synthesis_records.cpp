#include "reproduce/synthesis_records.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/hash.h"
#include "common/interrupt.h"
#include "common/process.h"

namespace bitsmith::reproduce {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "bitsmith.synthesis_records/1";
constexpr std::size_t kFileLimit = std::size_t{16} << 20;

RtlParameters by_name(RtlParameters parameters) {
  std::sort(parameters.begin(), parameters.end());
  return parameters;
}

Json json_of(const SynthesisRecord& record) {
  Json parameters = Json::object();
  for (const auto& [name, value] : record.parameters) parameters[name] = value;
  return {{"module", record.module},
          {"parameters", parameters},
          {"cells", record.cells},
          {"area_um2", record.area_um2},
          {"sequential_um2", record.sequential_um2},
          {"critical_path_ps", record.critical_path_ps},
          {"rtl_hash", record.rtl_hash},
          {"library", record.library},
          {"liberty_hash", record.liberty_hash},
          {"period_ps", record.period_ps},
          {"yosys", record.yosys},
          {"opensta", record.opensta},
          {"date", record.date}};
}

SynthesisRecord record_of(const Json& json) {
  SynthesisRecord record;
  json.at("module").get_to(record.module);
  for (const auto& [name, value] : json.at("parameters").items()) {
    record.parameters.emplace_back(name, value.get<std::int64_t>());
  }
  record.parameters = by_name(std::move(record.parameters));
  json.at("cells").get_to(record.cells);
  json.at("area_um2").get_to(record.area_um2);
  json.at("sequential_um2").get_to(record.sequential_um2);
  json.at("critical_path_ps").get_to(record.critical_path_ps);
  json.at("rtl_hash").get_to(record.rtl_hash);
  json.at("library").get_to(record.library);
  json.at("liberty_hash").get_to(record.liberty_hash);
  json.at("period_ps").get_to(record.period_ps);
  json.at("yosys").get_to(record.yosys);
  json.at("opensta").get_to(record.opensta);
  json.at("date").get_to(record.date);
  return record;
}

// What all records of one run have in common.
SynthesisRecord provenance(const LibertyLibrary& library, const SynthesisOptions& options) {
  SynthesisRecord record;
  record.library = library.name;
  record.liberty_hash = hash_of_file(options.liberty);
  record.period_ps = options.period_ps;
  record.yosys = first_line_of({"yosys", "-V"});
  record.opensta = first_line_of({"sta", "-version"});
  record.date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  return record;
}

SynthesisRecord make_record(const RtlModule& module, const SynthesisOptions& options,
                            const LibertyLibrary& library, const SynthesisRecord& provenance) {
  const ModuleCost cost = map_module(module, options, library).cost;
  SynthesisRecord record = provenance;
  record.module = module.name;
  record.parameters = by_name(module.parameters);
  record.cells = cost.cells;
  record.area_um2 = cost.area_um2;
  record.sequential_um2 = cost.sequential_um2;
  record.critical_path_ps = cost.critical_path_ps;
  record.rtl_hash = hash_of_rtl(module);
  return record;
}

}  // namespace

SynthesisRecords SynthesisRecords::read(const std::filesystem::path& file) {
  const std::string text = read_file(file, kFileLimit);
  try {
    const Json json = Json::parse(text);
    if (json.at("schema") != kSchema) throw UserError({file.string(), 0, 0}, "another schema");
    SynthesisRecords result;
    for (const Json& record : json.at("records")) result.records_.push_back(record_of(record));
    return result;
  } catch (const Json::exception& error) {
    throw UserError({file.string(), 0, 0},
                    fmt::format("not a file of synthesis records: {}", error.what()));
  }
}

// A record per line: a change shows what changed.
std::string SynthesisRecords::text() const {
  std::string records;
  for (const SynthesisRecord& record : records_) {
    records += (records.empty() ? "\n    " : ",\n    ") + json_of(record).dump();
  }
  return fmt::format("{{\n  \"schema\": \"{}\",\n  \"records\": [{}\n  ]\n}}\n", kSchema, records);
}

std::vector<std::string> SynthesisRecords::libraries() const {
  std::vector<std::string> names = {std::string(kDefaultLibrary)};
  for (const SynthesisRecord& record : records_) {
    if (std::find(names.begin(), names.end(), record.library) == names.end()) {
      names.push_back(record.library);
    }
  }
  return names;
}

const SynthesisRecord* SynthesisRecords::find(const RtlModule& module,
                                              std::string_view library) const {
  const RtlParameters parameters = by_name(module.parameters);
  const auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& record) {
    return record.library == library && record.module == module.name &&
           record.parameters == parameters && !record.rtl_hash.empty();
  });
  return found == records_.end() ? nullptr : &*found;
}

const SynthesisRecord* SynthesisRecords::find_cell(std::string_view library) const {
  const auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& record) {
    return record.library == library && record.rtl_hash.empty();
  });
  return found == records_.end() ? nullptr : &*found;
}

void SynthesisRecords::replace_library(std::vector<SynthesisRecord> made) {
  check(!made.empty(), "no records to put in the place of others");
  const std::string library = made.front().library;
  const auto first =
      std::find_if(records_.begin(), records_.end(),
                   [&](const SynthesisRecord& record) { return record.library == library; });
  const auto place = first - records_.begin();
  std::erase_if(records_, [&](const SynthesisRecord& record) { return record.library == library; });
  records_.insert(records_.begin() + place, std::make_move_iterator(made.begin()),
                  std::make_move_iterator(made.end()));
}

std::vector<RtlModule> modules_of(const std::vector<std::unique_ptr<const Design>>& designs,
                                  const std::vector<std::string>& without) {
  std::vector<RtlModule> modules;
  for (const auto& design : designs) {
    for (const RtlDescription::Module& of_design : design->rtl().modules) {
      RtlModule module = rtl_module(*design, of_design);
      module.parameters = by_name(std::move(module.parameters));
      const auto is_same = [&](const RtlModule& other) {
        return other.name == module.name && other.parameters == module.parameters;
      };
      if (std::find(without.begin(), without.end(), module.name) != without.end()) continue;
      if (std::any_of(modules.begin(), modules.end(), is_same)) continue;
      modules.push_back(std::move(module));
    }
  }
  return modules;
}

SynthesisRecord cell_record(const std::string& cell, const SynthesisOptions& options) {
  const LibertyLibrary library = read_liberty(options.liberty);
  const auto found = library.cells.find(cell);
  if (found == library.cells.end()) {
    throw UserError({options.liberty.string(), 0, 0}, fmt::format("has no cell '{}'", cell));
  }
  SynthesisRecord record = provenance(library, options);
  record.module = cell;
  record.cells = 1;
  record.area_um2 = found->second.area_um2;
  return record;
}

std::vector<SynthesisRecord> make_records(const std::vector<RtlModule>& modules,
                                          const SynthesisOptions& options,
                                          const SynthesisProgress& progress) {
  const LibertyLibrary library = read_liberty(options.liberty);
  const SynthesisRecord common = provenance(library, options);
  std::vector<SynthesisRecord> records(modules.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex reporting;
  std::size_t done = 0;
  const auto work = [&] {
    while (!failed && !interrupted()) {
      const std::size_t index = next++;
      if (index >= modules.size()) return;
      try {
        records[index] = make_record(modules[index], options, library, common);
      } catch (...) {
        failed = true;
        throw;
      }
      const std::scoped_lock lock(reporting);
      progress(++done, records.size(), records[index]);
    }
  };
  std::future<void> other = std::async(std::launch::async, work);
  std::exception_ptr mistake;
  try {
    work();
  } catch (...) {
    mistake = std::current_exception();
  }
  other.wait();
  throw_if_interrupted();
  if (mistake) std::rethrow_exception(mistake);
  other.get();
  return records;
}

}  // namespace bitsmith::reproduce
