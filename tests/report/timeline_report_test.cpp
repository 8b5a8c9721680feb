#include "report/timeline_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::ElementsAre;

class TimelineReport : public testing::Test {
 protected:
  TimelineReport() {
    // 30 cycles in three occurrences, then 7 in one; 333 ps a cycle.
    Operator gemm{"q \"proj\"", {16, 32, 64}, 2, 3};
    Operator norm{"norm", {}, 1, 1, OperatorKind::norm};
    norm.elements = 100;
    add(gemm, 30, Mapping{16, 32, 64, LoopOrder::n_outer});
    add(norm, 7, std::nullopt);
    timeline_.add({TimelineRow::dma, 0, "load weights", 0, 333, 1000});
    timeline_.add({TimelineRow::dma, 0, "load activations", 0, 1000, 1001});
    timeline_.add({TimelineRow::dram, 0, "load weights", 0, 400, 2500});
    timeline_.add({TimelineRow::array, 0, "block", 0, 2664, 3330});
    timeline_.add({TimelineRow::vector_unit, 1, "block", 4, 0, 2331});
    timeline_.add({TimelineRow::dma, 0, "store results", 5, 3000, 3001});  // one too many
  }

  void add(const Operator& op, std::uint64_t cycles, std::optional<Mapping> mapping) {
    OperatorResult row{op, {}, mapping};
    row.counts.cycles = cycles;
    result_.total.cycles += cycles;
    result_.operators.push_back(row);
    PlannedOperator planned;
    planned.program.op = op;
    planned.mapping = mapping;
    plan_.push_back(planned);
  }

  json written() {
    write_timeline(file(), {"tpu", "llama", timeline_, plan_, result_, 333});
    return json::parse(read_file(file(), 1 << 20));
  }
  std::filesystem::path file() const { return folder_.path() / "timeline.json"; }

  Timeline timeline_{4};
  std::vector<PlannedOperator> plan_;
  RunResult result_;

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
};

// Whole picoseconds of a time in microseconds.
std::uint64_t ps(const json& time) {
  return static_cast<std::uint64_t>(std::llround(time.get<double>() * 1e6));
}

TEST_F(TimelineReport, RowsAreNamedAndInOrder) {
  std::vector<std::string> names;
  std::vector<int> order;
  const json trace = written();
  for (const json& event : trace["traceEvents"]) {
    if (event["name"] == "process_name") {
      EXPECT_EQ(event["args"]["name"], "tpu");
    }
    if (event["name"] == "thread_name") names.push_back(event["args"]["name"]);
    if (event["name"] == "thread_sort_index") {
      order.push_back(event["args"]["sort_index"]);
      EXPECT_EQ(event["args"]["sort_index"], event["tid"]);
    }
  }
  EXPECT_THAT(names, ElementsAre("operators", "DMA", "DRAM", "array", "vector unit"));
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(TimelineReport, SpansOfARowFollowEachOtherUpToTheTotal) {
  std::map<int, std::uint64_t> end_of_row;
  std::uint64_t last = 0;
  int spans = 0;
  const json trace = written();
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    ++spans;
    std::uint64_t& end = end_of_row[event["tid"].get<int>()];
    EXPECT_GE(ps(event["ts"]), end) << event;
    end = ps(event["ts"]) + ps(event["dur"]);
    last = std::max(last, end);
  }
  EXPECT_EQ(spans, 2 + 5);
  EXPECT_EQ(last, (30 / 3 + 7) * 333U);
}

TEST_F(TimelineReport, SpansSayWhatTheyAre) {
  std::vector<json> spans;
  const json trace = written();
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == "X") spans.push_back(event);
  }
  EXPECT_EQ(spans[0]["name"], "q \"proj\"");
  EXPECT_EQ(spans[0]["args"],
            json::parse(R"({"kind": "gemm", "m": 16, "n": 32, "k": 64, "count": 2, "repeat": 3,
                            "cycles": 10, "mapping": {"block_m": 16, "block_n": 32, "block_k": 64,
                            "loop_order": "n_outer"}})"));
  EXPECT_EQ(spans[1]["args"], json::parse(R"({"kind": "norm", "elements": 100, "repeat": 1,
                                              "cycles": 7})"));
  EXPECT_EQ(spans[1]["ts"], 0.00333);
  EXPECT_EQ(spans[3]["name"], "load activations");
  EXPECT_EQ(spans[3]["ts"], 0.001);
  EXPECT_EQ(spans[3]["dur"], 0.000001);
  EXPECT_EQ(spans[3]["args"], json::parse(R"({"operator": "q \"proj\"", "block": 0})"));
  EXPECT_EQ(spans[6]["ts"], 0.00333);  // the second operator's cycle 0
}

TEST_F(TimelineReport, SaysWhatIsLeftOut) {
  const json other = written()["otherData"];
  EXPECT_EQ(other["operators_are_cut"], true);
  EXPECT_EQ(other["clock_period_ps"], 333);
  EXPECT_EQ(other["workload"], "llama");
}

TEST_F(TimelineReport, WritesNothingWhenEventsAndPlanDisagree) {
  result_.operators.pop_back();
  EXPECT_THROW(written(), InternalError);
  plan_.pop_back();  // the event of the vector unit has no operator now
  EXPECT_THROW(written(), InternalError);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace bitsmith
