#include "cost/liberty_text.h"

#include <algorithm>
#include <charconv>

#include "common/text.h"

namespace bitsmith {
namespace {

constexpr int kDepthLimit = 16;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool separates(char c) { return is_space(c) || c == '"' || c == ',' || c == '\\'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Location location_in(std::string_view text, std::size_t at, const std::string& file) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n');
  const std::size_t column =
      line_start == std::string_view::npos ? at : before.size() - line_start - 1;
  return {file, static_cast<int>(line) + 1, static_cast<int>(column) + 1};
}

// Recursive descent over the text.
class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  LibertyGroup parse() {
    LibertyGroup holder;
    skip_space();
    parse_statement(holder, 0);
    if (holder.groups.size() != 1 || holder.groups[0].type != "library") fail("no library group");
    return std::move(holder.groups[0]);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw UserError(location_in(text_, at_, file_), fmt::format("not a Liberty file: {}", what));
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool starts(std::string_view word) const { return text_.substr(at_, 2) == word; }
  // To the next `c`, which must exist.
  void seek(char c, std::string_view or_else) {
    at_ = std::min(text_.find(c, at_), text_.size());
    if (at_end()) fail(or_else);
  }

  void skip_comment() {
    at_ = std::min(text_.find("*/", at_ + 2), text_.size());
    if (at_end()) fail("a comment does not end");
    at_ += 2;
  }
  // Space, comments and line continuations; `;` too, since it may be missing or doubled.
  void skip_space() {
    for (; !at_end(); ++at_) {
      while (starts("/*")) skip_comment();
      if (starts("//")) at_ = std::min(text_.find('\n', at_), text_.size());
      const char c = peek();
      if (!is_space(c) && c != ';' && c != '\\') return;
    }
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }

  std::string_view word() {
    const std::size_t begin = at_;
    while (!at_end() && is_word(peek())) ++at_;
    if (at_end()) fail("unexpected end of the file");
    if (at_ == begin) {
      fail(fmt::format("unexpected character '{}'", printable(text_.substr(at_, 1), 1)));
    }
    return text_.substr(begin, at_ - begin);
  }

  std::string_view quoted() {
    const std::size_t begin = ++at_;
    seek('"', "a string does not end");
    return text_.substr(begin, at_++ - begin);
  }

  // What stands between parentheses; quoted ones do not count.
  std::string_view arguments() {
    const std::size_t begin = ++at_;
    for (; peek() != ')'; ++at_) {
      if (at_end()) fail("'(' without ')'");
      if (peek() != '"') continue;
      quoted();
      --at_;
    }
    return text_.substr(begin, at_++ - begin);
  }

  // An attribute's value ends at ';' or at the end of its line.
  std::string_view value() {
    skip_blanks();
    if (peek() == '"') return trimmed(quoted());
    const std::size_t begin = at_;
    while (!at_end() && peek() != ';' && peek() != '\n' && peek() != '}' && !starts("/*")) ++at_;
    return trimmed(text_.substr(begin, at_ - begin));
  }

  void parse_statement(LibertyGroup& parent, int depth) {
    if (depth > kDepthLimit) fail("groups nested too deeply");
    const std::string_view name = word();
    skip_blanks();
    if (peek() == ':') {
      ++at_;
      parent.attributes.push_back({name, value()});
      return;
    }
    if (peek() != '(') fail(fmt::format("'{}' is followed by neither ':' nor '('", name));
    const std::string_view list = arguments();
    skip_space();
    if (peek() != '{') {
      parent.attributes.push_back({name, list});
      return;
    }
    ++at_;
    LibertyGroup group{name, list, {}, {}};
    for (skip_space(); peek() != '}'; skip_space()) {
      if (at_end()) fail("'{' without '}'");
      parse_statement(group, depth + 1);
    }
    ++at_;
    parent.groups.push_back(std::move(group));
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

}  // namespace

const LibertyGroup* LibertyGroup::find(std::string_view wanted) const {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const LibertyGroup& group) { return group.type == wanted; });
  return found == groups.end() ? nullptr : &*found;
}

std::string_view LibertyGroup::text(std::string_view attribute) const {
  const auto found =
      std::find_if(attributes.rbegin(), attributes.rend(),
                   [&](const LibertyAttribute& candidate) { return candidate.name == attribute; });
  return found == attributes.rend() ? std::string_view() : found->value;
}

std::string_view liberty_word(std::string_view list) {
  const auto begin = std::find_if_not(list.begin(), list.end(), separates);
  const auto end = std::find_if(begin, list.end(), separates);
  return list.substr(static_cast<std::size_t>(begin - list.begin()),
                     static_cast<std::size_t>(end - begin));
}

std::vector<std::string_view> liberty_words(std::string_view list) {
  std::vector<std::string_view> words;
  for (std::string_view word = liberty_word(list); !word.empty(); word = liberty_word(list)) {
    words.push_back(word);
    list.remove_prefix(static_cast<std::size_t>(word.data() + word.size() - list.data()));
  }
  return words;
}

std::optional<double> liberty_number(std::string_view word) {
  double value = 0;
  if (word.starts_with('+')) word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  if (!(value > -1e30 && value < 1e30)) return std::nullopt;
  return value;
}

LibertyText::LibertyText(std::string_view text, std::string file)
    : text_(text), file_(std::move(file)), library_(Parser(text_, file_).parse()) {}

Location LibertyText::locate(std::string_view part) const {
  return location_in(text_, static_cast<std::size_t>(part.data() - text_.data()), file_);
}

}  // namespace bitsmith
