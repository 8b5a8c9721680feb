// Cycle model of the systolic array: the one of its dataflow.
#pragma once

#include <cstdint>
#include <variant>

#include "pe/systolic/os_model.h"
#include "pe/systolic/ws_model.h"

namespace bitsmith::systolic {

class Model {
 public:
  using Params = systolic::Params;

  explicit Model(const Params& params) : model_(make(params)) {}

  // One rising clock edge.
  void step(const ArrayInputs& in) {
    std::visit([&](auto& model) { model.step(in); }, model_);
  }
  // The ports after the last edge.
  const ArrayOutputs& outputs() const {
    return std::visit([](const auto& model) -> const ArrayOutputs& { return model.outputs(); },
                      model_);
  }
  const PeCycles& pe_cycles() const {
    return std::visit([](const auto& model) -> const PeCycles& { return model.pe_cycles(); },
                      model_);
  }
  const ActionCounts& actions() const {
    return std::visit([](const auto& model) -> const ActionCounts& { return model.actions(); },
                      model_);
  }
  // Jobs whose last token has entered the array since construction; a reset leaves it as it is.
  std::uint64_t jobs_entered() const {
    return std::visit([](const auto& model) { return model.jobs_entered(); }, model_);
  }
  // Additions that left the accumulator's range (Overflow::wrap and saturate).
  std::uint64_t overflows() const {
    return std::visit([](const auto& model) { return model.overflows(); }, model_);
  }

 private:
  using AnyModel = std::variant<OsModel, WsModel>;
  static AnyModel make(const Params& params) {
    if (is_output_stationary(params)) return OsModel(params);
    return WsModel(params);
  }

  AnyModel model_;
};

}  // namespace bitsmith::systolic
