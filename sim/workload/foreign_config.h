// Somebody else's description of a model on its way to a Transformer: values are read under their
// keys with what the source says of missing ones, set under ours with their places, and judged by
// the rules that hold for our own files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/yaml.h"
#include "workload/imported_model.h"

namespace bitsmith {

class ForeignConfig {
 public:
  // `map` must outlive this object; all mistakes of its values go to `mistakes`.
  ForeignConfig(const YamlNode& map, Diagnostics& mistakes);

  ImportedModel model;  // all but `transformer` and `weights` are for the caller to fill

  bool has(std::string_view key) const { return map_.find(key) != nullptr; }
  // Null when the key is missing or its value is null.
  const YamlNode* find(std::string_view key) const;
  Location where(std::string_view key) const;  // the whole file where the key is missing

  // The value; `otherwise` where it is missing, null or wrong.
  std::uint64_t integer(std::string_view key, std::uint64_t otherwise) const;
  bool flag(std::string_view key, bool otherwise) const;
  double number(std::string_view key, double otherwise) const;
  std::string text(std::string_view key, std::string_view otherwise) const;
  // The number in a map that is itself the value of a key.
  std::optional<double> number_in(const YamlNode& inner, std::string_view key) const;

  // A value of the Transformer, once per key of transformer_parameters().
  void set(std::string_view name, std::uint64_t value) { set(name, value, draft_.where); }
  void set(std::string_view name, std::uint64_t value, const Location& where);
  void set_flag(std::string_view name, bool value);
  void set_word(std::string_view name, std::string_view value);
  // Ours of that `name` is theirs of that `key`.
  std::uint64_t take(std::string_view name, std::string_view key, std::uint64_t otherwise);
  // head_dim of `hidden` features divided among heads, whose number is that of `heads_key`.
  std::uint64_t set_head_dim(std::uint64_t hidden, std::uint64_t heads, std::string_view heads_key);

  // The value of `key` makes another model of it than a Transformer can be.
  void refuse(std::string_view key, std::string_view why);
  // The value of `key` changes values, but no shapes: ImportedModel::unmodelled.
  void note(std::string_view key, std::string_view what);

  // `model` with its transformer. Throws UserError with all mistakes.
  ImportedModel finish();

 private:
  void add(std::string_view name, std::string value, bool is_text, const Location& where);

  const YamlNode& map_;
  Diagnostics& mistakes_;
  YamlNode draft_;  // under the keys of transformer_parameters()
};

}  // namespace bitsmith
