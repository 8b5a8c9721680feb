#include "cost/boolean_function.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "common/text.h"

namespace bitsmith {

// Recursive descent, one function per precedence.
class BooleanParser {
 public:
  explicit BooleanParser(std::string_view text) : text_(text) {}

  BooleanFunction parse() {
    either();
    if (peek() != '\0') fail();
    return std::move(function_);
  }

 private:
  using Kind = BooleanFunction::Kind;
  static constexpr int kDepthLimit = 200;

  [[noreturn]] void fail() const {
    throw std::invalid_argument(
        at_ >= text_.size() ? fmt::format("function '{}' ends too early", printable(text_, 60))
                            : fmt::format("function '{}': unexpected '{}'", printable(text_, 60),
                                          printable(text_.substr(at_, 1), 1)));
  }

  static bool is_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '[' || c == ']';
  }
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char a, char b) {
    const char c = peek();
    if (c == '\0' || (c != a && c != b)) return false;
    ++at_;
    return true;
  }
  std::uint32_t add(Kind kind, std::uint32_t left, std::uint32_t right = 0) {
    function_.nodes_.push_back({kind, left, right});
    return static_cast<std::uint32_t>(function_.nodes_.size() - 1);
  }

  std::uint32_t either() {
    std::uint32_t left = both();
    while (take('+', '|')) left = add(Kind::either, left, both());
    return left;
  }
  // Two operands side by side are an AND, too.
  std::uint32_t both() {
    std::uint32_t left = exclusive_or();
    while (take('*', '&') || is_name(peek()) || peek() == '!' || peek() == '(') {
      left = add(Kind::both, left, exclusive_or());
    }
    return left;
  }
  std::uint32_t exclusive_or() {
    std::uint32_t left = unary();
    while (take('^', '^')) left = add(Kind::exclusive_or, left, unary());
    return left;
  }
  std::uint32_t unary() {
    if (++depth_ > kDepthLimit) throw std::invalid_argument("function nested too deeply");
    std::uint32_t node = take('!', '~') ? add(Kind::invert, unary()) : operand();
    while (take('\'', '\'')) node = add(Kind::invert, node);
    --depth_;
    return node;
  }
  std::uint32_t operand() {
    if (take('(', '(')) {
      const std::uint32_t node = either();
      if (!take(')', ')')) fail();
      return node;
    }
    const std::size_t begin = (peek(), at_);
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (name.empty()) fail();
    if (name == "0" || name == "1") return add(Kind::constant, name == "1" ? 1 : 0);
    return add(Kind::variable, number_of(name));
  }
  std::uint32_t number_of(const std::string& name) {
    auto& variables = function_.variables_;
    const auto found = std::find(variables.begin(), variables.end(), name);
    const auto number = static_cast<std::uint32_t>(found - variables.begin());
    if (found == variables.end()) variables.push_back(name);
    return number;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  BooleanFunction function_;
};

BooleanFunction BooleanFunction::parse(std::string_view text) {
  // Far beyond any cell; what is made of a function may grow with its square.
  constexpr std::size_t kLengthLimit = 4096;
  if (text.size() > kLengthLimit) throw std::invalid_argument("function too long");
  return BooleanParser(text).parse();
}

bool BooleanFunction::evaluate(const std::function<bool(const std::string&)>& value_of) const {
  return (evaluate_64([&](const std::string& name) {
            return value_of(name) ? ~std::uint64_t{0} : std::uint64_t{0};
          }) &
          1U) != 0;
}

std::uint64_t BooleanFunction::evaluate_64(
    const std::function<std::uint64_t(const std::string&)>& values_of) const {
  std::vector<std::uint64_t> values(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    switch (node.kind) {
      case Kind::constant:
        values[i] = node.left != 0 ? ~std::uint64_t{0} : 0;
        break;
      case Kind::variable:
        values[i] = values_of(variables_[node.left]);
        break;
      case Kind::invert:
        values[i] = ~values[node.left];
        break;
      case Kind::exclusive_or:
        values[i] = values[node.left] ^ values[node.right];
        break;
      case Kind::both:
        values[i] = values[node.left] & values[node.right];
        break;
      case Kind::either:
        values[i] = values[node.left] | values[node.right];
        break;
    }
  }
  return values.back();
}

std::string BooleanFunction::verilog() const {
  std::vector<std::string> texts(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const auto infix = [&](std::string_view symbol) {
      return fmt::format("({} {} {})", texts[node.left], symbol, texts[node.right]);
    };
    switch (node.kind) {
      case Kind::constant:
        texts[i] = fmt::format("1'b{}", node.left);
        break;
      case Kind::variable:
        texts[i] = variables_[node.left];
        break;
      case Kind::invert:
        texts[i] = fmt::format("(~{})", texts[node.left]);
        break;
      case Kind::exclusive_or:
        texts[i] = infix("^");
        break;
      case Kind::both:
        texts[i] = infix("&");
        break;
      case Kind::either:
        texts[i] = infix("|");
        break;
    }
  }
  return texts.back();
}

bool BooleanFunction::is_buffer_of(std::string_view variable) const {
  return nodes_.size() == 1 && nodes_[0].kind == Kind::variable && variables_[0] == variable;
}

bool BooleanFunction::is_inverter_of(std::string_view variable) const {
  return nodes_.size() == 2 && nodes_[0].kind == Kind::variable && nodes_[1].kind == Kind::invert &&
         variables_[0] == variable;
}

}  // namespace bitsmith
