#include "workload/text_lines.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"

namespace bitsmith {
namespace {

void require_text(const TextLine& line, const std::string& name) {
  std::string_view rest = line.text;
  for (std::size_t length = 0; !rest.empty(); rest.remove_prefix(length)) {
    length = utf8_length(rest);
    if (length == 0 || (starts_with_control(rest) && rest[0] != '\t')) {
      const auto column = static_cast<int>(line.text.size() - rest.size()) + 1;
      throw UserError({name, line.number, column},
                      "not a text file (a control character or no UTF-8)");
    }
  }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<TextLine> text_lines(std::string_view text, const std::string& name,
                                 std::size_t byte_limit, std::size_t line_limit) {
  if (text.size() > byte_limit) {
    throw UserError(
        fmt::format("{}: longer than the {} bytes allowed for such a file", name, byte_limit));
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<TextLine> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    TextLine line{text.substr(0, end), static_cast<int>(lines.size()) + 1};
    if (line.text.ends_with('\r')) line.text.remove_suffix(1);
    if (lines.size() == line_limit) {
      throw UserError({name, line.number, 1}, fmt::format("more than {} lines", line_limit));
    }
    require_text(line, name);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace bitsmith
