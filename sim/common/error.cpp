#include "common/error.h"

#include <algorithm>
#include <numeric>

namespace bitsmith {
namespace {

std::string join_lines(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Levenshtein distance without regard to case; both words are short (parameter and format names).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

constexpr std::size_t kLongestGuessedWord = 64;

}  // namespace

std::string Location::text() const {
  if (line <= 0) return file;
  return fmt::format("{}:{}:{}", file, line, column);
}

UserError::UserError(std::string message)
    : UserError(std::vector<std::string>{std::move(message)}) {}

UserError::UserError(std::vector<std::string> messages)
    : std::runtime_error(join_lines(messages)), messages_(std::move(messages)) {}

UserError::UserError(const Location& where, std::string_view message)
    : UserError(fmt::format("{}: {}", where.text(), message)) {}

void Diagnostics::add(const Location& where, std::string_view message) {
  if (++count_ == kShown + 1) first_not_shown_ = where.text();
  if (count_ <= kShown) messages_.push_back(fmt::format("{}: {}", where.text(), message));
}

void Diagnostics::throw_if_any() const {
  if (empty()) return;
  std::vector<std::string> messages = messages_;
  if (count_ > kShown) {
    messages.push_back(
        fmt::format("{}: {} more mistakes from here", first_not_shown_, count_ - kShown));
  }
  throw UserError(std::move(messages));
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> allowed) {
  if (word.size() > kLongestGuessedWord) return "";
  std::string_view best;
  std::size_t best_distance = 1 + std::max<std::size_t>(1, word.size() / 3);
  for (const std::string_view candidate : allowed) {
    const std::size_t distance = edit_distance(word, candidate);
    // Two words without a letter in common are as far apart as words can be.
    const bool related = distance < std::max(word.size(), candidate.size());
    if (related && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format(" (did you mean '{}'?)", best);
}

}  // namespace bitsmith
