#include "system/accelerator.h"

#include <algorithm>
#include <cmath>

#include "common/divide.h"
#include "common/file.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

// The table that `make` makes, made once.
template <auto make>
const auto& once() {
  static const auto kTable = make();
  return kTable;
}

ParameterTable<AcceleratorParams> accelerator_table() {
  using A = AcceleratorParams;
  ParameterTable<A> table;
  table.text("design", &A::design, "file of the design, relative to this file").required();
  table.text("memory", &A::memory,
             "file of the memory, relative to this file; none: operands are always there and "
             "results always taken");
  table.number("clock_ghz", &A::clock_ghz, {0.001, 100.0}, "GHz", "clock of the accelerator");
  return table;
}

constexpr std::string_view kTechnology = "technology";

ParameterTable<TechnologyParams> technology_table() {
  using T = TechnologyParams;
  ParameterTable<T> table;
  table.text("name", &T::name,
             "technology of the array: one of configs/tech, or a file (a name with a slash, "
             "relative to the working directory); none: area and energy of the array stay unknown");
  table.flag("limit_clock", &T::limit_clock,
             "whether the clock slows down to what the array's critical path allows where that is "
             "less than clock_ghz");
  table.flag("allow_overclock", &T::allow_overclock,
             "whether the clock may be faster than the array's critical path; marked then");
  table.flag("allow_mixed_nodes", &T::allow_mixed_nodes,
             "whether totals may add an array of one node and SRAM of another; marked then");
  table.flag("allow_estimate", &T::allow_estimate,
             "whether modules without a record may be estimated from others; marked then");
  return table;
}

TechnologyParams read_technology_params(const YamlNode& root, Diagnostics& diagnostics) {
  const YamlNode* map = root.find(kTechnology);
  return map == nullptr ? TechnologyParams() : once<technology_table>().read(*map, diagnostics);
}

// What the file of an accelerator with a memory has besides.
ParameterTable<MemoryParams> memory_system_table() {
  using M = MemoryParams;
  ParameterTable<M> table;
  table.format("stored", &M::stored,
               {"fp16", "bf16", "fp8_e4m3", "fp8_e5m2", "int16", "int8", "int4"},
               "format of results in DRAM and of what vector operators read");
  table.flag("fuse_dequantize", &M::fuse_dequantize,
             "results are converted before they are stored; otherwise accumulators are, and read "
             "again to be converted");
  table.flag(
      "fuse_activation", &M::fuse_activation,
      "activation functions are applied with that conversion, not by operators of their own");
  return table;
}

ParameterTable<DramParams> dram_table() {
  using D = DramParams;
  ParameterTable<D> table;
  table.choice("dram", &D::kind, {{"ideal", DramKind::ideal}},
               "ideal: a latency and a bandwidth, no banks");
  table
      .number("bandwidth_gb_s", &D::bandwidth_gb_s, {0.001, 100000.0}, "1e9 byte/s",
              "of transfers, without overheads")
      .required();
  table
      .number("latency_ns", &D::latency_ns, {0.0, 100000.0}, "ns",
              "from the end of a transfer to its answer")
      .required();
  table.integer("access_bytes", &D::access_bytes, {1, 65536}, "bytes", "of one access");
  return table;
}

ParameterTable<DramEnergyParams> dram_energy_table() {
  using E = DramEnergyParams;
  constexpr NumberRange kAny = {0.0, 1e9};
  ParameterTable<E> table;
  table.number("read_pj_per_bit", &E::read_pj_per_bit, kAny, "pJ", "of a transfer").required();
  table.number("write_pj_per_bit", &E::write_pj_per_bit, kAny, "pJ", "of a transfer").required();
  table.number("activate_pj", &E::activate_pj, kAny, "pJ", "a row is opened and closed").required();
  table.integer("row_bytes", &E::row_bytes, {1, 1 << 24}, "bytes", "that an activation opens")
      .required();
  table.number("background_mw", &E::background_mw, kAny, "mW", "of all devices, a row open")
      .required();
  table.number("refresh_pj", &E::refresh_pj, kAny, "pJ", "of all devices, once").required();
  table.number("refresh_interval_ns", &E::refresh_interval_ns, {1.0, 1e9}, "ns",
               "from a refresh to the next");
  return table;
}

// The file of a memory; its map `energy` may be left out.
DramParams read_dram(const YamlNode& map, Diagnostics& diagnostics) {
  constexpr std::string_view kEnergy = "energy";
  DramParams params = once<dram_table>().read(map, diagnostics, {kEnergy});
  if (const YamlNode* energy = map.find(kEnergy)) {
    params.energy = once<dram_energy_table>().read(*energy, diagnostics);
  }
  return params;
}

ParameterTable<BufferParams> buffer_table() {
  using B = BufferParams;
  ParameterTable<B> table;
  table.integer("capacity_bytes", &B::capacity_bytes, {2, std::int64_t{1} << 40}, "bytes",
                "of both halves together");
  table.integer("banks", &B::banks, {1, 1024}, "", "of a half, accessed together");
  table.integer("port_bits", &B::port_bits, {1, 65536}, "bits", "a bank reads or writes per cycle");
  table.integer("latency", &B::latency, {1, 100}, "cycles", "from an address to its word");
  return table;
}

ParameterTable<SramParams> sram_table() {
  using S = SramParams;
  ParameterTable<S> table;
  table.integer("node_nm", &S::node_nm, {1, 1000}, "nm", "technology node of the buffers' macros");
  table.choice("device", &S::device,
               {{"none", SramDevice::none},
                {"itrs-hp", SramDevice::itrs_hp},
                {"itrs-lop", SramDevice::itrs_lop},
                {"itrs-lstp", SramDevice::itrs_lstp},
                {"ihp-sg13g2", SramDevice::ihp_sg13g2}},
               "their kind, of configs/tech/sram.csv; none: energy and area of the buffers stay "
               "unknown");
  return table;
}

ParameterTable<DmaParams> dma_table() {
  using D = DmaParams;
  ParameterTable<D> table;
  table.integer("outstanding", &D::outstanding, {1, 4096}, "accesses", "without an answer");
  table.integer("setup_cycles", &D::setup_cycles, {0, 10000}, "cycles", "per descriptor");
  return table;
}

ParameterTable<VectorParams> vector_table() {
  using V = VectorParams;
  ParameterTable<V> table;
  const auto passes = [&](const char* name, std::uint32_t V::*member, const char* what) {
    table.integer(name, member, {1, 1000}, "passes", what);
  };
  table.integer("lanes", &V::lanes, {1, 65536}, "elements", "per cycle and pass");
  table.integer("latency", &V::latency, {0, 10000}, "cycles",
                "from the last elements in to their results out");
  passes("dequantize_passes", &V::dequantize_passes, "accumulator to stored format");
  passes("norm_passes", &V::norm_passes, "statistics, scale");
  passes("softmax_passes", &V::softmax_passes, "maximum, exponential and sum, division");
  passes("rotary_passes", &V::rotary_passes, "rotary position embedding");
  passes("activation_passes", &V::activation_passes, "SiLU, GELU, ReLU");
  passes("multiply_passes", &V::multiply_passes, "of two operands");
  passes("add_passes", &V::add_passes, "of two operands");
  passes("embedding_passes", &V::embedding_passes, "rows of a table");
  return table;
}

ParameterTable<SequencerParams> sequencer_table() {
  using S = SequencerParams;
  ParameterTable<S> table;
  table.integer("block_cycles", &S::block_cycles, {1, 10000}, "cycles", "to dispatch a block");
  return table;
}

ParameterTable<MappingParams> mapping_table() {
  using M = MappingParams;
  constexpr auto kMost = static_cast<std::int64_t>(kLargestDimension);
  ParameterTable<M> table;
  table.integer("block_m", &M::block_m, {0, kMost}, "rows", "of a block of Y; 0: chosen");
  table.integer("block_n", &M::block_n, {0, kMost}, "columns", "of a block of Y; 0: chosen");
  table.integer("block_k", &M::block_k, {0, kMost}, "",
                "K of a block; whole K unless the block is one tile of the array; 0: chosen");
  table.choice("loop_order", &M::loop_order,
               {{"best", LoopChoice::best},
                {"m_outer", LoopChoice::m_outer},
                {"n_outer", LoopChoice::n_outer}},
               "m_outer: activations stay while weights pass; n_outer: weights stay; best: chosen");
  return table;
}

// The maps of an accelerator file that are always there; calls visit(key, table, member of
// MemoryParams) for each.
template <class Visitor>
void for_each_section(Visitor visit) {
  visit("activation_buffer", once<buffer_table>(), &MemoryParams::activation_buffer);
  visit("weight_buffer", once<buffer_table>(), &MemoryParams::weight_buffer);
  visit("result_buffer", once<buffer_table>(), &MemoryParams::result_buffer);
  visit("sram", once<sram_table>(), &MemoryParams::sram);
  visit("dma", once<dma_table>(), &MemoryParams::dma);
  visit("vector", once<vector_table>(), &MemoryParams::vector);
  visit("sequencer", once<sequencer_table>(), &MemoryParams::sequencer);
  visit("mapping", once<mapping_table>(), &MemoryParams::mapping);
}

constexpr std::string_view kConverter = "weight_converter";

// Overrides by the file they change.
struct Overrides {
  std::vector<Override> accelerator, design, memory;
};

bool is_below(const Override& change, std::string_view key) {
  return change.path.size() > 1 && change.path.front() == key;
}

Overrides split(const std::vector<Override>& all) {
  Overrides result;
  for (Override change : all) {
    std::vector<Override>* to = is_below(change, "design")   ? &result.design
                                : is_below(change, "memory") ? &result.memory
                                                             : &result.accelerator;
    if (to != &result.accelerator) change.path.erase(change.path.begin());
    to->push_back(std::move(change));
  }
  return result;
}

// Reads the file that `key` of `root` names, if it names one; the accelerator's own reader judges
// the rest.
template <class ReadFile>
std::optional<YamlNode> read_named_file(const YamlNode& root, std::string_view key,
                                        const std::filesystem::path& folder,
                                        const std::vector<Override>& overrides,
                                        Diagnostics& diagnostics, ReadFile read) {
  const YamlNode* name = root.find(key);
  if (name == nullptr || name->kind != YamlNode::Kind::scalar) return std::nullopt;
  try {
    YamlNode map = read(folder / name->scalar);
    for (const Override& change : overrides) apply(change, map);
    return map;
  } catch (const UserError& error) {
    diagnostics.add(name->where, error.what());
    return std::nullopt;
  }
}

// Each part is read from a map of its own keys, so that every table judges its own.
YamlNode part_of(const YamlNode& root, const std::vector<ParameterInfo>& keys) {
  YamlNode part = root;
  std::erase_if(part.entries, [&](const YamlEntry& entry) {
    return std::none_of(keys.begin(), keys.end(),
                        [&](const ParameterInfo& key) { return key.name == entry.key; });
  });
  return part;
}

std::vector<std::string_view> section_keys() {
  std::vector<std::string_view> keys;
  for_each_section([&](const char* key, const auto&, auto) { keys.push_back(key); });
  keys.push_back(kConverter);
  return keys;
}

// What surrounds the array, without the DRAM.
void read_surroundings(const YamlNode& root, MemoryParams& params, Diagnostics& diagnostics) {
  const auto& table = once<memory_system_table>();
  params = table.read(part_of(root, table.describe()), diagnostics);
  for_each_section([&](const char* key, const auto& section, auto member) {
    if (const YamlNode* map = root.find(key)) params.*member = section.read(*map, diagnostics);
  });
}

// The converter, which must fit the design, if that is known.
void read_converter(const YamlNode& root, const Design* design, MemoryParams& params,
                    Diagnostics& diagnostics) {
  const YamlNode* map = root.find(kConverter);
  if (map == nullptr || (map->kind == YamlNode::Kind::scalar && map->scalar == "none")) return;
  const std::size_t mistakes_before = diagnostics.size();
  params.weight_converter = weight_converter_table().read(*map, diagnostics);
  if (design == nullptr || diagnostics.size() > mistakes_before) return;
  if (const auto problem = cannot_serve(*params.weight_converter, *design)) {
    diagnostics.add(map->where, fmt::format("'{}': {}", kConverter, *problem));
  }
}

// The accelerator's own keys; the others are known, wrong, or need a memory.
AcceleratorParams read_params(const YamlNode& root, bool memory_is_overridden,
                              Diagnostics& diagnostics) {
  std::vector<std::string_view> others = section_keys();
  const auto& table = once<memory_system_table>();
  const std::vector<ParameterInfo> flat = table.describe();
  for (const ParameterInfo& info : flat) others.push_back(info.name);
  std::vector<std::string_view> known = others;
  known.push_back(kTechnology);
  const AcceleratorParams params = once<accelerator_table>().read(root, diagnostics, known);
  const YamlNode* memory = root.find("memory");
  if (memory != nullptr && (params.memory != "none" || memory_is_overridden)) return params;
  for (const YamlEntry& entry : root.entries) {
    if (std::find(others.begin(), others.end(), entry.key) == others.end()) continue;
    diagnostics.add(entry.key_where, fmt::format("'{}' needs a memory: name a file of "
                                                 "configs/memory as 'memory', not 'none'",
                                                 entry.key));
  }
  return params;
}

}  // namespace

nlohmann::ordered_json Accelerator::resolved() const {
  nlohmann::ordered_json result = once<accelerator_table>().resolved(params);
  result["design"] = design->resolved();
  result[kTechnology] = once<technology_table>().resolved(technology);
  if (!memory) return result;
  result["memory"] = once<dram_table>().resolved(memory->dram);
  result["memory"]["energy"] = memory->dram.energy
                                   ? once<dram_energy_table>().resolved(*memory->dram.energy)
                                   : nlohmann::ordered_json();
  result.update(once<memory_system_table>().resolved(*memory));
  for_each_section([&](const char* key, const auto& table, auto member) {
    result[key] = table.resolved((*memory).*member);
  });
  const std::optional<WeightConverter>& converter = memory->weight_converter;
  result[kConverter] =
      converter ? weight_converter_table().resolved(*converter) : nlohmann::ordered_json(nullptr);
  return result;
}

std::vector<std::pair<std::string, std::vector<ParameterInfo>>> describe_accelerator() {
  std::vector<std::pair<std::string, std::vector<ParameterInfo>>> result;
  std::vector<ParameterInfo> flat = once<accelerator_table>().describe();
  for (ParameterInfo& info : once<memory_system_table>().describe()) {
    flat.push_back(std::move(info));
  }
  result.emplace_back("", std::move(flat));
  result.emplace_back(kTechnology, once<technology_table>().describe());
  for_each_section([&](const char* key, const auto& table, auto) {
    result.emplace_back(key, table.describe());
  });
  result.emplace_back(kConverter, weight_converter_table().describe());
  result.emplace_back("memory", once<dram_table>().describe());
  result.emplace_back("memory.energy", once<dram_energy_table>().describe());
  return result;
}

Accelerator load_accelerator(const std::filesystem::path& path,
                             const std::vector<Override>& overrides) {
  return AcceleratorFiles().load(path, overrides);
}

YamlNode AcceleratorFiles::read(const std::filesystem::path& path, Diagnostics& diagnostics) {
  const auto known = parsed_.find(path);
  if (known != parsed_.end()) return known->second;
  const std::size_t mistakes_before = diagnostics.size();
  YamlNode node = yaml::parse(read_file(path, yaml::kByteLimit), path.string(), diagnostics);
  // Mistakes are to be found again.
  if (diagnostics.size() == mistakes_before) parsed_.emplace(path, node);
  return node;
}

Accelerator AcceleratorFiles::load(const std::filesystem::path& path,
                                   const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  const auto read_named = [&](const std::filesystem::path& file) {
    return read(file, diagnostics);
  };
  YamlNode root = read(path, diagnostics);
  if (root.kind == YamlNode::Kind::empty) {
    diagnostics.throw_if_any();
    throw UserError(fmt::format("{}: the file is empty", path.string()));
  }
  const Overrides changes = split(overrides);
  for (const Override& change : changes.accelerator) apply(change, root);
  Accelerator accelerator;
  accelerator.name = path.stem().string();
  // `--set memory=none` asks for the array of an accelerator alone: what surrounds it is left out.
  const bool memory_is_overridden =
      std::any_of(changes.accelerator.begin(), changes.accelerator.end(),
                  [](const Override& change) { return change.path.front() == "memory"; });
  accelerator.params = read_params(root, memory_is_overridden, diagnostics);
  accelerator.technology = read_technology_params(root, diagnostics);
  const std::filesystem::path folder = path.parent_path();
  if (const auto map =
          read_named_file(root, "design", folder, changes.design, diagnostics, read_named)) {
    accelerator.design = read_design(*map, diagnostics);
  }
  if (accelerator.params.memory != "none") {
    MemoryParams& memory = accelerator.memory.emplace();
    read_surroundings(root, memory, diagnostics);
    read_converter(root, accelerator.design.get(), memory, diagnostics);
    if (const auto map =
            read_named_file(root, "memory", folder, changes.memory, diagnostics, read_named)) {
      memory.dram = read_dram(*map, diagnostics);
    }
  } else if (!changes.memory.empty()) {
    diagnostics.add(changes.memory.front().where, "there is no memory to change; 'memory' is none");
  }
  diagnostics.throw_if_any();
  return accelerator;
}

Accelerator make_accelerator(const std::string& name, YamlNode design,
                             const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  YamlNode root = yaml::parse("memory: none\nclock_ghz: 1.0\n", name);
  apply({{"design"}, name, {name, 0, 0}}, root);
  const Overrides changes = split(overrides);
  for (const Override& change : changes.accelerator) {
    if (change.path.front() == "design" || change.path.front() == "memory") {
      diagnostics.add(change.where,
                      "no accelerator file that could name another " + change.path.front());
    } else {
      apply(change, root);
    }
  }
  if (!changes.memory.empty()) {
    diagnostics.add(changes.memory.front().where, "there is no memory to change");
  }
  for (const Override& change : changes.design) apply(change, design);
  Accelerator accelerator;
  accelerator.name = name;
  accelerator.params = read_params(root, false, diagnostics);
  accelerator.technology = read_technology_params(root, diagnostics);
  accelerator.design = read_design(design, diagnostics);
  diagnostics.throw_if_any();
  return accelerator;
}

namespace {

// Of an access that holds as many codes as it can.
void set_converter_times(const Design& design, const MemoryParams& memory, MemoryTimes& times) {
  const WeightConverter& converter = *memory.weight_converter;
  const std::uint64_t weights =
      pieces(times.access_bytes * 8, static_cast<std::uint64_t>(converter.stored->bits));
  const std::uint64_t bits = weights * static_cast<std::uint64_t>(design.weight_format().bits);
  times.converted_access_ps =
      std::max({times.dram.access_ps, pieces(weights * times.period_ps, converter.lanes),
                pieces(bits * times.period_ps, memory.weight_buffer.bits_per_cycle())});
  times.converted_write_cycles = converter.latency + memory.weight_buffer.cycles_for(bits);
}

}  // namespace

MemoryTimes memory_times(const Design& design, const MemoryParams& memory, double clock_ghz) {
  const ChannelWidths widths = design.channel_widths();
  const BufferParams& a = memory.activation_buffer;
  const BufferParams& w = memory.weight_buffer;
  const BufferParams& y = memory.result_buffer;
  MemoryTimes times;
  times.period_ps = static_cast<std::uint64_t>(std::llround(1000.0 / clock_ghz));
  times.access_bytes = memory.dram.access_bytes;
  // A bandwidth of 1 GB/s is a byte per 1000 ps.
  times.dram.access_ps = static_cast<std::uint64_t>(
      std::ceil(1000.0 * memory.dram.access_bytes / memory.dram.bandwidth_gb_s - 1e-9));
  times.dram.latency_ps = static_cast<std::uint64_t>(std::llround(1000 * memory.dram.latency_ns));
  const std::uint64_t access_bits = times.access_bytes * 8;
  times.a_write_cycles = a.cycles_for(access_bits);
  times.w_write_cycles = w.cycles_for(access_bits);
  times.y_read_cycles = y.cycles_for(access_bits);
  times.operand_latency = std::max(a.latency, w.latency);
  times.a_port_cycles = a.cycles_for(widths.a);
  times.w_port_cycles = w.cycles_for(widths.w);
  times.s_port_cycles = w.cycles_for(widths.s);
  times.y_port_cycles = y.cycles_for(widths.y);
  times.interval = std::max(
      {times.a_port_cycles, times.w_port_cycles, times.s_port_cycles, times.y_port_cycles});

  // The slowest of the DRAM and the buffers sets the pace of all transfers.
  for (const BufferParams* buffer : {&a, &w, &y}) {
    times.dram.access_ps = std::max(
        times.dram.access_ps, pieces(access_bits * times.period_ps, buffer->bits_per_cycle()));
  }
  if (memory.weight_converter) set_converter_times(design, memory, times);
  return times;
}

}  // namespace bitsmith
