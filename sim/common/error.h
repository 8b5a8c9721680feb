// Errors that reach the user, and checks that catch our own bugs.
//
// A UserError is the user's mistake: main prints its lines and exits 2. An InternalError is ours:
// main asks for a bug report and exits 1. Nothing below main calls exit().
#pragma once

#include <fmt/format.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {

// A place in something the user wrote: a file (line and column counted from 1) or a command-line
// option (line 0).
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  // "file:line:column", or just the file where the line is unknown.
  std::string text() const;
  bool operator==(const Location&) const = default;
};

// One or more mistakes of the user, each a complete line of text.
class UserError : public std::runtime_error {
 public:
  explicit UserError(std::string message);
  explicit UserError(std::vector<std::string> messages);
  UserError(const Location& where, std::string_view message);

  const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::vector<std::string> messages_;
};

class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Collects mistakes so that all of them are reported at once, in the order of add(). Of a file that
// is nothing but mistakes the first kShown are kept and the rest is counted.
class Diagnostics {
 public:
  static constexpr std::size_t kShown = 1000;

  void add(const Location& where, std::string_view message);
  bool empty() const { return count_ == 0; }
  // How many mistakes there were, those not kept included.
  std::size_t size() const { return count_; }
  // Throws a UserError with everything collected so far, if there is anything.
  void throw_if_any() const;

 private:
  std::vector<std::string> messages_;
  std::string first_not_shown_;  // where
  std::size_t count_ = 0;
};

// " (did you mean 'x'?)" with the closest allowed word, upper and lower case alike, or "" when none
// is close.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> allowed);

// Throws InternalError when `condition` is false. For what only a bug of ours can break.
inline void check(bool condition, std::string_view what) {
  if (!condition) throw InternalError(std::string(what));
}

}  // namespace bitsmith
