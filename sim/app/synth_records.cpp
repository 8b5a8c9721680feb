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

Start start_of(const RecordRequest& request) {
  Start start;
  start.options.liberty = liberty_of(request);
  if (!request.technology.empty() && request.liberty.empty()) {
    start.technology = load_technology(request.technology);
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
    start.technology = read_technology(start.file);
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
                                     std::vector<WantedRecord> all) {
  std::vector<WantedRecord> missing;
  std::set<std::string> keys;
  const bool needs_energy = request.energy || is_added_to(request);
  for (WantedRecord& wanted : all) {
    if (!keys.insert(wanted.key()).second) continue;
    const ModuleFigures figures = technology.find(wanted.module, wanted.rtl_hash,
                                                  is_added_to(request) || request.technology.empty()
                                                      ? std::vector<RtlDescription::Size>()
                                                      : wanted.sizes());
    const bool answered = figures.known() && (!needs_energy || has_energies(figures.record));
    if (request.again || !answered) missing.push_back(std::move(wanted));
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
  // PEs before edges: those of all designs are soon there.
  std::stable_partition(all.begin(), all.end(), [](const WantedRecord& wanted) {
    return !SizedModule(wanted.module.parameters, wanted.sizes()).has_sizes();
  });
  return all;
}

// A line per record, in the order in which they come.
class Maker {
 public:
  Maker(const RecordRequest& request, const Start& start, std::size_t count)
      : start_(start),
        library_(read_liberty(start.options.liberty)),
        source_(source_of(start.options, library_, request.node_nm)),
        count_(count),
        energy_(request.energy || is_added_to(request)),
        is_shown_(is_added_to(request)) {}

  void make(const WantedRecord& wanted) {
    const auto begin = std::chrono::steady_clock::now();
    try {
      const ModuleRecord record = make_record(wanted, start_.options, library_, energy_);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      const std::lock_guard lock(mutex_);
      keep_record(start_.file, start_.technology.name, source_, record);
      show(wanted, fmt::format("{:.1f} um2, {:.0f} ps, made in {:.1f} s", record.cost.area_um2,
                               record.cost.critical_path_ps, time.count()));
    } catch (const UserError& error) {
      const std::lock_guard lock(mutex_);
      show(wanted, fmt::format("failed: {}", error.messages().front()));
      for (const std::string& message : error.messages()) {
        failures_.push_back(fmt::format("{}: {}", wanted.key(), message));
      }
    } catch (const InternalError& error) {
      const std::lock_guard lock(mutex_);
      show(wanted, fmt::format("failed: {}", error.what()));
      bugs_ += fmt::format("{}{}: {}", bugs_.empty() ? "" : "\n", wanted.key(), error.what());
    }
  }

  // When all others are made: hours of work do not end with one.
  void throw_if_any() const {
    if (!bugs_.empty()) throw InternalError(bugs_);
    if (!failures_.empty()) throw UserError(failures_);
  }

 private:
  void show(const WantedRecord& wanted, const std::string& what) {
    ++done_;
    if (is_shown_)
      print_message(fmt::format("{} of {}: {}: {}", done_, count_, wanted.key(), what));
  }

  const Start& start_;
  const LibertyLibrary library_;
  const TechnologySource source_;
  const std::size_t count_;
  const bool energy_;
  const bool is_shown_;  // work for hours, not the question of one design
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::vector<std::string> failures_;
  std::string bugs_;
};

[[noreturn]] void refuse_without_library(const Start& start,
                                         const std::vector<WantedRecord>& missing) {
  std::vector<std::string> messages;
  for (const WantedRecord& wanted : missing) {
    messages.push_back(
        fmt::format("technology '{}' has no record of {} for this RTL: name its "
                    "library, --liberty FILE, to make one",
                    start.technology.name, wanted.key()));
  }
  throw UserError(messages);
}

}  // namespace

bool is_library_of(const fs::path& liberty, const Technology& technology) {
  return fs::exists(liberty) && hash_of_file(liberty) == technology.source.liberty_hash;
}

fs::path liberty_of(const RecordRequest& request) {
  return request.liberty.empty() ? default_liberty() : fs::path(request.liberty);
}

Technology obtain_records(const RecordRequest& request, const Designs& designs) {
  const Start start = start_of(request);
  const std::vector<WantedRecord> missing =
      missing_of(request, start.technology, wanted_of(request, designs));
  if (missing.empty()) return start.technology;
  if (!start.has_library) refuse_without_library(start, missing);
  Maker maker(request, start, missing.size());
  parallel_for(missing.size(), request.jobs, [&](std::size_t i) { maker.make(missing[i]); });
  maker.throw_if_any();
  Technology technology = read_technology(start.file);
  technology.merge(start.technology);
  technology.name = start.technology.name;
  return technology;
}

}  // namespace bitsmith::app
