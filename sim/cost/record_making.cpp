#include "cost/record_making.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <cstring>
#include <ctime>
#include <map>
#include <set>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/process.h"
#include "cost/size_fit.h"
#include "cost/vector_cost.h"
#include "cost/vector_lane.h"
#include "pe/registry.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

// In steps of a size. Six points for the five terms of two sizes, four different ones for the three
// terms of one, so that one is left to be held out.
constexpr std::array<std::array<std::uint64_t, 2>, 6> kSizes = {
    {{2, 2}, {4, 2}, {8, 2}, {2, 4}, {2, 8}, {6, 6}}};

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  gmtime_r(&now, &date);
  return fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

// Held until it dies; the file is one of the cache, so that no folder of records is littered.
class FileLock {
 public:
  explicit FileLock(const fs::path& of) {
    ContentHash name;
    name.add(fs::weakly_canonical(of).string());
    const fs::path folder = cache_folder() / "locks";
    fs::create_directories(folder);
    const fs::path file = folder / name.hex();
    fd_ = FileDescriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!fd_.is_open() || ::flock(fd_.get(), LOCK_EX) != 0) {
      throw UserError(fmt::format("{}: cannot lock: {}", file.string(), std::strerror(errno)));
    }
  }

 private:
  FileDescriptor fd_;
};

void add_new(std::vector<WantedRecord>& to, std::set<std::string>& keys,
             std::vector<WantedRecord> more) {
  for (WantedRecord& one : more) {
    if (keys.insert(one.key()).second) to.push_back(std::move(one));
  }
}

}  // namespace

WantedRecord vector_lane_wanted() {
  return {nullptr, vector_lane(), hash_of_rtl(vector_lane_module())};
}

std::vector<WantedRecord> modules_of(const std::shared_ptr<const Design>& design) {
  const std::string hash = hash_of_rtl(*design);
  std::vector<WantedRecord> wanted;
  std::set<std::string> keys;
  for (const RtlDescription::Module& module : design->rtl().modules) {
    add_new(wanted, keys, {{design, module, hash}});
  }
  return wanted;
}

std::vector<WantedRecord> modules_at_any_size(const std::shared_ptr<const Design>& design) {
  const RtlDescription rtl = design->rtl();
  check(rtl.sizes.size() <= 2, "an array has two sizes at most");
  std::vector<WantedRecord> wanted;
  std::set<std::string> keys;
  const std::string hash = hash_of_rtl(*design);
  for (const RtlDescription::Module& module : rtl.modules) {
    if (!SizedModule(module.parameters, rtl.sizes).has_sizes()) {
      add_new(wanted, keys, {{design, module, hash}});
    }
  }
  for (const auto& steps : kSizes) {
    std::vector<std::pair<std::string, std::uint64_t>> sizes;
    for (std::size_t i = 0; i < rtl.sizes.size(); ++i) {
      sizes.emplace_back(rtl.sizes[i].key, steps[i] * rtl.sizes[i].step);
    }
    const auto sized = with_sizes(*design, sizes);
    if (sized != nullptr) add_new(wanted, keys, modules_of(sized));
  }
  return wanted;
}

std::shared_ptr<const Design> with_sizes(
    const Design& design, const std::vector<std::pair<std::string, std::uint64_t>>& sizes) {
  nlohmann::ordered_json resolved = design.resolved();
  for (const auto& [key, value] : sizes) {
    check(resolved.contains(key), "a size is a key of the design's configuration");
    resolved[key] = value;
  }
  Diagnostics diagnostics;
  const YamlNode map = yaml::parse(resolved.dump(), std::string(design.id()), diagnostics);
  return read_design(map, diagnostics);
}

TechnologySource source_of(const SynthesisOptions& options, const LibertyLibrary& library,
                           std::optional<std::uint32_t> node_nm) {
  return {.library = library.name,
          .liberty_hash = hash_of_file(options.liberty),
          .voltage = library.voltage,
          .node_nm = node_nm,
          .target_period_ps = options.period_ps,
          .yosys = first_line_of({"yosys", "-V"}),
          .opensta = first_line_of({"sta", "-version"}),
          .iverilog = first_line_of({"iverilog", "-V"}),
          .date = today()};
}

std::unique_ptr<RecordedArray> RecordGroup::recorded() const {
  if (!array) return nullptr;
  std::vector<RtlDescription::Module> modules;
  for (const WantedRecord& one : wanted) modules.push_back(one.module);
  return std::make_unique<RecordedArray>(array, std::move(modules));
}

std::vector<RecordGroup> grouped_by_array(std::vector<WantedRecord> wanted) {
  std::vector<RecordGroup> groups;
  std::map<std::pair<bool, std::string>, std::size_t> by_array;
  for (WantedRecord& one : wanted) {
    if (!one.design) {
      groups.push_back({nullptr, {std::move(one)}});
      continue;
    }
    std::shared_ptr<const Design> array = measured_array(*one.design, one.module);
    const auto [found, is_new] =
        by_array.try_emplace({one.module.is_pe, array->resolved().dump()}, groups.size());
    if (is_new) groups.push_back({std::move(array), {}});
    groups[found->second].wanted.push_back(std::move(one));
  }
  return groups;
}

RtlModule PreparedModule::rtl() const {
  return wanted_.design ? rtl_module(*wanted_.design, wanted_.module) : vector_lane_module();
}

const GenericNetlist& PreparedModule::netlist() {
  if (failure_) std::rethrow_exception(failure_);
  try {
    if (!netlist_) netlist_ = generic_netlist(rtl());
  } catch (const UserError&) {
    failure_ = std::current_exception();
    throw;
  }
  return *netlist_;
}

const WordCells& PreparedModule::words() {
  if (!words_) words_ = word_cells(rtl());
  return *words_;
}

ModuleRecord make_record(PreparedModule& module, const SynthesisOptions& options,
                         const LibertyLibrary& library, RecordedArray* recorded) {
  const WantedRecord& wanted = module.wanted();
  ModuleRecord record;
  if (!wanted.design) {
    record = vector_lane_record(module.netlist(), options, library);
  } else if (recorded != nullptr) {
    record =
        ModuleCharacterisation(*wanted.design, wanted.module, module.netlist(), options, library)
            .record(*recorded);
  } else {
    record.cost = map_module(module.netlist(), options, library).cost;
  }
  record.parameters = wanted.module.parameters;
  record.operands = wanted.module.operands;
  record.rtl_hash = wanted.rtl_hash;
  record.target_period_ps = options.period_ps;
  record.word_cells = module.words();
  return record;
}

std::string why_not_of(const TechnologySource& source, const Technology& technology) {
  const TechnologySource& theirs = technology.source;
  if (theirs.liberty_hash != source.liberty_hash) {
    return fmt::format(
        "technology '{}' is of the library '{}' with hash {}, not of '{}' with hash {}; records of "
        "two libraries do not mix: choose another name",
        technology.name, theirs.library, theirs.liberty_hash, source.library, source.liberty_hash);
  }
  if (theirs.target_period_ps != source.target_period_ps) {
    return fmt::format(
        "technology '{}' is of gates sized for {} ps, not {} ps: choose another name",
        technology.name, theirs.target_period_ps, source.target_period_ps);
  }
  if (source.node_nm && theirs.node_nm != source.node_nm) {
    return fmt::format("technology '{}' is of {}, not of {} nm: choose another name",
                       technology.name,
                       theirs.node_nm ? fmt::format("{} nm", *theirs.node_nm) : "a node not told",
                       *source.node_nm);
  }
  return "";
}

void keep_record(const fs::path& file, const std::string& name, const TechnologySource& source,
                 const ModuleRecord& record) {
  ModuleRecord kept = record;
  kept.tools = source.tools();
  check_record(source, kept);  // one bad record does not spoil hours of others
  const FileLock lock(file);
  Technology technology;
  if (fs::exists(file)) {
    technology = read_technology(file);
    const std::string problem = why_not_of(source, technology);
    if (!problem.empty()) throw UserError(problem);
  }
  const auto node_nm = fs::exists(file) ? technology.source.node_nm : source.node_nm;
  technology.name = name;
  technology.source = source;
  technology.source.node_nm = node_nm;
  technology.add(std::move(kept));
  write_technology(technology, file);
}

}  // namespace bitsmith
