// Lines of a plain text file of a user.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {

// Without the blanks (spaces, tabs) at both ends.
std::string_view trimmed(std::string_view text);

struct TextLine {
  std::string_view text;  // without its end, "\n" or "\r\n"
  int number = 1;         // from 1

  bool is_blank() const { return trimmed(text).empty(); }
};

// Without a byte order mark. Throws UserError, located in `name`, when the text is too long, no
// UTF-8 or has control characters other than tabs and line ends.
std::vector<TextLine> text_lines(std::string_view text, const std::string& name,
                                 std::size_t byte_limit, std::size_t line_limit);

}  // namespace bitsmith
