// The grammar of a Liberty file, without its meaning: groups of attributes and groups.
//
// Everything is a view into the text, which must outlive the tree, so that a file of tens of
// megabytes is read in a fraction of a second and any view can be located in the file.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace bitsmith {

// `name : value ;` (simple: quotes and space around the value are gone) or `name (value) ;`
// (complex: the text between the parentheses as it stands).
struct LibertyAttribute {
  std::string_view name;
  std::string_view value;
};

// `type (arguments) { ... }`
struct LibertyGroup {
  std::string_view type;
  std::string_view arguments;  // as they stand
  std::vector<LibertyAttribute> attributes;
  std::vector<LibertyGroup> groups;

  const LibertyGroup* find(std::string_view wanted) const;
  // The value of the last attribute of that name; empty when there is none.
  std::string_view text(std::string_view attribute) const;
};

// The words of a list such as `"IQ", "IQN"` or `A B`: quotes, commas, space and line continuations
// separate them.
std::vector<std::string_view> liberty_words(std::string_view list);
// The first of these words, or nothing.
std::string_view liberty_word(std::string_view list);
std::optional<double> liberty_number(std::string_view word);

class LibertyText {
 public:
  // Parses the text of a file. Throws UserError (file:line:column) when it is no Liberty file.
  LibertyText(std::string_view text, std::string file);

  const LibertyGroup& library() const { return library_; }
  // Where a view into the text starts.
  Location locate(std::string_view part) const;

 private:
  std::string_view text_;
  std::string file_;
  LibertyGroup library_;
};

}  // namespace bitsmith
