#include "workload/operator.h"

#include <array>

#include "common/error.h"
#include "config/scalar.h"

namespace bitsmith {

std::string_view word_of(OperatorKind kind) {
  constexpr std::array<std::string_view, 8> kWords = {"gemm",    "embedding",  "norm",     "rotary",
                                                      "softmax", "activation", "multiply", "add"};
  return kWords.at(static_cast<std::size_t>(kind));
}

std::string_view word_of(ResultUse use) {
  switch (use) {
    case ResultUse::vector:
      return "vector";
    case ResultUse::gemm:
      return "gemm";
    case ResultUse::kv_cache:
      return "kv_cache";
    case ResultUse::activation:
      return "activation";
  }
  throw InternalError("results of no use");
}

std::string_view word_of(OperatorClass operator_class) {
  constexpr std::array<std::string_view, 6> kWords = {"linear",  "attention_qk", "attention_pv",
                                                      "lm_head", "router",       "patch_embedding"};
  return kWords.at(static_cast<std::size_t>(operator_class));
}

Workload gemm_workload(const std::string& text) {
  const Location where{"--gemm " + text, 0, 0};
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == 'x')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (parts.size() != 3) throw UserError(where, "expected MxNxK, for example 128x4096x4096");

  constexpr std::array<char, 3> kNames = {'M', 'N', 'K'};
  std::array<std::uint64_t, 3> sizes{};
  Diagnostics diagnostics;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = parse_integer(parts[i]);
    if (value && *value >= 1 && *value <= static_cast<std::int64_t>(kLargestDimension)) {
      sizes[i] = static_cast<std::uint64_t>(*value);
    } else {
      diagnostics.add(where, fmt::format("{} is '{}', expected an integer in 1..{}", kNames[i],
                                         parts[i], kLargestDimension));
    }
  }
  diagnostics.throw_if_any();
  Operator gemm;
  gemm.name = "gemm";
  gemm.gemm = {sizes[0], sizes[1], sizes[2]};
  return {text, {gemm}};
}

}  // namespace bitsmith
