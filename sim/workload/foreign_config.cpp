#include "workload/foreign_config.h"

#include <utility>

#include "config/scalar.h"

namespace bitsmith {
namespace {

// Wide enough for all that a Transformer has; its own rules are narrower.
constexpr IntegerRange kSizes{0, std::int64_t{1} << 24};
constexpr NumberRange kNumbers{0, 1e12};

}  // namespace

ForeignConfig::ForeignConfig(const YamlNode& map, Diagnostics& mistakes)
    : map_(map), mistakes_(mistakes) {
  draft_.kind = YamlNode::Kind::map;
  draft_.where = map.where;
}

const YamlNode* ForeignConfig::find(std::string_view key) const {
  const YamlNode* const node = map_.find(key);
  return node == nullptr || node->kind == YamlNode::Kind::empty ? nullptr : node;
}

Location ForeignConfig::where(std::string_view key) const {
  const YamlNode* const node = map_.find(key);
  return node == nullptr ? map_.where : node->where;
}

std::uint64_t ForeignConfig::integer(std::string_view key, std::uint64_t otherwise) const {
  const YamlNode* const node = find(key);
  if (node == nullptr) return otherwise;
  const auto value = read_integer(*node, key, kSizes, mistakes_);
  return value ? static_cast<std::uint64_t>(*value) : otherwise;
}

bool ForeignConfig::flag(std::string_view key, bool otherwise) const {
  const YamlNode* const node = find(key);
  return node == nullptr ? otherwise : read_flag(*node, key, mistakes_).value_or(otherwise);
}

double ForeignConfig::number(std::string_view key, double otherwise) const {
  return number_in(map_, key).value_or(otherwise);
}

std::optional<double> ForeignConfig::number_in(const YamlNode& inner, std::string_view key) const {
  const YamlNode* const node = inner.find(key);
  if (node == nullptr || node->kind == YamlNode::Kind::empty) return std::nullopt;
  return read_number(*node, key, kNumbers, mistakes_);
}

std::string ForeignConfig::text(std::string_view key, std::string_view otherwise) const {
  const YamlNode* const node = find(key);
  if (node == nullptr) return std::string(otherwise);
  if (node->kind == YamlNode::Kind::scalar && !node->quoted) {
    mistakes_.add(node->where,
                  fmt::format("'{}': expected text, found {}", key, yaml::describe(*node)));
    return std::string(otherwise);
  }
  return read_text(*node, key, mistakes_).value_or(std::string(otherwise));
}

void ForeignConfig::set(std::string_view name, std::uint64_t value, const Location& where) {
  add(name, std::to_string(value), false, where);
}

void ForeignConfig::set_flag(std::string_view name, bool value) {
  add(name, value ? "true" : "false", false, draft_.where);
}

void ForeignConfig::set_word(std::string_view name, std::string_view value) {
  add(name, std::string(value), true, draft_.where);
}

std::uint64_t ForeignConfig::take(std::string_view name, std::string_view key,
                                  std::uint64_t otherwise) {
  const std::uint64_t value = integer(key, otherwise);
  set(name, value, where(key));
  return value;
}

std::uint64_t ForeignConfig::set_head_dim(std::uint64_t hidden, std::uint64_t heads,
                                          std::string_view heads_key) {
  const bool divides = heads != 0 && hidden % heads == 0;
  if (!divides) {
    refuse(heads_key, fmt::format("{} features do not divide into {} heads", hidden, heads));
  }
  const std::uint64_t width = divides ? hidden / heads : 1;
  set("head_dim", width);
  return width;
}

void ForeignConfig::refuse(std::string_view key, std::string_view why) {
  mistakes_.add(where(key), fmt::format("'{}': {}", key, why));
}

void ForeignConfig::note(std::string_view key, std::string_view what) {
  model.unmodelled.push_back(fmt::format("{}: '{}': {}", where(key).text(), key, what));
}

ImportedModel ForeignConfig::finish() {
  mistakes_.throw_if_any();
  model.transformer = transformer_parameters().read(draft_, mistakes_);
  mistakes_.throw_if_any();
  return std::move(model);
}

void ForeignConfig::add(std::string_view name, std::string value, bool is_text,
                        const Location& where) {
  check(draft_.find(name) == nullptr, "a value of a model that is set twice");
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.where = where;
  node.scalar = std::move(value);
  node.quoted = is_text;
  draft_.entries.push_back({std::string(name), where, std::move(node)});
}

}  // namespace bitsmith
