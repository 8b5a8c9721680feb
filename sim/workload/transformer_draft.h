// A Transformer in the making out of somebody else's file: values under our names, each with its
// place there, judged by the rules that hold for our own files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/yaml.h"
#include "workload/transformer.h"

namespace bitsmith {

class TransformerDraft {
 public:
  // `file` is the place of what has none of its own.
  explicit TransformerDraft(Location file);

  // Once per key of transformer_parameters().
  void set(std::string_view key, std::uint64_t value, const Location& where);
  void set(std::string_view key, std::uint64_t value) { set(key, value, map_.where); }
  void set_flag(std::string_view key, bool value);
  void set_word(std::string_view key, std::string_view value);

  // What transformer_parameters() reads of it.
  Transformer finish(Diagnostics& diagnostics) const;

 private:
  void add(std::string_view key, std::string value, bool is_text, const Location& where);

  YamlNode map_;
};

}  // namespace bitsmith
