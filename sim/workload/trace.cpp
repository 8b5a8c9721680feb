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

  OperandQuantization operand(const std::string& name) const {
    const auto found = json_.find(name);
    if (found == json_.end() || !found->is_object()) fail(name + " is missing");
    return OperatorReader(*found, fmt::format("{}: {}", where_, name)).quantization();
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw UserError(fmt::format("{}: {}", where_, problem));
  }

 private:
  OperandQuantization quantization() const {
    OperandQuantization operand;
    Quantizer& q = operand.quantizer;
    q.format = format_of(text("format"));
    q.method = method();
    if (q.method == QuantMethod::none) return operand;
    read_mixture(q);
    operand.granularity = word<Granularity>("granularity", 3);
    operand.axis = word<LineAxis>("along", 2);
    if (operand.granularity == Granularity::group) {
      operand.group = number("group", 1, kLargestDimension);
    }
    if (q.method != QuantMethod::mx && text("scale") != "fp32") {
      q.scale_format = format_of(text("scale"));
    }
    if (const auto problem = invalid(q)) fail(*problem);
    return operand;
  }

  const Format* format_of(const std::string& name) const {
    const Format* format = find_format(name);
    if (format == nullptr) fail(fmt::format("unknown format '{}'", name));
    return format;
  }

  QuantMethod method() const {
    constexpr std::array kMethods = {QuantMethod::none,       QuantMethod::absmax,
                                     QuantMethod::zero_point, QuantMethod::absmean,
                                     QuantMethod::mx,         QuantMethod::bitmod};
    const std::string value = text("method");
    std::vector<std::string_view> words;
    for (const QuantMethod one : kMethods) {
      if (method_name(one) == value) return one;
      words.push_back(method_name(one));
    }
    fail(unknown_word("method", value, words));
  }

  // Methods whose codes are not all of one format of the table.
  void read_mixture(Quantizer& q) const {
    if (q.method == QuantMethod::mx) {
      q.format = nullptr;
      q.block = find_block_format(text("block"));
      if (q.block == nullptr) fail(fmt::format("unknown block format '{}'", text("block")));
    }
    if (q.method != QuantMethod::bitmod) return;
    q.format = nullptr;
    const Json& list = at("candidates");
    if (!list.is_array()) fail("'candidates' is no list");
    for (const Json& name : list) {
      if (!name.is_string()) fail("a candidate is no text");
      q.candidates.push_back(format_of(shown(name.get_ref<const std::string&>())));
    }
  }

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

void require_tensor(const TensorsByName& tensors, const std::string& file,
                    const TensorSpec& wanted) {
  const auto found = tensors.find(wanted.name);
  if (found == tensors.end()) {
    throw UserError(fmt::format("{}: tensor '{}' is missing", file, wanted.name));
  }
  const TensorInfo& info = *found->second;
  if (info.shape != wanted.shape || info.dtype != wanted.dtype) {
    throw UserError(fmt::format("{}: tensor '{}' is {} [{}], expected {} [{}]", file, wanted.name,
                                dtype_name(info.dtype), fmt::join(info.shape, ", "),
                                dtype_name(wanted.dtype), fmt::join(wanted.shape, ", ")));
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
    std::optional<GemmQuantization> gemm;
    if (op.is_gemm()) {
      gemm = {reader.operand("activation"), reader.operand("weight")};
      for (const OperandRole role : {OperandRole::activation, OperandRole::weight}) {
        for (const TensorSpec& wanted :
             operand_tensors(i, role, of_role(*gemm, role), operand_shape(op.gemm, role))) {
          require_tensor(tensors, name, wanted);
        }
      }
    }
    contents.workload.operators.push_back(op);
    contents.quantization.push_back(gemm);
  }
  return contents;
}

Trace::Trace(const std::filesystem::path& path)
    : path_(path), file_(path), contents_(parse_trace(file_.header(), path.string())) {}

const OperandQuantization& Trace::quantization(std::size_t op, OperandRole role) const {
  check(op < contents_.quantization.size() && contents_.quantization[op],
        "an operator without operands");
  return of_role(*contents_.quantization[op], role);
}

void Trace::read(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t k,
                 std::span<std::uint16_t> out) const {
  const Format& f = format(op, role);
  const OperandShape shape = operand_shape(workload().operators[op].gemm, role);
  check(row < shape.rows && k <= shape.k && out.size() <= shape.k - k, "codes beyond an operand");
  read_codes(tensor_name(op, role), f, row * shape.k + k, out);
}

void Trace::read_scales(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                        std::span<std::uint16_t> out) const {
  const Quantizer& q = quantization(op, role).quantizer;
  check(q.scale_format != nullptr, "scales without a code");
  const std::uint64_t first = first_parameter(op, role, row, group, out.size());
  read_codes(tensor_name(op, role) + ".scale", *q.scale_format, first, out);
}

void Trace::read_selects(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                         std::span<std::uint16_t> out) const {
  const std::uint64_t first = first_parameter(op, role, row, group, out.size());
  const std::string tensor = tensor_name(op, role) + ".select";
  read_codes(tensor, *find_format("uint8"), first, out);
  const std::size_t candidates = quantization(op, role).quantizer.candidates.size();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] < candidates) continue;
    throw UserError(fmt::format("{}: tensor '{}': {} of row {}, group {} is none of {} candidates",
                                name(), tensor, out[i], row, group + i, candidates));
  }
}

void Trace::read_zero_points(std::size_t op, OperandRole role, std::uint64_t row,
                             std::uint64_t group, std::span<std::uint16_t> out) const {
  const std::uint64_t first = first_parameter(op, role, row, group, out.size());
  const std::string tensor = tensor_name(op, role) + ".zero_point";
  read_codes(tensor, *find_format("uint16"), first, out);
  const Format& f = format(op, role);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] < code_count(f)) continue;
    throw UserError(fmt::format("{}: tensor '{}': {} of row {}, group {} is no {}, 0..{}", name(),
                                tensor, out[i], row, group + i, f.name, code_count(f) - 1));
  }
}

// The place of a group of a row among all of them.
std::uint64_t Trace::first_parameter(std::size_t op, OperandRole role, std::uint64_t row,
                                     std::uint64_t group, std::size_t groups) const {
  const OperandShape shape = operand_shape(workload().operators[op].gemm, role);
  const OperandQuantization& operand = quantization(op, role);
  const std::vector<std::uint64_t> all = parameter_shape(operand, shape);
  if (all.size() == 1) {
    check(row < shape.rows && group == 0 && groups == 1, "groups of a whole tensor");
    return 0;
  }
  check(operand.axis == LineAxis::along_k && all.size() == 2, "groups that are not along k");
  check(row < all[0] && group <= all[1] && groups <= all[1] - group, "groups beyond an operand");
  return row * all[1] + group;
}

void Trace::read_codes(const std::string& tensor, const Format& format, std::uint64_t first,
                       std::span<std::uint16_t> out) const {
  const std::uint64_t bytes = dtype_bytes(dtype_of(format));
  bytes_to_codes(format, file_.data(tensor).subspan(first * bytes, out.size() * bytes), out,
                 name() + ": tensor '" + tensor + "'");
}

}  // namespace bitsmith
