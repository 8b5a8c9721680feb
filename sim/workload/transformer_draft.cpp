#include "workload/transformer_draft.h"

namespace bitsmith {

TransformerDraft::TransformerDraft(Location file) {
  map_.kind = YamlNode::Kind::map;
  map_.where = std::move(file);
}

void TransformerDraft::set(std::string_view key, std::uint64_t value, const Location& where) {
  add(key, std::to_string(value), false, where);
}

void TransformerDraft::set_flag(std::string_view key, bool value) {
  add(key, value ? "true" : "false", false, map_.where);
}

void TransformerDraft::set_word(std::string_view key, std::string_view value) {
  add(key, std::string(value), true, map_.where);
}

void TransformerDraft::add(std::string_view key, std::string value, bool is_text,
                           const Location& where) {
  check(map_.find(key) == nullptr, "a value of a model that is set twice");
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.where = where;
  node.scalar = std::move(value);
  node.quoted = is_text;
  map_.entries.push_back({std::string(key), where, std::move(node)});
}

Transformer TransformerDraft::finish(Diagnostics& diagnostics) const {
  return transformer_parameters().read(map_, diagnostics);
}

}  // namespace bitsmith
