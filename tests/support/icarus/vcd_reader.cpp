#include "support/icarus/vcd_reader.h"

#include <charconv>

#include "common/error.h"
#include "common/text.h"

namespace bitsmith {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kVariableLimit = std::size_t{1} << 26;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Identifiers are numbers to the base of 94 printable characters; kVariableLimit if it is none.
std::size_t number_of(std::string_view identifier) {
  std::size_t number = 0;
  for (const char c : identifier) {
    if (c < '!' || c > '~' || number >= kVariableLimit) return kVariableLimit;
    number = number * 94 + static_cast<std::size_t>(c - '!') + 1;
  }
  return identifier.empty() ? kVariableLimit : number;
}

}  // namespace

VcdReader::VcdReader(const std::filesystem::path& file,
                     const std::function<std::uint32_t(std::string_view)>& declare)
    : name_(file.string()), file_(file, std::ios::binary) {
  if (!file_) throw UserError(fmt::format("{}: cannot be read", name_));
  for (std::string_view word = token(); word != "$enddefinitions"; word = token()) {
    if (word.empty()) fail("the header does not end");
    if (word == "$var") read_variable(declare);
  }
}

void VcdReader::fail(std::string_view what) const {
  throw UserError(fmt::format("{}: not a value change dump: {}", name_, what));
}

// $var wire 1 ! name [range] $end
void VcdReader::read_variable(const std::function<std::uint32_t(std::string_view)>& declare) {
  token();
  const bool one_bit = token() == "1";
  const std::size_t number = number_of(token());
  const std::string_view name = token();
  if (number >= kVariableLimit || name.empty()) fail("a variable without a name");
  const std::uint32_t chosen = one_bit ? declare(name) : kIgnored;
  if (number >= variables_.size()) variables_.resize(number + 1, kIgnored);
  variables_[number] = chosen;
}

// The next word, valid until the next call; empty at the end.
std::string_view VcdReader::token() {
  while (true) {
    while (at_ < buffer_.size() && is_space(buffer_[at_])) ++at_;
    std::size_t end = at_;
    while (end < buffer_.size() && !is_space(buffer_[end])) ++end;
    if (end < buffer_.size() || !file_) {
      const std::string_view word = std::string_view(buffer_).substr(at_, end - at_);
      at_ = end;
      return word;
    }
    if (end - at_ > kBufferBytes) fail("a word of a million letters");
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kBufferBytes);
    file_.read(buffer_.data() + kept, static_cast<std::streamsize>(kBufferBytes));
    buffer_.resize(kept + static_cast<std::size_t>(file_.gcount()));
  }
}

bool VcdReader::next(Change& change) {
  for (std::string_view word = token(); !word.empty(); word = token()) {
    switch (word[0]) {
      case '#': {
        const char* end = word.data() + word.size();
        if (std::from_chars(word.data() + 1, end, time_).ptr != end) fail("a time is no number");
        break;
      }
      case '0':
      case '1':
      case 'x':
      case 'z': {
        const std::size_t number = number_of(word.substr(1));
        if (number >= variables_.size()) fail("a change of an unknown variable");
        if (variables_[number] == kIgnored) break;
        change = {time_, variables_[number], word[0]};
        return true;
      }
      case 'b':
      case 'r':
        token();
        break;  // of a vector or a real: its identifier follows
      case '$':
        break;  // $dumpvars, $end
      default:
        fail(fmt::format("unexpected '{}'", printable(word, 20)));
    }
  }
  return false;
}

}  // namespace bitsmith
