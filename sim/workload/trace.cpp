#include "workload/trace.h"

#include <map>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/text.h"
#include "config/scalar.h"
#include "workload/trace_names.h"

namespace bitsmith {
namespace {

// Text of the file, fit for a message or a table.
std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  return printable(text, kLongest);
}

using Json = nlohmann::json;

constexpr std::uint64_t kLargestCount = std::uint64_t{1} << 40;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 62;
constexpr std::size_t kMostOperators = 100'000;

// Reads the description of one operator; every value is judged before it is used.
class OperatorReader {
 public:
  OperatorReader(const Json& json, const std::string& where) : json_(json), where_(where) {
    if (!json.is_object()) fail("is no object");
  }

  Operator read() const {
    Operator op;
    op.name = text("name");
    op.repeat = number("repeat", 1, kLargestCount);
    op.kind = word<OperatorKind>("kind", 8);
    if (json_.contains("results")) op.results = word<ResultUse>("results", 4);
    if (!op.is_gemm()) {
      op.elements = number("elements", 0, kMostElements);
      return op;
    }
    op.operator_class = word<OperatorClass>("class", 6);
    op.gemm = {number("m", 1, kLargestDimension), number("n", 1, kLargestDimension),
               number("k", 1, kLargestDimension)};
    op.count = number("count", 1, kLargestCount);
    return op;
  }

  TraceContents::Operand operand(const std::string& name) const {
    const auto found = json_.find(name);
    if (found == json_.end() || !found->is_object()) fail(name + " is missing");
    const OperatorReader reader(*found, fmt::format("{}: {}", where_, name));
    const std::string word = reader.text("format");
    const Format* format = find_format(word);
    if (format == nullptr) fail(fmt::format("{} has the unknown format '{}'", name, word));
    return {format, reader.text("method") == method_name(QuantMethod::bitmod)};
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw UserError(fmt::format("{}: {}", where_, problem));
  }

 private:
  const Json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail(fmt::format("'{}' is missing", key));
    return *found;
  }

  std::string text(const char* key) const {
    if (!at(key).is_string()) fail(fmt::format("'{}' is no text", key));
    return shown(at(key).get_ref<const std::string&>());
  }

  std::uint64_t number(const char* key, std::uint64_t lowest, std::uint64_t highest) const {
    const Json& value = at(key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < lowest ||
        value.get<std::uint64_t>() > highest) {
      fail(fmt::format("'{}' is {}, expected an integer in {}..{}", key, shown(value.dump()),
                       lowest, highest));
    }
    return value.get<std::uint64_t>();
  }

  template <class Enum>
  Enum word(const char* key, std::size_t count) const {
    const std::string value = text(key);
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < count; ++i) {
      words.push_back(word_of(static_cast<Enum>(i)));
      if (words.back() == value) return static_cast<Enum>(i);
    }
    fail(unknown_word(key, value, words));
  }

  const Json& json_;
  std::string where_;
};

const std::string& metadata(const SafetensorsHeader& header, const std::string& name,
                            const std::string& key) {
  const auto found = header.metadata.find(key);
  if (found == header.metadata.end()) {
    throw UserError(fmt::format("{}: is no trace: its metadata lack '{}'", name, key));
  }
  return found->second;
}

Json operators_of(const SafetensorsHeader& header, const std::string& name) {
  const std::string& schema = metadata(header, name, "schema");
  if (schema != kTraceSchema) {
    throw UserError(
        fmt::format("{}: has the schema '{}', expected '{}'", name, shown(schema), kTraceSchema));
  }
  Json list = Json::parse(metadata(header, name, "operators"), nullptr, false);
  if (!list.is_array() || list.empty() || list.size() > kMostOperators) {
    throw UserError(
        fmt::format("{}: 'operators' is no list of 1..{} operators", name, kMostOperators));
  }
  return list;
}

using TensorsByName = std::map<std::string_view, const TensorInfo*>;

void require_tensor(const TensorsByName& tensors, const std::string& file, const std::string& name,
                    const OperandShape& shape, const Format& format) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw UserError(fmt::format("{}: tensor '{}' is missing", file, name));
  }
  const TensorInfo& info = *found->second;
  if (info.shape != std::vector<std::uint64_t>{shape.rows, shape.k} ||
      info.dtype != dtype_of(format)) {
    throw UserError(fmt::format("{}: tensor '{}' is {} [{}], expected {} [{}, {}]", file, name,
                                dtype_name(info.dtype), fmt::join(info.shape, ", "),
                                dtype_name(dtype_of(format)), shape.rows, shape.k));
  }
}

}  // namespace

TraceContents parse_trace(const SafetensorsHeader& header, const std::string& name) {
  const Json list = operators_of(header, name);
  TensorsByName tensors;
  for (const TensorInfo& tensor : header.tensors) tensors.emplace(tensor.name, &tensor);
  TraceContents contents;
  contents.workload.name = shown(metadata(header, name, "workload"));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const OperatorReader reader(list[i], fmt::format("{}: operator {}", name, i));
    const Operator op = reader.read();
    TraceContents::Formats formats;
    if (op.is_gemm()) {
      formats = {reader.operand("activation"), reader.operand("weight")};
      require_tensor(tensors, name, tensor_name(i, OperandRole::activation),
                     operand_shape(op.gemm, OperandRole::activation), *formats.activation.format);
      require_tensor(tensors, name, tensor_name(i, OperandRole::weight),
                     operand_shape(op.gemm, OperandRole::weight), *formats.weight.format);
    }
    contents.workload.operators.push_back(op);
    contents.formats.push_back(formats);
  }
  return contents;
}

Trace::Trace(const std::filesystem::path& path)
    : path_(path), file_(path), contents_(parse_trace(file_.header(), path.string())) {}

const TraceContents::Operand& Trace::operand(std::size_t op, OperandRole role) const {
  check(op < contents_.formats.size() && contents_.formats[op].weight.format != nullptr,
        "an operator without operands");
  const TraceContents::Formats& formats = contents_.formats[op];
  return role == OperandRole::activation ? formats.activation : formats.weight;
}

void Trace::read(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t k,
                 std::span<std::uint16_t> out) const {
  const Format& f = format(op, role);
  const OperandShape shape = operand_shape(workload().operators[op].gemm, role);
  check(row < shape.rows && k <= shape.k && out.size() <= shape.k - k, "codes beyond an operand");
  const std::string name = tensor_name(op, role);
  const std::uint64_t bytes = dtype_bytes(dtype_of(f));
  bytes_to_codes(f, file_.data(name).subspan((row * shape.k + k) * bytes, out.size() * bytes), out,
                 path_.string() + ": tensor '" + name + "'");
}

}  // namespace bitsmith
