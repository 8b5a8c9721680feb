#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>

#include "common/file.h"
#include "common/text.h"
#include "config/yaml_limits.h"

namespace bitsmith {
namespace {

// How much of what the user wrote is shown in messages.
constexpr std::size_t kShownCharacters = 40;
constexpr std::size_t kShownOption = 200;
constexpr std::size_t kShownMessage = 200;

// A stream over memory that we own; std::istringstream would copy the text.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::string_view text) {
    char* begin =
        const_cast<char*>(text.data());  // streambuf's interface; the get area is read-only
    setg(begin, begin, begin + text.size());
  }
};

// Ends the parsing of a text that is hopeless.
class TooMuch : public std::exception {};

// Builds the tree from yaml-cpp's events. The events, unlike yaml-cpp's own nodes, still show
// repeated keys, anchors and the place of every key.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const std::string& name, Diagnostics& diagnostics,
              std::size_t node_limit)
      : text_(text), name_(name), diagnostics_(diagnostics), node_limit_(node_limit) {
    root_.where = {name, 1, 1};  // for a text without a document
  }

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    diagnostics_.add(at(mark), "a second document; one is allowed");
    throw TooMuch();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    place(make(YamlNode::Kind::empty, mark, "", anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.add(at(mark), "aliases are not supported; write the value out");
    place(make(YamlNode::Kind::scalar, mark, "", 0));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // "! 16" and "!<?> 16" reach us with the tags of untagged scalars; the text tells.
    const auto offset = static_cast<std::size_t>(std::max(mark.pos, 0));
    const bool is_tagged = offset < text_.size() && text_[offset] == '!';
    YamlNode node = make(YamlNode::Kind::scalar, mark, is_tagged ? "!tag" : tag, anchor);
    node.scalar = value;
    node.quoted = tag == "!";
    place(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(YamlNode::Kind::sequence, mark, tag, anchor));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(YamlNode::Kind::map, mark, tag, anchor));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    YamlNode node;
    YamlEntry pending;  // a map's key whose value has not come yet
    bool has_key = false;
    bool is_word = false;                               // the key can be compared with others
    std::unordered_map<std::string, int> lines_of_key;  // where a key was given first
  };

  Location at(const YAML::Mark& mark) const { return {name_, mark.line + 1, mark.column + 1}; }

  YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor) {
    if (++nodes_ > node_limit_) {
      diagnostics_.add(at(mark), fmt::format("more than {} values in one file", node_limit_));
      throw TooMuch();
    }
    if (anchor != 0) diagnostics_.add(at(mark), "anchors are not supported; write the value out");
    if (!tag.empty() && tag != "?" && tag != "!") {
      diagnostics_.add(at(mark), "tags are not supported");
    }
    YamlNode node;
    node.kind = kind;
    node.where = at(mark);
    return node;
  }

  void open(YamlNode node) {
    if (levels_.size() >= yaml::kDepthLimit) {
      diagnostics_.add(node.where, fmt::format("nested deeper than {} levels", yaml::kDepthLimit));
      throw TooMuch();
    }
    levels_.emplace_back().node = std::move(node);
  }

  void close() {
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    place(std::move(node));
  }

  void place(YamlNode node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::sequence) {
      level.node.items.push_back(std::move(node));
    } else if (!level.has_key) {
      start_entry(level, std::move(node));
    } else {
      finish_entry(level, std::move(node));
    }
  }

  void start_entry(Level& level, YamlNode key) {
    level.is_word = key.kind == YamlNode::Kind::scalar;
    if (!level.is_word) {
      diagnostics_.add(key.where, fmt::format("a key must be a word, not {}", yaml::describe(key)));
    }
    level.pending = {key.scalar, key.where, {}};
    level.has_key = true;
  }

  void finish_entry(Level& level, YamlNode value) {
    level.has_key = false;
    if (!level.is_word) return;  // reported already
    const std::string& key = level.pending.key;
    const Location& where = level.pending.key_where;
    const auto [first, is_new] = level.lines_of_key.emplace(key, where.line);
    if (!is_new) {
      diagnostics_.add(where, fmt::format("'{}' is given twice, first at line {}",
                                          printable(key, kShownCharacters), first->second));
      return;
    }
    // yaml-cpp places a missing value at whatever comes next, often in another line.
    if (value.kind == YamlNode::Kind::empty) value.where = where;
    level.pending.value = std::move(value);
    level.node.entries.push_back(std::move(level.pending));
  }

  std::string_view text_;
  const std::string& name_;
  Diagnostics& diagnostics_;
  const std::size_t node_limit_;
  YamlNode root_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// Lone carriage returns are no line ends to yaml-cpp and overwrite lines on terminals.
bool is_forbidden(std::string_view text) {
  if (text.starts_with("\r\n") || text[0] == '\n' || text[0] == '\t') return false;
  return starts_with_control(text);
}

// yaml-cpp guesses encodings, reads past what is not text and drops directives without a word, so
// plain text is what it gets.
void require_text(std::string_view text, const std::string& name) {
  Location where{name, 1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const std::size_t length = utf8_length(rest);
    if (length == 0 || is_forbidden(rest)) {
      throw UserError(where, "not a text file (a control character or no UTF-8)");
    }
    if (where.column == 1 && text[i] == '%') {
      throw UserError(where, "directives ('%' at the start of a line) are not supported");
    }
    where.column = text[i] == '\n' ? 1 : where.column + static_cast<int>(length);
    if (text[i] == '\n') ++where.line;
    i += length;
  }
}

// Whether one line of text, as it should be on a command line.
bool is_clean(std::string_view text) {
  for (std::size_t length = 0; !text.empty(); text.remove_prefix(length)) {
    length = utf8_length(text);
    if (length == 0 || starts_with_control(text)) return false;
  }
  return true;
}

// Whether line `number` (from 0) starts with white space that has a tab in it.
bool is_indented_by_tab(std::string_view text, int number) {
  for (; number > 0 && !text.empty(); --number) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const std::size_t indent = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(0, indent).find('\t') != std::string_view::npos;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const YamlEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

YamlNode* YamlNode::find(std::string_view key) {
  return const_cast<YamlNode*>(std::as_const(*this).find(key));
}

namespace yaml {

YamlNode parse(std::string_view text, const std::string& name, Diagnostics& diagnostics,
               Limits limits) {
  if (text.size() > limits.bytes) {
    throw UserError(
        fmt::format("{}: longer than the {} bytes allowed for such a file", name, limits.bytes));
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  require_text(text, name);
  TreeBuilder builder(text, name, diagnostics, limits.nodes);
  try {
    MemoryBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    diagnostics.add({name, error.mark.line + 1, error.mark.column + 1},
                    fmt::format("not valid YAML: {}{}", printable(error.msg, kShownMessage),
                                is_indented_by_tab(text, error.mark.line)
                                    ? " (indentation is made of spaces, not tabs)"
                                    : ""));
    diagnostics.throw_if_any();
  } catch (const TooMuch&) {
    diagnostics.throw_if_any();  // it said so
  }
  return builder.take_root();
}

YamlNode parse(std::string_view text, const std::string& name, Diagnostics& diagnostics) {
  return parse(text, name, diagnostics, Limits{});
}

YamlNode parse(std::string_view text, const std::string& name) {
  Diagnostics diagnostics;
  YamlNode root = parse(text, name, diagnostics);
  diagnostics.throw_if_any();
  return root;
}

YamlNode read(const std::filesystem::path& path, Diagnostics& diagnostics) {
  YamlNode root = parse(read_file(path, kByteLimit), path.string(), diagnostics);
  if (root.kind == YamlNode::Kind::empty) {
    diagnostics.throw_if_any();
    throw UserError(fmt::format("{}: the file is empty", path.string()));
  }
  return root;
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::empty:
      return "nothing";
    case YamlNode::Kind::sequence:
      return "a sequence";
    case YamlNode::Kind::map:
      return "a map";
    case YamlNode::Kind::scalar:
      break;
  }
  return fmt::format("{}'{}'", node.quoted ? "the quoted text " : "",
                     printable(node.scalar, kShownCharacters));
}

}  // namespace yaml

Override parse_override(const std::string& option) {
  const Location where{"--set " + printable(option, kShownOption), 0, 0};
  if (!is_clean(option)) throw UserError(where, "a control character or no UTF-8");
  const std::size_t equals = option.find('=');
  if (equals == std::string::npos) throw UserError(where, "expected path=value");
  Override change{{}, option.substr(equals + 1), where};
  const std::string path = option.substr(0, equals);
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    if (end == begin) throw UserError(where, "the path has an empty step");
    if (change.path.size() >= yaml::kDepthLimit) {
      throw UserError(where, fmt::format("nested deeper than {} levels", yaml::kDepthLimit));
    }
    change.path.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return change;
}

void apply(const Override& change, YamlNode& root) {
  YamlNode* node = &root;
  for (const std::string& step : change.path) {
    if (node->kind != YamlNode::Kind::map) {
      throw UserError(change.where, fmt::format("'{}' is below {}, which has no keys", step,
                                                yaml::describe(*node)));
    }
    YamlNode* next = node->find(step);
    if (next == nullptr) {
      node->entries.push_back({step, change.where, {}});
      next = &node->entries.back().value;
      next->kind = YamlNode::Kind::map;
      next->where = change.where;
    }
    node = next;
  }
  YamlNode value;
  value.kind = YamlNode::Kind::scalar;
  value.scalar = change.value;
  value.where = change.where;
  *node = std::move(value);
}

}  // namespace bitsmith
