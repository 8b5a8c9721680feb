#include "report/timeline_report.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "common/version.h"
#include "report/mapping_json.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kProcess = 1;
constexpr int kOperators = 1;  // its thread; the rows of a timeline follow
constexpr std::array<std::string_view, 5> kThreads = {"operators", "DMA", "DRAM", "array",
                                                      "vector unit"};

int thread_of(TimelineRow row) { return kOperators + 1 + static_cast<int>(row); }

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string microseconds(std::uint64_t ps) {
  constexpr std::uint64_t kPicoseconds = 1'000'000;
  return fmt::format("{}.{:06}", ps / kPicoseconds, ps % kPicoseconds);
}

// Items of the array, one a line.
class EventList {
 public:
  explicit EventList(AtomicFile& file) : file_(file) {}

  void name(const char* what, int thread, std::string_view value) {
    add(fmt::format(R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"name":{}}}}})", what,
                    kProcess, thread, text_of(value)));
  }
  void sort_index(int thread) {
    add(fmt::format(
        R"({{"ph":"M","name":"thread_sort_index","pid":{},"tid":{},"args":{{"sort_index":{}}}}})",
        kProcess, thread, thread));
  }
  void span(std::string_view what, int thread, std::uint64_t begin_ps, std::uint64_t end_ps,
            const Json& args) {
    add(fmt::format(R"({{"ph":"X","name":{},"pid":{},"tid":{},"ts":{},"dur":{},"args":{}}})",
                    text_of(what), kProcess, thread, microseconds(begin_ps),
                    microseconds(end_ps - begin_ps), text_of(args)));
  }

 private:
  void add(std::string_view item) {
    file_.write(first_ ? "\n" : ",\n");
    file_.write(item);
    first_ = false;
  }

  AtomicFile& file_;
  bool first_ = true;
};

std::uint64_t cycles_once(const OperatorResult& row) { return row.counts.cycles / row.op.repeat; }

Json operator_args(const PlannedOperator& planned, const OperatorResult& row) {
  const Operator& op = row.op;
  Json args = {{"kind", word_of(op.kind)}};
  if (op.is_gemm()) {
    args["m"] = op.gemm.m;
    args["n"] = op.gemm.n;
    args["k"] = op.gemm.k;
    args["count"] = op.count;
  } else {
    args["elements"] = op.elements;
  }
  args["repeat"] = op.repeat;
  if (planned.mapping) args["mapping"] = mapping_json(*planned.mapping);
  args["cycles"] = cycles_once(row);
  return args;
}

}  // namespace

void write_timeline(const std::filesystem::path& path, const TimelineReportInput& input) {
  const std::vector<OperatorResult>& rows = input.result.operators;
  check(rows.size() == input.plan.size(), "a result for every operator of the plan");
  std::vector<std::uint64_t> begins = {0};
  for (const OperatorResult& row : rows) {
    begins.push_back(begins.back() + cycles_once(row) * input.period_ps);
  }

  AtomicFile file(path);
  file.write(R"({"displayTimeUnit":"ns","traceEvents":[)");
  EventList events(file);
  events.name("process_name", 0, input.accelerator);
  for (std::size_t i = 0; i < kThreads.size(); ++i) {
    const int thread = kOperators + static_cast<int>(i);
    events.name("thread_name", thread, kThreads[i]);
    events.sort_index(thread);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    events.span(rows[i].op.name, kOperators, begins[i], begins[i + 1],
                operator_args(input.plan[i], rows[i]));
  }
  for (const TimelineEvent& event : input.timeline.events()) {
    check(event.op < rows.size() && event.begin_ps <= event.end_ps,
          "an event of the timeline belongs to an operator and does not end before it begins");
    const std::uint64_t origin = begins[event.op];
    events.span(event.what, thread_of(event.row), origin + event.begin_ps, origin + event.end_ps,
                {{"operator", rows[event.op].op.name}, {"block", event.block}});
  }
  file.write(fmt::format("\n],\"otherData\":{}}}\n",
                         text_of({{"version", version()},
                                  {"workload", input.workload},
                                  {"clock_period_ps", input.period_ps},
                                  {"operators_are_cut", input.timeline.is_cut()}})));
  file.finish();
}

}  // namespace bitsmith
