#include "cost/technology.h"

#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "cost/estimate.h"
#include "cost/size_fit.h"
#include "cost/vector_lane.h"

namespace bitsmith {
namespace fs = std::filesystem;

namespace {

bool is_of(const ModuleRecord& record, std::string_view rtl_hash) {
  return record.rtl_hash == rtl_hash && record.tools.method == kRecordMethod;
}

}  // namespace

std::size_t different_parameters(const RtlParameters& wanted, const RtlParameters& others) {
  const auto count = std::count_if(wanted.begin(), wanted.end(), [&](const auto& own) {
    return std::find(others.begin(), others.end(), own) == others.end();
  });
  return static_cast<std::size_t>(count);
}

void Technology::add(ModuleRecord record) {
  const std::string key = key_of_record(record.cost.name, record.parameters, record.operands);
  records_.erase(key);
  records_.emplace(key, std::move(record));
}

void Technology::merge(const Technology& other) {
  for (const auto& [key, record] : other.records_) {
    const RtlDescription::Module module{record.cost.name, 1, record.parameters, false,
                                        record.operands};
    if (this->record(module, record.rtl_hash) == nullptr) {
      records_.emplace(key, record);
    }
  }
}

const ModuleRecord* Technology::record(const RtlDescription::Module& module,
                                       std::string_view rtl_hash) const {
  const auto [begin, end] =
      records_.equal_range(key_of_record(module.name, module.parameters, module.operands));
  const auto found =
      std::find_if(begin, end, [&](const auto& entry) { return is_of(entry.second, rtl_hash); });
  return found == end ? nullptr : &found->second;
}

ModuleFigures Technology::find(const RtlDescription::Module& module, std::string_view rtl_hash,
                               const std::vector<RtlDescription::Size>& sizes) const {
  ModuleFigures own = find_own(module, rtl_hash, sizes);
  if (own.known()) return own;
  std::set<std::string> all_operands;
  for (const auto& [key, record] : records_) {
    if (record.cost.name == module.name) all_operands.insert(record.operands);
  }
  for (const std::string& operands : all_operands) {
    RtlDescription::Module other = module;
    other.operands = operands;
    ModuleFigures figures = find_own(other, rtl_hash, sizes);
    figures.other_operands = true;
    if (figures.known()) return figures;
    if (figures.origin == ModuleFigures::Origin::stale) own.origin = figures.origin;
  }
  return own;
}

ModuleFigures Technology::find_own(const RtlDescription::Module& module, std::string_view rtl_hash,
                                   const std::vector<RtlDescription::Size>& sizes) const {
  ModuleFigures figures;
  if (const ModuleRecord* own = record(module, rtl_hash)) {
    figures.origin = ModuleFigures::Origin::measured;
    figures.record = *own;
  } else {
    const SizedModule sized(module.parameters, sizes);
    std::vector<const ModuleRecord*> family;
    bool any = records_.contains(key_of_record(module.name, module.parameters, module.operands));
    for (const auto& [key, candidate] : records_) {
      if (candidate.cost.name != module.name || candidate.operands != module.operands ||
          !sized.is_alike(candidate.parameters)) {
        continue;
      }
      any = true;
      if (is_of(candidate, rtl_hash)) family.push_back(&candidate);
    }
    if (auto fitted = interpolate_sizes(sized, family)) {
      figures.origin = fitted->is_beyond ? ModuleFigures::Origin::extrapolated
                                         : ModuleFigures::Origin::interpolated;
      figures.record = std::move(fitted->record);
      figures.held_out = fitted->held_out;
    } else if (any && family.empty()) {
      figures.origin = ModuleFigures::Origin::stale;
    }
  }
  figures.record.cost.name = module.name;
  figures.record.parameters = module.parameters;
  figures.record.operands = module.operands;
  figures.record.cost.instances = module.instances;
  return figures;
}

std::string key_of_module(const std::string& module, const RtlParameters& parameters) {
  RtlParameters sorted = parameters;
  std::sort(sorted.begin(), sorted.end());
  std::string key = module;
  for (const auto& [name, value] : sorted) key += fmt::format(" {}={}", name, value);
  return key;
}

std::string key_of_record(const std::string& module, const RtlParameters& parameters,
                          const std::string& operands) {
  const std::string key = key_of_module(module, parameters);
  return operands.empty() ? key : fmt::format("{} ({})", key, operands);
}

void write_technology(const Technology& technology, const fs::path& file) {
  write_file_atomically(file, technology_text(technology));
}

fs::path technology_file(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  return home_folder() / "configs/tech" / (name + ".yaml");
}

fs::path cached_records_file(const TechnologySource& source) {
  ContentHash key;
  key.add(source.liberty_hash);
  key.add(fmt::format("{}", source.target_period_ps));
  return cache_folder() / "tech" / (key.hex() + ".yaml");
}

std::vector<std::string> technology_names() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home_folder() / "configs/tech", ignored)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

fs::path existing_technology_file(const std::string& name) {
  fs::path file = technology_file(name);
  if (fs::exists(file)) return file;
  if (name.find('/') != std::string::npos) {
    throw UserError(fmt::format("{}: no such file of a technology", name));
  }
  const std::vector<std::string> names = technology_names();
  const std::vector<std::string_view> words(names.begin(), names.end());
  throw UserError(fmt::format("{}; a name with a slash is that of a file",
                              unknown_word("technology", name, words)));
}

// Empty where there can be no cache: then there are no records in it.
fs::path existing_cache_of(const TechnologySource& source) {
  try {
    fs::path file = cached_records_file(source);
    return fs::exists(file) ? file : fs::path();
  } catch (const UserError&) {
    return {};
  }
}

template <class... Modules>
Technology load(const std::string& name, const Modules&... modules) {
  Technology technology = read_technology(existing_technology_file(name), modules...);
  const fs::path cached = existing_cache_of(technology.source);
  if (!cached.empty()) technology.merge(read_technology(cached, modules...));
  return technology;
}

}  // namespace

Technology load_technology(const std::string& name) { return load(name); }
Technology load_technology(const std::string& name, const ModuleNames& modules) {
  return load(name, modules);
}

const Technology& TechnologyShelf::technology(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = technologies_.find(name);
  if (found != technologies_.end()) return found->second;
  return technologies_.emplace(name, load_technology(name)).first->second;
}

const Technology& TechnologyShelf::technology(const std::string& name, const ModuleNames& modules) {
  const std::pair key(name, modules);
  const std::lock_guard lock(mutex_);
  const auto found = technologies_of_modules_.find(key);
  if (found != technologies_of_modules_.end()) return found->second;
  return technologies_of_modules_.emplace(key, load_technology(name, modules)).first->second;
}

const std::string& TechnologyShelf::rtl_hash(const Design& design) {
  std::vector<std::string> sources = design.rtl().sources;
  const std::lock_guard lock(mutex_);
  const auto found = rtl_hashes_.find(sources);
  if (found != rtl_hashes_.end()) return found->second;
  return rtl_hashes_.emplace(std::move(sources), hash_of_rtl(design)).first->second;
}

const std::string& TechnologyShelf::rtl_hash_of_vector_lane() {
  const std::lock_guard lock(mutex_);
  if (vector_lane_hash_.empty()) vector_lane_hash_ = hash_of_rtl(vector_lane_module());
  return vector_lane_hash_;
}

const ComponentModel& TechnologyShelf::component_model(const std::string& name) {
  const Technology& of = technology(name);
  const std::lock_guard lock(mutex_);
  auto& model = component_models_[name];
  if (!model) model = std::make_shared<const ComponentModel>(of);
  return *model;
}

ModuleFigures TechnologyShelf::estimate(const std::string& name, const Design& design,
                                        const RtlDescription::Module& module) {
  const std::string& hash = rtl_hash(design);
  const std::pair key(name, hash + key_of_module(module.name, module.parameters));
  ModuleFigures figures;
  {
    const std::lock_guard lock(mutex_);
    const auto known = estimates_.find(key);
    if (known != estimates_.end()) figures = known->second;
  }
  if (!figures.known()) {  // others need not wait for Yosys
    const auto estimated = component_model(name).estimate(
        {module.name, module.parameters, word_cells(rtl_module(design, module))});
    if (!estimated) {
      throw UserError(fmt::format("technology {} has {} records: too few to estimate others from",
                                  name, technology(name).records()));
    }
    figures.origin = ModuleFigures::Origin::estimated;
    figures.record = estimated->record;
    figures.held_out = estimated->held_out;
    figures.record.cost.name = module.name;
    figures.record.parameters = module.parameters;
    figures.record.rtl_hash = hash;
    const std::lock_guard lock(mutex_);
    estimates_.emplace(key, figures);
  }
  figures.record.cost.instances = module.instances;  // of this array
  return figures;
}

std::string TechnologyShelf::content_hash(const std::string& name, const Design& design) {
  ContentHash hash;
  hash.add(rtl_hash(design));
  hash.add(rtl_hash_of_vector_lane());
  const std::lock_guard lock(mutex_);
  std::string& of_technology = hashes_[name];
  if (of_technology.empty()) {
    const fs::path file = existing_technology_file(name);
    const fs::path cached = existing_cache_of(read_technology(file, {}).source);
    of_technology = hash_of_file(file) + (cached.empty() ? "" : hash_of_file(cached));
  }
  hash.add(of_technology);
  return hash.hex();
}

TechnologyShelf& shipped_technologies() {
  static TechnologyShelf shelf;
  return shelf;
}

}  // namespace bitsmith
