#include "app/sweep_points.h"

#include "common/hash.h"
#include "common/interrupt.h"
#include "cost/sram.h"
#include "cost/technology.h"
#include "report/point_record.h"
#include "workload/imported_model.h"

namespace bitsmith::app {
namespace {

std::string hash_of(const Workload& workload) {
  ContentHash hash;
  for (const Operator& op : workload.operators) {
    hash.add(op.name);
    hash.add(word_of(op.kind));
    hash.add(word_of(op.operator_class));
    hash.add(word_of(op.results));
    for (const std::uint64_t number :
         {op.gemm.m, op.gemm.n, op.gemm.k, op.count, op.repeat, op.elements}) {
      hash.add(std::to_string(number));
    }
  }
  return hash.hex();
}

Workload read_workload(const SweepWorkload& workload) {
  if (workload.model.empty()) return gemm_workload(workload.gemm);
  return transformer_workload(load_model(workload.model), workload.phase);
}

const char* word_of_engine(SweepEngine engine) {
  return engine == SweepEngine::tile ? "tile" : "roofline";
}

}  // namespace

SweepPoints::SweepPoints(Sweep sweep)
    : sweep_(std::move(sweep)),
      program_hash_(hash_of_file("/proc/self/exe")),
      tables_hash_(hash_of_file(sram_table_file())) {
  std::vector<std::string> mistakes;
  for (const SweepWorkload& workload : sweep_.workloads) {
    try {
      workloads_.push_back(read_workload(workload));
      workload_hashes_.push_back(hash_of(workloads_.back()));
    } catch (const UserError& error) {
      for (const std::string& message : error.messages()) {
        mistakes.push_back(fmt::format("{}: {}", workload.where.text(), message));
      }
    }
  }
  if (!mistakes.empty()) throw UserError(mistakes);
  points_ = expand(sweep_, files_);
}

Accelerator SweepPoints::accelerator_of(const SweepPoint& point) const {
  return files_.load(sweep_.accelerators[point.accelerator], overrides_of(sweep_, point));
}

std::string SweepPoints::key_of(const Accelerator& accelerator, std::size_t workload) const {
  ContentHash hash;
  hash.add(program_hash_);
  hash.add(tables_hash_);
  hash.add(accelerator.resolved().dump());
  if (const std::string& name = accelerator.technology.name; name != "none") {
    hash.add(shipped_technologies().content_hash(name, *accelerator.design));
  }
  hash.add(workload_hashes_[workload]);
  hash.add(word_of_engine(sweep_.engine));
  return hash.hex();
}

std::vector<std::string> SweepPoints::keys() const {
  std::vector<std::string> keys;
  std::optional<Accelerator> accelerator;
  const SweepPoint* before = nullptr;
  for (const SweepPoint& point : points_) {
    throw_if_interrupted();
    const bool is_same = before != nullptr && before->accelerator == point.accelerator &&
                         before->values == point.values;
    if (!is_same) accelerator = accelerator_of(point);
    before = &point;
    keys.push_back(key_of(*accelerator, point.workload));
  }
  return keys;
}

nlohmann::ordered_json SweepPoints::evaluate(std::size_t number, const std::string& key) const {
  const SweepPoint& point = points_[number];
  RunAnswer answer;
  answer.accelerator = accelerator_of(point);
  check(key_of(answer.accelerator, point.workload) == key,
        "files that were read once answer otherwise");
  answer.workload = workloads_[point.workload];
  RunRequest request;
  request.engine = sweep_.engine == SweepEngine::tile ? Engine::tile : Engine::roofline;
  simulate(request, answer);
  return point_record({answer.accelerator, answer.workload, answer.result,
                       word_of_engine(sweep_.engine), "model", answer.cost});
}

}  // namespace bitsmith::app
