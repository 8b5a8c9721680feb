#include "config/json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/file.h"
#include "common/text.h"

namespace bitsmith {
namespace {

// The parser gives its events no place, but it reads a character at a time: this iterator tells how
// far it has come.
class WatchedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  WatchedIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  WatchedIterator& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  bool operator==(const WatchedIterator& other) const { return at_ == other.at_; }
  bool operator!=(const WatchedIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

bool is_of_number(char c) {
  return (c >= '0' && c <= '9') || std::string_view("+-.eE").find(c) != std::string_view::npos;
}

// Takes the events of nlohmann::json::sax_parse() and builds the tree.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, const std::string& name, JsonLimits limits)
      : text_(text), name_(name), limits_(limits), seen_(text.data()) {}

  YamlNode parse() {
    const char* const end = text_.data() + text_.size();
    nlohmann::json::sax_parse(WatchedIterator(text_.data(), &seen_), WatchedIterator(end, &seen_),
                              this);
    return std::move(root_);
  }

  using Json = nlohmann::json;
  bool null() { return add(YamlNode::Kind::empty, "", place(behind() - 4)); }
  bool boolean(bool value) {
    const std::string_view word = value ? "true" : "false";
    return add(YamlNode::Kind::scalar, std::string(word), place(behind() - word.size()));
  }
  bool number_integer(Json::number_integer_t) { return number(); }
  bool number_unsigned(Json::number_unsigned_t) { return number(); }
  bool number_float(Json::number_float_t, const Json::string_t&) { return number(); }
  bool string(Json::string_t& value) {
    add(YamlNode::Kind::scalar, std::move(value), place(start_of_string()));
    last_->quoted = true;
    return true;
  }
  bool binary(Json::binary_t&) { throw InternalError("JSON text has no binary values"); }
  bool start_object(std::size_t) { return open(YamlNode::Kind::map); }
  bool start_array(std::size_t) { return open(YamlNode::Kind::sequence); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(Json::string_t& key);
  bool parse_error(std::size_t, const std::string&, const Json::exception&) {
    fail(place(std::max<std::size_t>(behind(), 1) - 1), "this is no JSON");
  }

 private:
  // Bytes that the parser has read: up to the end of the token, and one more after a number.
  std::size_t behind() const { return static_cast<std::size_t>(seen_ - text_.data()); }
  std::size_t start_of_string() const;
  bool number();
  Location place(std::size_t offset);
  bool add(YamlNode::Kind kind, std::string scalar, const Location& where);
  bool open(YamlNode::Kind kind);
  bool close();
  [[noreturn]] static void fail(const Location& where, std::string_view message) {
    throw UserError(where, message);
  }

  struct Level {
    YamlNode* node;
    std::set<std::string, std::less<>> keys;
  };

  std::string_view text_;
  std::string name_;
  JsonLimits limits_;
  const char* seen_;
  YamlNode root_;
  YamlNode* last_ = nullptr;  // the node added last
  std::vector<Level> open_;   // a node on it takes children only while its last one is closed
  std::size_t nodes_ = 0;
  // Lines are counted up to here.
  std::size_t counted_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

// Of the string that ends here; quotes within it follow an odd number of backslashes.
std::size_t TreeBuilder::start_of_string() const {
  std::size_t at = behind() - 1;
  while (true) {
    at = text_.rfind('"', at - 1);
    std::size_t backslashes = 0;
    while (backslashes < at && text_[at - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return at;
  }
}

bool TreeBuilder::number() {
  std::size_t end = behind();
  while (!is_of_number(text_[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && is_of_number(text_[begin - 1])) --begin;
  return add(YamlNode::Kind::scalar, std::string(text_.substr(begin, end - begin)), place(begin));
}

// Places are asked for from the first to the last.
Location TreeBuilder::place(std::size_t offset) {
  for (; counted_ < offset; ++counted_) {
    if (text_[counted_] != '\n') continue;
    ++line_;
    line_start_ = counted_ + 1;
  }
  return {name_, line_, static_cast<int>(offset - line_start_) + 1};
}

bool TreeBuilder::add(YamlNode::Kind kind, std::string scalar, const Location& where) {
  if (++nodes_ > limits_.nodes) fail(where, fmt::format("more than {} values", limits_.nodes));
  if (open_.empty()) {
    if (kind != YamlNode::Kind::map) fail(where, "expected an object");
    last_ = &root_;
  } else if (YamlNode& parent = *open_.back().node; parent.kind == YamlNode::Kind::map) {
    last_ = &parent.entries.back().value;
  } else {
    last_ = &parent.items.emplace_back();
  }
  last_->kind = kind;
  last_->where = where;
  last_->scalar = std::move(scalar);
  return true;
}

bool TreeBuilder::open(YamlNode::Kind kind) {
  const Location where = place(behind() - 1);
  if (open_.size() == yaml::kDepthLimit) {
    fail(where, fmt::format("more than {} levels", yaml::kDepthLimit));
  }
  add(kind, "", where);
  open_.push_back({last_, {}});
  return true;
}

bool TreeBuilder::close() {
  open_.pop_back();
  return true;
}

bool TreeBuilder::key(Json::string_t& key) {
  constexpr std::size_t kShown = 64;
  const Location where = place(start_of_string());
  if (!open_.back().keys.insert(key).second) {
    fail(where, fmt::format("'{}' is there twice", printable(key, kShown)));
  }
  open_.back().node->entries.push_back({std::move(key), where, {}});
  return true;
}

}  // namespace

YamlNode parse_json(std::string_view text, const std::string& name, JsonLimits limits) {
  if (text.size() > limits.bytes) {
    throw UserError(Location{name}, fmt::format("is longer than {} bytes", limits.bytes));
  }
  // The parser takes a zero byte for the end of the text and would not look at the rest.
  if (text.find('\0') != std::string_view::npos) throw UserError(Location{name}, "has zero bytes");
  return TreeBuilder(text, name, limits).parse();
}

YamlNode read_json(const std::filesystem::path& path, JsonLimits limits) {
  return parse_json(read_file(path, limits.bytes), path.string(), limits);
}

}  // namespace bitsmith
