// Functions of pins as Liberty writes them: `!a`, `a'`, `a ^ b`, `a b`, `a * b`, `a & b`, `a + b`,
// `a | b`, parentheses, 0 and 1; NOT binds tightest, then XOR, AND, OR.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {

class BooleanFunction {
 public:
  // Throws std::invalid_argument with what is wrong.
  static BooleanFunction parse(std::string_view text);

  // In order of first appearance.
  const std::vector<std::string>& variables() const { return variables_; }
  bool evaluate(const std::function<bool(const std::string&)>& value_of) const;
  // Of 64 assignments at once, a bit each.
  std::uint64_t evaluate_64(
      const std::function<std::uint64_t(const std::string&)>& values_of) const;
  // Fully parenthesised.
  std::string verilog() const;
  // Whether it is just this variable, or just its complement.
  bool is_buffer_of(std::string_view variable) const;
  bool is_inverter_of(std::string_view variable) const;

 private:
  friend class BooleanParser;
  enum class Kind : std::uint8_t { constant, variable, invert, exclusive_or, both, either };
  struct Node {
    Kind kind;
    std::uint32_t left = 0;   // node; of a constant its value; of a variable its number
    std::uint32_t right = 0;  // node
  };
  std::vector<Node> nodes_;  // operands before operators: the last is the function
  std::vector<std::string> variables_;
};

}  // namespace bitsmith
