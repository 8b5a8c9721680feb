// The YAML of technologies.
#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "config/parameter_table.h"
#include "config/yaml_limits.h"
#include "cost/technology.h"

namespace bitsmith {
namespace {

// Some thousands of records.
constexpr yaml::Limits kLimits = {std::size_t{32} << 20, 4'000'000};
constexpr std::size_t kNameLimit = 200;
constexpr std::size_t kFiguresOfEnergy = 5;
constexpr std::uint32_t kMethodUntold = 1;  // of records from before they told it

// ---- writing

// Nine digits: more than any figure here deserves, fewer than a double makes of 0.1.
std::string number(double value) { return fmt::format("{:.9g}", value); }

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : printable(text, kNameLimit)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

// [measured cycles, toggles per net and cycle, pJ of switching, internal, clock and registers]
std::string energy_text(const EnergyRecord& record) {
  return fmt::format("[{}, {}, {}, {}, {}]", record.cycles, number(record.toggles_per_net),
                     number(record.switching_pj), number(record.internal_pj),
                     number(record.clock_and_registers_pj));
}

std::string energies_text(const ModuleEnergies& energies) {
  std::string text;
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    std::string cycles;
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto& record =
          energies.at(static_cast<OperandClass>(operands), static_cast<PeCycleClass>(cycle));
      if (!record) continue;
      cycles += fmt::format("        {}: {}\n", kPeCycleClassNames[cycle], energy_text(*record));
    }
    if (!cycles.empty()) text += fmt::format("      {}:\n{}", kOperandClassNames[operands], cycles);
  }
  return text.empty() ? "" : "    energies:\n" + text;
}

std::string word_cells_text(const WordCells& cells) {
  std::string map;
  for (std::size_t i = 0; i < kWordCells; ++i) {
    map += fmt::format("{}{}: {}", i == 0 ? "" : ", ", kWordCellNames[i], number(cells[i]));
  }
  return fmt::format("    word_cells: {{{}}}\n", map);
}

// Without them it is as the file says of all its records.
std::string tools_text(const RecordTools& tools) {
  if (tools.date.empty()) return "";
  return fmt::format("    made: {{method: {}, yosys: {}, opensta: {}, iverilog: {}, date: {}}}\n",
                     tools.method, quoted(tools.yosys), quoted(tools.opensta),
                     quoted(tools.iverilog), quoted(tools.date));
}

std::string record_text(const ModuleRecord& record) {
  const ModuleCost& cost = record.cost;
  RtlParameters parameters = record.parameters;
  std::sort(parameters.begin(), parameters.end());  // whatever the design's order was
  std::string map;
  for (const auto& [name, value] : parameters) {
    map += fmt::format("{}{}: {}", map.empty() ? "" : ", ", name, value);
  }
  const std::string operands =
      record.operands.empty() ? "" : fmt::format("    operands: {}\n", quoted(record.operands));
  std::string text = fmt::format(
      "  - module: {}\n    parameters: {{{}}}\n{}    rtl_hash: {}\n    cells: {}\n"
      "    area_um2: {}\n"
      "    combinational_um2: {}\n    sequential_um2: {}\n    buffer_um2: {}\n"
      "    critical_path_ps: {}\n",
      cost.name, map, operands, quoted(record.rtl_hash), cost.cells, number(cost.area_um2),
      number(cost.combinational_um2), number(cost.sequential_um2), number(cost.buffer_um2),
      number(cost.critical_path_ps));
  text += tools_text(record.tools);
  if (cost.leakage_uw) text += fmt::format("    leakage_uw: {}\n", number(*cost.leakage_uw));
  if (record.word_cells) text += word_cells_text(*record.word_cells);
  const std::string energies = energies_text(record.energies);
  if (energies.empty()) return text;
  return text + fmt::format("    energy_period_ps: {}\n", number(record.energy_period_ps)) +
         energies;
}

// ---- reading

constexpr NumberRange kNotNegative = {0, 1e18};
constexpr NumberRange kPositive = {1e-9, 1e18};

struct Header {
  std::string name, library, liberty_hash, yosys, opensta, iverilog = "none", date;
  double voltage = 0, target_period_ps = 0;
  std::uint32_t node_nm = 0;
};

ParameterTable<Header> header_table() {
  using H = Header;
  ParameterTable<H> table;
  table.text("technology", &H::name, "name").required();
  table.text("library", &H::library, "name of the library").required();
  table.text("liberty_hash", &H::liberty_hash, "of its file").required();
  table.number("voltage", &H::voltage, {0.01, 100}, "V", "of the library").required();
  table.integer_or_word("node_nm", &H::node_nm, {1, 10000}, "unknown", std::uint32_t{0}, "nm",
                        "technology node, to be compared with that of SRAM");
  table.number("target_period_ps", &H::target_period_ps, {1, 1e9}, "ps", "gates were sized for")
      .required();
  table.text("yosys", &H::yosys, "version").required();
  table.text("opensta", &H::opensta, "version").required();
  table.text("iverilog", &H::iverilog, "version");
  table.text("date", &H::date, "of the last record").required();
  return table;
}

// One record, flat.
struct Flat {
  std::string module, operands, rtl_hash;
  std::uint64_t cells = 0;
  double area_um2 = 0, combinational_um2 = 0, sequential_um2 = 0, buffer_um2 = 0;
  double critical_path_ps = 0;
  double energy_period_ps = 0;
};

ParameterTable<Flat> record_table() {
  using F = Flat;
  ParameterTable<F> table;
  table.text("module", &F::module, "name in the RTL").required();
  table.text("operands", &F::operands, "of the design");
  table.text("rtl_hash", &F::rtl_hash, "of the design's sources").required();
  table.integer("cells", &F::cells, {0, std::int64_t{1} << 40}, "", "gates").required();
  table.number("area_um2", &F::area_um2, kPositive, "um2", "of all cells").required();
  table.number("combinational_um2", &F::combinational_um2, kNotNegative, "um2", "without buffers")
      .required();
  table.number("sequential_um2", &F::sequential_um2, kNotNegative, "um2", "registers").required();
  table.number("buffer_um2", &F::buffer_um2, kNotNegative, "um2", "buffers and inverters")
      .required();
  table.number("critical_path_ps", &F::critical_path_ps, kPositive, "ps", "smallest period")
      .required();
  table.number("energy_period_ps", &F::energy_period_ps, kNotNegative, "ps",
               "of the clock at which energy was measured");
  return table;
}

ParameterTable<RecordTools> tools_table() {
  using T = RecordTools;
  ParameterTable<T> table;
  table.integer("method", &T::method, {0, 1'000'000}, "", "of Bitsmith's own").required();
  table.text("yosys", &T::yosys, "what it calls itself").required();
  table.text("opensta", &T::opensta, "what it calls itself").required();
  table.text("iverilog", &T::iverilog, "what it calls itself").required();
  table.text("date", &T::date, "YYYY-MM-DD").required();
  return table;
}

std::optional<EnergyRecord> read_energy(const YamlNode& node, const std::string& key,
                                        Diagnostics& diagnostics) {
  if (node.kind != YamlNode::Kind::sequence || node.items.size() != kFiguresOfEnergy) {
    diagnostics.add(node.where, fmt::format("'{}': expected {} figures: [cycles, toggles per net, "
                                            "switching, internal, clock and registers]",
                                            key, kFiguresOfEnergy));
    return std::nullopt;
  }
  const std::size_t before = diagnostics.size();
  EnergyRecord record;
  if (const auto cycles = read_integer(node.items[0], key, {1, INT64_MAX}, diagnostics)) {
    record.cycles = static_cast<std::uint64_t>(*cycles);
  }
  const std::array<double*, kFiguresOfEnergy - 1> figures = {
      &record.toggles_per_net, &record.switching_pj, &record.internal_pj,
      &record.clock_and_registers_pj};
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (const auto value = read_number(node.items[i + 1], key, kNotNegative, diagnostics)) {
      *figures[i] = *value;
    }
  }
  return diagnostics.size() == before ? std::optional(record) : std::nullopt;
}

// The index of every key of a map in `words`, each with its value.
template <std::size_t kWords, class Visit>
void for_each_word(const YamlNode& map, std::string_view what,
                   const std::array<std::string_view, kWords>& words, Diagnostics& diagnostics,
                   Visit visit) {
  if (map.kind != YamlNode::Kind::map) {
    diagnostics.add(map.where, fmt::format("expected a map, found {}", yaml::describe(map)));
    return;
  }
  for (const YamlEntry& entry : map.entries) {
    const auto found = std::find(words.begin(), words.end(), entry.key);
    if (found == words.end()) {
      diagnostics.add(entry.key_where, unknown_word(what, entry.key, words));
    } else {
      visit(static_cast<std::size_t>(found - words.begin()), entry);
    }
  }
}

void read_energies(const YamlNode& map, ModuleRecord& record, Diagnostics& diagnostics) {
  for_each_word(map, "class of operands", kOperandClassNames, diagnostics,
                [&](std::size_t operands, const YamlEntry& of) {
                  for_each_word(of.value, "class of cycles", kPeCycleClassNames, diagnostics,
                                [&](std::size_t cycle, const YamlEntry& entry) {
                                  auto energy = read_energy(entry.value, entry.key, diagnostics);
                                  if (energy && record.cost.leakage_uw) {
                                    energy->leakage_pj =
                                        *record.cost.leakage_uw * record.energy_period_ps * 1e-6;
                                  }
                                  record.energies.at(static_cast<OperandClass>(operands),
                                                     static_cast<PeCycleClass>(cycle)) = energy;
                                });
                });
}

RtlParameters read_parameters(const YamlNode& map, Diagnostics& diagnostics) {
  RtlParameters parameters;
  if (map.kind != YamlNode::Kind::map) {
    diagnostics.add(map.where, fmt::format("expected a map, found {}", yaml::describe(map)));
    return parameters;
  }
  for (const YamlEntry& entry : map.entries) {
    const auto value = read_integer(entry.value, entry.key, {INT64_MIN, INT64_MAX}, diagnostics);
    parameters.emplace_back(entry.key, value.value_or(0));
  }
  return parameters;
}

ModuleRecord read_record(const YamlNode& map, const ParameterTable<Flat>& table,
                         const TechnologySource& source, Diagnostics& diagnostics) {
  const Flat flat =
      table.read(map, diagnostics, {"parameters", "leakage_uw", "word_cells", "made", "energies"});
  ModuleRecord record;
  record.cost = {.name = flat.module,
                 .instances = 1,
                 .cells = flat.cells,
                 .area_um2 = flat.area_um2,
                 .combinational_um2 = flat.combinational_um2,
                 .sequential_um2 = flat.sequential_um2,
                 .buffer_um2 = flat.buffer_um2,
                 .critical_path_ps = flat.critical_path_ps,
                 .leakage_uw = std::nullopt};
  record.operands = flat.operands;
  record.rtl_hash = flat.rtl_hash;
  record.target_period_ps = source.target_period_ps;
  record.tools = source.tools();
  record.tools.method = kMethodUntold;
  record.energy_period_ps = flat.energy_period_ps;
  if (map.kind != YamlNode::Kind::map) return record;  // reported already
  if (const YamlNode* leakage = map.find("leakage_uw")) {
    record.cost.leakage_uw = read_number(*leakage, "leakage_uw", kNotNegative, diagnostics);
  }
  if (const YamlNode* made = map.find("made")) {
    record.tools = tools_table().read(*made, diagnostics);
  }
  if (const YamlNode* parameters = map.find("parameters")) {
    record.parameters = read_parameters(*parameters, diagnostics);
  }
  if (const YamlNode* cells = map.find("word_cells")) {
    WordCells& counts = record.word_cells.emplace();
    for_each_word(*cells, "kind of word-level cells", kWordCellNames, diagnostics,
                  [&](std::size_t kind, const YamlEntry& entry) {
                    counts[kind] =
                        read_number(entry.value, entry.key, kNotNegative, diagnostics).value_or(0);
                  });
  }
  if (const YamlNode* energies = map.find("energies")) {
    if (flat.energy_period_ps <= 0) {
      diagnostics.add(energies->where, "'energies' need 'energy_period_ps', above 0");
    }
    read_energies(*energies, record, diagnostics);
  }
  return record;
}

void read_records(const YamlNode& list, Technology& technology, Diagnostics& diagnostics) {
  if (list.kind == YamlNode::Kind::empty) return;
  if (list.kind != YamlNode::Kind::sequence) {
    diagnostics.add(list.where,
                    fmt::format("'records': expected a sequence, found {}", yaml::describe(list)));
    return;
  }
  const auto table = record_table();
  for (const YamlNode& item : list.items) {
    ModuleRecord record = read_record(item, table, technology.source, diagnostics);
    const std::string key = key_of_record(record.cost.name, record.parameters, record.operands);
    if (!record.cost.name.empty() && technology.by_key().contains(key)) {
      diagnostics.add(item.where,
                      fmt::format("a second record of '{}'", printable(key, kNameLimit)));
    }
    technology.add(std::move(record));
  }
}

}  // namespace

std::string technology_text(const Technology& technology) {
  const TechnologySource& source = technology.source;
  std::string text = fmt::format(
      "# Written by `bitsmith synth --tech`: see sim/cost/README.md. Energies: [cycles measured,\n"
      "# toggles per net, pJ per cycle of switching, internal, clock and registers].\n"
      "technology: {}\nlibrary: {}\nliberty_hash: {}\nvoltage: {}\nnode_nm: {}\n"
      "target_period_ps: {}\nyosys: {}\nopensta: {}\niverilog: {}\ndate: {}\nrecords:\n",
      quoted(technology.name), quoted(source.library), quoted(source.liberty_hash),
      number(source.voltage), source.node_nm ? std::to_string(*source.node_nm) : "unknown",
      number(source.target_period_ps), quoted(source.yosys), quoted(source.opensta),
      quoted(source.iverilog), quoted(source.date));
  for (const auto& [key, record] : technology.by_key()) text += record_text(record);
  return text;
}

Technology parse_technology(std::string_view text, const std::string& file) {
  Diagnostics diagnostics;
  const YamlNode root = yaml::parse(text, file, diagnostics, kLimits);
  Header header = header_table().read(root, diagnostics, {"records"});
  Technology technology;
  technology.name = std::move(header.name);
  technology.source = {
      .library = std::move(header.library),
      .liberty_hash = std::move(header.liberty_hash),
      .voltage = header.voltage,
      .node_nm = header.node_nm == 0 ? std::nullopt : std::optional(header.node_nm),
      .target_period_ps = header.target_period_ps,
      .yosys = std::move(header.yosys),
      .opensta = std::move(header.opensta),
      .iverilog = std::move(header.iverilog),
      .date = std::move(header.date)};
  if (const YamlNode* records = root.find("records"))
    read_records(*records, technology, diagnostics);
  diagnostics.throw_if_any();
  return technology;
}

namespace {

Technology named_after(const std::filesystem::path& file, std::string_view text) {
  Technology technology = parse_technology(text, file.string());
  technology.name = file.stem().string();  // as users name it, whatever the file was called before
  return technology;
}

bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

// Empty lines instead of the records of other modules, so that mistakes stay where they are. What
// is not written as technology_text() does is kept.
std::string only_records_of(std::string_view text, const ModuleNames& modules) {
  constexpr std::string_view kItem = "  - ", kModule = "  - module: ";
  std::string kept;
  kept.reserve(text.size());
  bool is_kept = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(kItem) || !line.starts_with("  ")) {
      const std::string_view module =
          line.starts_with(kModule) ? line.substr(kModule.size()) : std::string_view();
      is_kept = module.empty() || !is_word(module) || modules.contains(std::string(module));
    }
    if (is_kept) kept += line;
    if (end < text.size()) kept += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return kept;
}

}  // namespace

Technology read_technology(const std::filesystem::path& file) {
  return named_after(file, read_file(file, kLimits.bytes));
}

Technology read_technology(const std::filesystem::path& file, const ModuleNames& modules) {
  return named_after(file, only_records_of(read_file(file, kLimits.bytes), modules));
}

void check_record(const TechnologySource& source, const ModuleRecord& record) {
  Technology alone;
  alone.name = "alone";
  alone.source = source;
  alone.add(record);
  parse_technology(technology_text(alone),
                   fmt::format("record of {}", key_of_record(record.cost.name, record.parameters,
                                                             record.operands)));
}

}  // namespace bitsmith
