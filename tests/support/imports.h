// What tests of imported models share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "workload/transformer.h"

namespace bitsmith {

// All of a model but where it comes from.
inline nlohmann::ordered_json shape_of(const Transformer& model) {
  nlohmann::ordered_json values = transformer_parameters().resolved(model);
  for (const char* provenance : {"model", "published_parameters", "source"}) {
    values.erase(provenance);
  }
  return values;
}

inline nlohmann::ordered_json shipped(const std::string& name) {
  return shape_of(load_transformer(home_folder() / "workloads/models" / (name + ".yaml")));
}

}  // namespace bitsmith
