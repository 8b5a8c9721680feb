#include "app/synth_trace.h"

#include <algorithm>

#include "app/options.h"
#include "common/error.h"
#include "common/table.h"
#include "cost/trace_energy.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;

// Seconds each, so that large traces end, too.
constexpr std::size_t kMostGemms = 48;

std::string percent(double error) { return fmt::format("{:+.1f}%", 100 * error); }

std::size_t gemms_in(const Trace& trace) {
  const std::vector<Operator>& operators = trace.workload().operators;
  return static_cast<std::size_t>(std::count_if(operators.begin(), operators.end(),
                                                [](const Operator& op) { return op.is_gemm(); }));
}

Json trace_json(const TraceRequest& request, const std::string& module, const TraceEnergy& energy,
                std::size_t fitting) {
  Json gemms = Json::array();
  for (const GemmEnergy& gemm : energy.gemms) {
    gemms.push_back({{"name", gemm.name},
                     {"macs", gemm.macs},
                     {"pj_per_mac_cycle", gemm.pj},
                     {"error", gemm.error(energy.record_pj)}});
  }
  return {{"file", request.trace.name()},
          {"module", module},
          {"operand_class", kOperandClassNames[static_cast<std::size_t>(energy.operands)]},
          {"record_pj_per_mac_cycle", energy.record_pj},
          {"gemms_in_trace", gemms_in(request.trace)},
          {"gemms_that_fit", fitting},
          {"gemms", gemms},
          {"error", energy.error()}};
}

std::string trace_text(const TraceRequest& request, const std::string& module,
                       const TraceEnergy& energy, std::size_t fitting) {
  TextTable table({"GEMM", "pJ per mac cycle", "record's error"});
  for (const GemmEnergy& gemm : energy.gemms) {
    table.add_row(
        {gemm.name, fmt::format("{:.4g}", gemm.pj), percent(gemm.error(energy.record_pj))});
  }
  table.add_rule();
  table.add_row({"all of these, by MACs", "", percent(energy.error())});
  const std::size_t all = gemms_in(request.trace);
  const std::string others =
      fitting < all
          ? fmt::format("; {} do not fit the design, and `run` refuses the trace", all - fitting)
          : "";
  return fmt::format(
      "{} under the operands of {} ({} of {} GEMMs{}); its record of class '{}', that of the GEMM "
      "with the most MACs, has {:.4g} pJ per mac cycle\n{}",
      module, request.trace.name(), energy.gemms.size(), all, others,
      kOperandClassNames[static_cast<std::size_t>(energy.operands)], energy.record_pj,
      table.text());
}

const RtlDescription::Module& pe_of(const RtlDescription& rtl) {
  const auto pe = std::find_if(rtl.modules.begin(), rtl.modules.end(),
                               [](const auto& module) { return module.is_pe; });
  check(pe != rtl.modules.end(), "a design says which of its modules is the PE");
  return *pe;
}

}  // namespace

void require_computable(const Trace& trace, const Designs& designs) {
  std::vector<std::string> mistakes;
  for (const auto& design : designs) {
    try {
      TraceOperands(trace, *design, true);
    } catch (const UserError& error) {
      mistakes.insert(mistakes.end(), error.messages().begin(), error.messages().end());
    }
  }
  if (!mistakes.empty()) throw UserError(mistakes);
}

TraceComparison compare_with_trace(const TraceRequest& request) {
  const RtlDescription rtl = request.design.rtl();
  const RtlDescription::Module& module = pe_of(rtl);
  print_message(
      fmt::format("{}: measuring {} under {}", request.config, module.name, request.trace.name()));
  const LibertyLibrary library = read_liberty(request.synthesis.liberty);
  const ModuleCharacterisation pe(request.design, module, request.synthesis, library);
  const TraceOperands operands(request.trace, pe.array(), true);
  const ModuleFigures figures =
      request.technology.find(module, hash_of_rtl(request.design), rtl.sizes);
  const auto energy = energy_of_trace(pe, figures.record, operands, kMostGemms, request.jobs);
  if (!energy) {
    throw UserError(fmt::format("{}: the record of {} has no energy: --again makes it anew",
                                request.config, module.name));
  }
  if (energy->gemms.empty()) {
    throw UserError(
        fmt::format("{}: a k of 1 in all GEMMs that the design computes: nothing to measure",
                    request.trace.name()));
  }
  const std::size_t fitting = operands.gemms().size();
  return {trace_text(request, module.name, *energy, fitting),
          trace_json(request, module.name, *energy, fitting)};
}

}  // namespace bitsmith::app
