#include "workload/scale_sim.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "config/scalar.h"
#include "workload/text_lines.h"

namespace bitsmith {
namespace {

constexpr std::size_t kShownCharacters = 40;

enum class Form { gemm, conv };

// A value of a row without the blanks around it.
struct Field {
  std::string_view text;
  int column = 0;  // from 1, in bytes
};

// A warning that holds for many rows is given once, with the first place.
class RepeatedWarning {
 public:
  explicit RepeatedWarning(std::string plural) : plural_(std::move(plural)) {}

  void add(const Location& where, const std::string& message) {
    if (count_++ == 0) first_ = fmt::format("{}: warning: {}", where.text(), message);
  }
  void move_to(std::vector<std::string>& warnings) const {
    if (count_ == 0) return;
    warnings.push_back(count_ == 1 ? first_
                                   : fmt::format("{} ({} {} in all)", first_, count_, plural_));
  }

 private:
  std::string plural_;
  std::string first_;
  std::uint64_t count_ = 0;
};

std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
    if (c >= 'a' && c <= 'z') letters += c;
  }
  return letters;
}

class TopologyReader {
 public:
  explicit TopologyReader(const std::string& name) : name_(name) {}

  ScaleSimTopology read(std::string_view text) {
    for (const TextLine& line :
         text_lines(text, name_, scale_sim::kByteLimit, scale_sim::kLineLimit)) {
      if (!line.is_blank()) read_line(line);
    }
    if (diagnostics_.empty() && topology_.workload.operators.empty()) {
      throw UserError(fmt::format("{}: no layers; below the header every line is one", name_));
    }
    diagnostics_.throw_if_any();
    topology_.workload.name = std::filesystem::path(name_).stem().string();
    for (const RepeatedWarning* warning : {&no_comma_, &beyond_edge_, &many_filters_}) {
      warning->move_to(topology_.warnings);
    }
    return std::move(topology_);
  }

 private:
  Location at(int column) const { return {name_, line_, column}; }
  Location at(const Field& field) const { return at(field.column); }

  void read_line(const TextLine& line) {
    line_ = line.number;
    const std::vector<Field> fields = split(line.text);
    if (!has_header_) {
      read_header(fields);
      has_header_ = true;
    } else {
      read_row(line, fields);
    }
  }

  // Empty fields at the end, as after the last comma, are dropped.
  static std::vector<Field> split(std::string_view line) {
    std::vector<Field> fields;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(',', begin), line.size());
      const std::string_view text = line.substr(begin, end - begin);
      const std::size_t blanks = std::min(text.find_first_not_of(" \t"), text.size());
      fields.push_back({trimmed(text), static_cast<int>(begin + blanks) + 1});
      begin = end + 1;
    }
    while (!fields.empty() && fields.back().text.empty()) fields.pop_back();
    return fields;
  }

  void read_header(const std::vector<Field>& fields) {
    if (fields.size() > 1 && parse_integer(fields[1].text)) {
      diagnostics_.add(at(1),
                       "the first line must be a header (SCALE-Sim skips it); this is a "
                       "layer");
      return;
    }
    std::string initials;
    for (std::size_t i = 1; i < fields.size(); ++i) {
      const std::string word = letters_of(fields[i].text);
      if (word == "m" || word == "n" || word == "k") initials += word;
      for (const std::string_view start : {"ifmap", "filter", "channel", "stride"}) {
        if (word.starts_with(start)) form_ = Form::conv;
      }
    }
    if (initials.empty()) return;
    form_ = Form::gemm;
    if (initials != "mnk") {
      diagnostics_.add(at(fields[1]),
                       "columns are read by their place, as in SCALE-Sim: the "
                       "header must be name, M, N, K");
    }
  }

  // The number of columns tells where the header does not.
  void find_form(std::size_t columns, bool has_sparsity) {
    const std::size_t values = columns - (has_sparsity ? 1 : 0);
    if (values == 4) form_ = Form::gemm;
    if (values == 8 || values == 9) form_ = Form::conv;
  }

  // What SCALE-Sim drops after a row's last comma, as "NPU" in "a, 1, 2, 3, NPU".
  bool is_remark(const std::vector<Field>& fields) const {
    const std::size_t values = form_ == Form::conv ? 8 : 4;
    if (fields.size() <= values) return false;
    const std::string_view text = fields.back().text;
    if (text[0] == '#') return true;
    const bool is_number = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
    return !is_number && text.find(':') == std::string_view::npos;
  }

  void read_row(const TextLine& line, std::vector<Field> fields) {
    const bool has_remark = !ends_with_comma(line.text) && is_remark(fields);
    if (has_remark) fields.pop_back();
    while (!fields.empty() && fields.back().text.empty()) fields.pop_back();
    const bool has_sparsity =
        fields.size() > 4 && fields.back().text.find(':') != std::string_view::npos;
    if (!form_) find_form(fields.size(), has_sparsity);
    if (!form_) {
      diagnostics_.add(at(1), fmt::format("{} columns under a header that names none; {}; {}",
                                          fields.size(), kGemmColumns, kConvColumns));
      return;
    }
    if (!has_remark && !ends_with_comma(line.text)) {
      no_comma_.add(at(fields.back()),
                    fmt::format("no comma ends the row: SCALE-Sim loses its last value, '{}'; here "
                                "it counts",
                                printable(fields.back().text, kShownCharacters)));
    }
    const std::size_t mistakes = diagnostics_.size();
    if (has_sparsity) {
      require_dense(fields.back());
      fields.pop_back();
    }
    if (!check_columns(line, fields)) return;
    if (fields[0].text.empty()) diagnostics_.add(at(fields[0]), "the layer has no name");
    Operator layer = *form_ == Form::gemm ? gemm(fields) : conv(fields);
    layer.name = printable(fields[0].text, kLongestName);
    if (diagnostics_.size() == mistakes) topology_.workload.operators.push_back(std::move(layer));
  }

  static bool ends_with_comma(std::string_view line) { return trimmed(line).ends_with(','); }

  bool check_columns(const TextLine& line, const std::vector<Field>& fields) {
    const bool is_gemm = *form_ == Form::gemm;
    const std::size_t fewest = is_gemm ? 4 : 8;
    const std::size_t most = is_gemm ? 4 : 9;
    if (fields.size() >= fewest && fields.size() <= most) return true;
    const Location where =
        fields.size() > most ? at(fields[most]) : at(static_cast<int>(line.text.size()) + 1);
    diagnostics_.add(
        where, fmt::format("{} values; {}", fields.size(), is_gemm ? kGemmColumns : kConvColumns));
    return false;
  }

  void require_dense(const Field& field) {
    const std::size_t colon = field.text.find(':');
    const auto kept = parse_integer(trimmed(field.text.substr(0, colon)));
    const auto block = parse_integer(trimmed(field.text.substr(colon + 1)));
    if (!kept || !block || *kept < 1 || *block < *kept) {
      diagnostics_.add(at(field), fmt::format("expected a sparsity N:M with 1 <= N <= M, found "
                                              "'{}'",
                                              printable(field.text, kShownCharacters)));
    } else if (*kept != *block) {
      diagnostics_.add(at(field), fmt::format("sparsity {}:{} is not supported: GEMMs are dense; "
                                              "allowed: {}:{} or no such column",
                                              *kept, *block, *block, *block));
    }
  }

  std::uint64_t number(const Field& field, std::string_view what, std::int64_t largest) {
    const auto value = parse_integer(field.text);
    if (value && *value >= 1 && *value <= largest) return static_cast<std::uint64_t>(*value);
    diagnostics_.add(at(field), fmt::format("{}: expected an integer in 1..{}, found '{}'", what,
                                            largest, printable(field.text, kShownCharacters)));
    return 0;
  }

  Operator gemm(const std::vector<Field>& fields) {
    constexpr auto kLargest = static_cast<std::int64_t>(kLargestDimension);
    return {"",
            {number(fields[1], "M", kLargest), number(fields[2], "N", kLargest),
             number(fields[3], "K", kLargest)},
            1,
            1};
  }

  // Places of a filter along one side of the image, the last of which may stick out.
  std::uint64_t windows(const Field& filter_field, std::string_view what, std::uint64_t image,
                        std::uint64_t filter, std::uint64_t stride) {
    if (filter > image) {
      diagnostics_.add(at(filter_field),
                       fmt::format("{} is {}, larger than the image's {}", what, filter, image));
      return 0;
    }
    if ((image - filter) % stride != 0) {
      beyond_edge_.add(at(filter_field),
                       fmt::format("the last window sticks out of the image ({} by {} in steps of "
                                   "{}); it counts, as in SCALE-Sim",
                                   image, filter, stride));
    }
    return (image - filter + stride - 1) / stride + 1;
  }

  Operator conv(const std::vector<Field>& fields) {
    constexpr std::array<std::string_view, 8> kNames = {
        "image height", "image width", "filter height", "filter width",
        "channels",     "filters",     "stride",        "stride across"};
    const std::size_t mistakes = diagnostics_.size();
    std::array<std::uint64_t, 8> value{};
    for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
      value[i] = number(fields[i + 1], kNames[i], scale_sim::kLargestSide);
    }
    if (diagnostics_.size() > mistakes) return {};
    const auto [ih, iw, fh, fw, channels, filters, stride, second_stride] = value;
    const std::uint64_t stride_across = fields.size() > 8 ? second_stride : stride;
    // Below 2^20 each: no product of two or three overflows.
    const std::uint64_t m = windows(fields[3], kNames[2], ih, fh, stride) *
                            windows(fields[4], kNames[3], iw, fw, stride_across);
    if (fields[0].text.find("DP") != std::string_view::npos) {
      if (filters > 1) {
        many_filters_.add(at(fields[6]),
                          fmt::format("depthwise ('DP' in the name) with {} filters for every "
                                      "channel, as in SCALE-Sim; a plain depthwise layer has 1",
                                      filters));
      }
      return {"", {m, filters, fh * fw}, channels, 1};
    }
    const std::uint64_t k = fh * fw * channels;
    if (k > kLargestDimension) {
      diagnostics_.add(at(fields[3]), fmt::format("K = {} x {} x {} is more than {}", fh, fw,
                                                  channels, kLargestDimension));
    }
    return {"", {m, filters, k}, 1, 1};
  }

  static constexpr std::size_t kLongestName = 100;
  static constexpr std::string_view kGemmColumns = "a GEMM has name, M, N, K and perhaps N:M";
  static constexpr std::string_view kConvColumns =
      "a convolution has name, IH, IW, FH, FW, C, NumFilt, Stride and perhaps a stride across and "
      "N:M";

  const std::string& name_;
  int line_ = 0;
  bool has_header_ = false;
  std::optional<Form> form_;
  ScaleSimTopology topology_;
  Diagnostics diagnostics_;
  RepeatedWarning no_comma_{"such rows"};
  RepeatedWarning beyond_edge_{"such sides"};
  RepeatedWarning many_filters_{"such layers"};
};

}  // namespace

ScaleSimTopology parse_scale_sim_topology(std::string_view text, const std::string& name) {
  return TopologyReader(name).read(text);
}

ScaleSimTopology scale_sim_topology(const std::filesystem::path& path) {
  return parse_scale_sim_topology(read_file(path, scale_sim::kByteLimit), path.string());
}

}  // namespace bitsmith
