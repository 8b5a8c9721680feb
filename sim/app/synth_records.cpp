#include "app/synth_records.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>

#include "app/options.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/parallel.h"
#include "cost/record_making.h"
#include "cost/size_fit.h"

namespace bitsmith::app {
namespace fs = std::filesystem;
namespace {

constexpr double kPeriodPs = 5000;

bool is_added_to(const RecordRequest& request) {
  return !request.technology.empty() && !request.liberty.empty();
}

// What is there before anything is made.
struct Start {
  Technology technology;
  fs::path file;  // where new records go
  SynthesisOptions options;
  bool has_library = true;
};

// As far as it is known before a tool has run.
TechnologySource source_of(const RecordRequest& request, const fs::path& liberty) {
  TechnologySource source;
  source.library = liberty.string();
  source.liberty_hash = hash_of_file(liberty);
  source.target_period_ps = request.period_ps.value_or(kPeriodPs);
  source.node_nm = request.node_nm;
  return source;
}

ModuleNames names_of(const std::vector<WantedRecord>& all) {
  ModuleNames names;
  for (const WantedRecord& wanted : all) names.insert(wanted.module.name);
  return names;
}

// With what is known of `modules`.
Start start_of(const RecordRequest& request, const ModuleNames& modules) {
  Start start;
  start.options.liberty = liberty_of(request);
  if (!request.technology.empty() && request.liberty.empty()) {
    start.technology = load_technology(request.technology, modules);
    start.file = cached_records_file(start.technology.source);
    start.options.period_ps = start.technology.source.target_period_ps;
    start.has_library = is_library_of(start.options.liberty, start.technology);
    if (request.period_ps && *request.period_ps != start.options.period_ps) {
      throw UserError(fmt::format("--period: gates of technology '{}' are sized for {} ps",
                                  start.technology.name, start.options.period_ps));
    }
    return start;
  }
  TechnologySource source = source_of(request, start.options.liberty);
  start.file = request.technology.empty() ? cached_records_file(source)
                                          : technology_file(request.technology);
  if (fs::exists(start.file)) {
    start.technology = read_technology(start.file);  // a mistake anywhere would spoil the work
    if (!request.period_ps) source.target_period_ps = start.technology.source.target_period_ps;
    // Even where nothing is to be made: the answer would be that of another library.
    const std::string problem = why_not_of(source, start.technology);
    if (!problem.empty()) throw UserError(problem);
  }
  start.options.period_ps = source.target_period_ps;
  start.technology.name = start.file.stem().string();
  return start;
}

// Those of `all` that the technology does not answer for yet, each once.
std::vector<WantedRecord> missing_of(const RecordRequest& request, const Technology& technology,
                                     const std::vector<WantedRecord>& all) {
  std::vector<WantedRecord> missing;
  std::set<std::string> keys;
  const bool needs_energy = request.energy || is_added_to(request);
  for (const WantedRecord& wanted : all) {
    if (!keys.insert(wanted.key()).second) continue;
    const ModuleFigures figures = technology.find(wanted.module, wanted.rtl_hash,
                                                  is_added_to(request) || request.technology.empty()
                                                      ? std::vector<RtlDescription::Size>()
                                                      : wanted.sizes());
    const bool answered =
        figures.known() &&
        (!needs_energy || (has_energies(figures.record) && !figures.other_operands));
    if (request.again || !answered) missing.push_back(wanted);
  }
  return missing;
}

std::vector<WantedRecord> wanted_of(const RecordRequest& request, const Designs& designs) {
  std::vector<WantedRecord> all;
  if (is_added_to(request)) all.push_back(vector_lane_wanted());
  const auto append = [&](std::vector<WantedRecord> more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  };
  for (const auto& design : designs) {
    if (is_added_to(request)) append(modules_at_any_size(design));
    if (request.exact || !is_added_to(request)) append(modules_of(design));
  }
  return all;
}

// Makes what one technology lacks. A line per record, in the order in which they come.
class Maker {
 public:
  Maker(const RecordRequest& request, const Designs& designs)
      : all_(wanted_of(request, designs)),
        start_(start_of(request, names_of(all_))),
        energy_(request.energy || is_added_to(request)),
        is_shown_(is_added_to(request)),
        missing_(missing_of(request, start_.technology, all_)) {
    if (missing_.empty()) return;
    for (const WantedRecord& wanted : missing_) keys_.insert(wanted.key());
    if (!start_.has_library) refuse_without_library();
    library_ = read_liberty(start_.options.liberty);
    source_ = source_of(start_.options, library_, request.node_nm);
  }

  const std::vector<WantedRecord>& missing() const { return missing_; }
  bool lacks(const WantedRecord& wanted) const { return keys_.contains(wanted.key()); }
  bool needs_energy() const { return energy_; }

  // Any number of threads may, each with a module and a recording of its own.
  void make(PreparedModule& module, RecordedArray* recorded) {
    const WantedRecord& wanted = module.wanted();
    const auto begin = std::chrono::steady_clock::now();
    try {
      const ModuleRecord record =
          make_record(module, start_.options, library_, energy_ ? recorded : nullptr);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      const std::lock_guard lock(mutex_);
      keep_record(start_.file, start_.technology.name, source_, record);
      show(wanted, fmt::format("{:.1f} um2, {:.0f} ps, made in {:.1f} s", record.cost.area_um2,
                               record.cost.critical_path_ps, time.count()));
    } catch (const UserError& error) {
      const std::lock_guard lock(mutex_);
      show(wanted, fmt::format("failed: {}", error.messages().front()));
      for (const std::string& message : error.messages()) {
        failures_.push_back(fmt::format("{}: {}", named(wanted), message));
      }
    } catch (const InternalError& error) {
      const std::lock_guard lock(mutex_);
      show(wanted, fmt::format("failed: {}", error.what()));
      bugs_.push_back(fmt::format("{}: {}", named(wanted), error.what()));
    }
  }

  const std::vector<std::string>& failures() const { return failures_; }
  const std::vector<std::string>& bugs() const { return bugs_; }

  // With what was made.
  Technology technology() const {
    if (missing_.empty()) return start_.technology;
    Technology technology = read_technology(start_.file, names_of(all_));
    technology.merge(start_.technology);
    technology.name = start_.technology.name;
    return technology;
  }

  const fs::path& file() const { return start_.file; }

 private:
  std::string named(const WantedRecord& wanted) const {
    return is_shown_ ? fmt::format("{}: {}", start_.technology.name, wanted.key()) : wanted.key();
  }
  void show(const WantedRecord& wanted, const std::string& what) {
    ++done_;
    if (!is_shown_) return;
    print_message(fmt::format("{}: {} of {}: {}: {}", start_.technology.name, done_,
                              missing_.size(), wanted.key(), what));
  }

  [[noreturn]] void refuse_without_library() const {
    std::vector<std::string> messages;
    for (const WantedRecord& wanted : missing_) {
      messages.push_back(
          fmt::format("technology '{}' has no record of {} for this RTL: name its "
                      "library, --liberty FILE, to make one",
                      start_.technology.name, wanted.key()));
    }
    throw UserError(messages);
  }

  const std::vector<WantedRecord> all_;
  const Start start_;
  const bool energy_;
  const bool is_shown_;  // work for hours, not the question of one design
  const std::vector<WantedRecord> missing_;
  std::set<std::string> keys_;
  LibertyLibrary library_;
  TechnologySource source_;
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::vector<std::string> failures_, bugs_;
};

using Makers = std::vector<std::unique_ptr<Maker>>;

// All mistakes of all requests at once.
Makers makers_of(const std::vector<RecordRequest>& requests, const Designs& designs) {
  Makers makers;
  std::vector<std::string> mistakes;
  std::set<fs::path> files;
  for (const RecordRequest& request : requests) {
    try {
      makers.push_back(std::make_unique<Maker>(request, designs));
      if (!files.insert(fs::weakly_canonical(makers.back()->file())).second) {
        mistakes.push_back(
            fmt::format("--tech: {} is named twice", makers.back()->file().string()));
      }
    } catch (const UserError& error) {
      mistakes.insert(mistakes.end(), error.messages().begin(), error.messages().end());
    }
  }
  if (!mistakes.empty()) throw UserError(mistakes);
  return makers;
}

// What any of them lacks, PEs before edges: those of all designs are soon there.
std::vector<RecordGroup> missing_groups(const Makers& makers) {
  std::vector<WantedRecord> wanted;
  std::set<std::string> keys;
  for (const auto& maker : makers) {
    for (const WantedRecord& one : maker->missing()) {
      if (keys.insert(one.key()).second) wanted.push_back(one);
    }
  }
  std::stable_partition(wanted.begin(), wanted.end(), [](const WantedRecord& one) {
    return !SizedModule(one.module.parameters, one.sizes()).has_sizes();
  });
  return grouped_by_array(std::move(wanted));
}

void make_group(const RecordGroup& group, const Makers& makers) {
  const bool energy =
      std::any_of(makers.begin(), makers.end(), [](const auto& m) { return m->needs_energy(); });
  const std::unique_ptr<RecordedArray> recorded = energy ? group.recorded() : nullptr;
  for (const WantedRecord& wanted : group.wanted) {
    PreparedModule module(wanted);
    for (const auto& maker : makers) {
      if (maker->lacks(wanted)) maker->make(module, recorded.get());
    }
  }
}

// When all others are made: hours of work do not end with one.
void throw_failures(const Makers& makers) {
  std::vector<std::string> failures, bugs;
  for (const auto& maker : makers) {
    failures.insert(failures.end(), maker->failures().begin(), maker->failures().end());
    bugs.insert(bugs.end(), maker->bugs().begin(), maker->bugs().end());
  }
  if (!bugs.empty()) throw InternalError(fmt::format("{}", fmt::join(bugs, "\n")));
  if (!failures.empty()) throw UserError(failures);
}

}  // namespace

bool is_library_of(const fs::path& liberty, const Technology& technology) {
  return fs::exists(liberty) && hash_of_file(liberty) == technology.source.liberty_hash;
}

fs::path liberty_of(const RecordRequest& request) {
  return request.liberty.empty() ? default_liberty() : fs::path(request.liberty);
}

std::vector<Technology> obtain_records(const std::vector<RecordRequest>& requests,
                                       const Designs& designs, unsigned jobs) {
  const Makers makers = makers_of(requests, designs);
  const std::vector<RecordGroup> groups = missing_groups(makers);
  parallel_for(groups.size(), jobs, [&](std::size_t i) { make_group(groups[i], makers); });
  throw_failures(makers);
  std::vector<Technology> technologies;
  for (const auto& maker : makers) technologies.push_back(maker->technology());
  return technologies;
}

}  // namespace bitsmith::app
