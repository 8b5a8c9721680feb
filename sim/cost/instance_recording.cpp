#include "cost/instance_recording.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "numerics/pack.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;
constexpr std::size_t kHierarchyLimit = std::size_t{1} << 30;
constexpr std::size_t kRecordLimit = std::size_t{4} << 30;

void run(const std::vector<std::string>& command, const fs::path& folder) {
  const ProcessResult result = run_process(command, folder);
  if (result.exit_code == 0) return;
  throw UserError(fmt::format("'{}' failed:\n{}", fmt::join(command, " "), result.output));
}

// The array as plain Verilog, hierarchy kept, and its modules as JSON. Buses are split into what
// drives them: Icarus evaluates all readers of a wide net when any part of it changes.
void write_array(const RtlDescription& rtl, const fs::path& folder) {
  std::string script;
  for (const std::string& source : rtl.sources) {
    script += fmt::format("read_verilog -sv -DSYNTHESIS \"{}\"\n",
                          (home_folder() / "rtl" / source).string());
  }
  script += fmt::format("hierarchy -check -top {}", rtl.top);
  for (const auto& [name, value] : rtl.parameters)
    script += fmt::format(" -chparam {} {}", name, value);
  script += fmt::format(
      "\nrename -top {}\nproc\nwrite_json hierarchy.json\nmemory_collect\n"
      "setundef -init -zero\nsplitnets -driver\nopt_clean\nwrite_verilog -noattr array.v\n",
      rtl.top);
  write_file_atomically(folder / "array.ys", script);
  run({"yosys", "-q", "-l", "yosys.log", "array.ys"}, folder);
}

// A constant as write_json has it: binary digits.
std::int64_t constant(const Json& digits) {
  const std::string text = digits.is_string() ? digits.get<std::string>() : "";
  if (!digits.is_string()) return digits.get<std::int64_t>();
  std::uint64_t value = 0;
  for (const char digit : text) value = value << 1 | (digit == '1' ? 1U : 0U);
  return sign_extend(value, static_cast<int>(std::clamp<std::size_t>(text.size(), 1, 64)));
}

bool is_module(const Json& json, const std::string& name, const RtlDescription::Module& wanted) {
  const Json& attributes = json.at("attributes");
  const std::string original =
      attributes.contains("hdlname") ? attributes.at("hdlname").get<std::string>() : name;
  if (original != "\\" + wanted.name && original != wanted.name) return false;
  const Json defaults = json.value("parameter_default_values", Json::object());
  return std::all_of(wanted.parameters.begin(), wanted.parameters.end(),
                     [&](const auto& wanted_value) {
                       const auto found = defaults.find(wanted_value.first);
                       return found != defaults.end() && constant(*found) == wanted_value.second;
                     });
}

// The numbers in brackets of a path: where the instance is in its generate loops.
std::vector<std::uint64_t> place_of(const std::string& path) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = path.find('['); at != std::string::npos; at = path.find('[', at + 1))
    numbers.push_back(std::stoull(path.substr(at + 1)));
  return numbers;
}

struct Found {
  std::string path;
  std::vector<std::uint64_t> place;
  std::string module;  // its name with parameters
};

class InstanceFinder {
 public:
  InstanceFinder(const Json& modules, const RtlDescription::Module& wanted)
      : modules_(modules), wanted_(wanted) {}

  std::vector<Found> below(const std::string& top) {
    walk(top, "dut");
    return std::move(found_);
  }

 private:
  void walk(const std::string& name, const std::string& path) {
    const auto module = modules_.find(name);
    if (module == modules_.end()) return;  // a cell
    if (is_module(*module, name, wanted_)) {
      found_.push_back({path, place_of(path), name});
      return;
    }
    for (const auto& [cell, json] : module->at("cells").items())
      walk(json.at("type"), fmt::format("{}.\\{} ", path, cell));
  }

  const Json& modules_;
  const RtlDescription::Module& wanted_;
  std::vector<Found> found_;
};

Found choose(const std::vector<Found>& instances, InstancePlace place) {
  // By each loop's number in turn.
  std::vector<std::uint64_t> wanted;
  for (std::size_t i = 0; i < instances.front().place.size(); ++i) {
    std::vector<std::uint64_t> numbers;
    for (const Found& instance : instances) numbers.push_back(instance.place.at(i));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    wanted.push_back(place == InstancePlace::last ? numbers.back() : numbers[numbers.size() / 2]);
  }
  const auto found = std::find_if(instances.begin(), instances.end(),
                                  [&](const Found& i) { return i.place == wanted; });
  check(found != instances.end(), "instances fill the loops they are made in");
  return *found;
}

std::vector<std::string> names_in(const std::string& path, const auto& ports) {
  std::vector<std::string> names;
  for (const auto& port : ports) names.push_back(fmt::format("{}.{}", path, port.name));
  return names;
}

void write_vectors(const ArrayRecording& recording, const fs::path& file) {
  AtomicFile out(file);
  out.write(recording.first_inputs + "\n");
  for (const std::string& line : recording.input_values) out.write(line + "\n");
  out.finish();
}

// Into words, the low bits first; what is not known is 0.
void append_words(std::string_view digits, std::vector<std::uint32_t>& words) {
  const std::size_t begin = words.size();
  words.resize(begin + words_for_bits(digits.size()));
  for (std::size_t bit = 0; bit < digits.size(); ++bit) {
    if (digits[digits.size() - 1 - bit] == '1')
      words[begin + bit / kWordBits] |= std::uint32_t{1} << bit % kWordBits;
  }
}

std::string_view next_line(const std::string& text, std::size_t& begin) {
  const std::size_t end = text.find('\n', begin);
  // vvp that is told to end does so as if it were done.
  if (end == std::string::npos) throw UserError("'vvp' ended in the middle of its work");
  const std::string_view found = std::string_view(text).substr(begin, end - begin);
  begin = end + 1;
  return found;
}

void compare(std::string_view actual, std::string_view expected, std::size_t cycle) {
  if (actual == expected) return;
  throw InternalError(fmt::format(
      "the array's RTL shows other outputs than its cycle model in cycle {}: {} instead of {}",
      cycle, actual, expected));
}

}  // namespace

ArrayRtl::ArrayRtl(const Design& design, std::span<const RtlDescription::Module> modules,
                   InstancePlace place)
    : folder_(fs::temp_directory_path()) {
  const RtlDescription rtl = design.rtl();
  write_array(rtl, folder_.path());
  const Json hierarchy = Json::parse(read_file(folder_.path() / "hierarchy.json", kHierarchyLimit));
  const Json& all = hierarchy.at("modules");
  for (const RtlDescription::Module& module : modules) {
    const std::vector<Found> found = InstanceFinder(all, module).below(rtl.top);
    if (found.empty()) {
      throw InternalError(fmt::format(
          "array '{}' has no instance of module '{}' with its parameters", rtl.top, module.name));
    }
    const Found chosen = choose(found, place);
    Instance instance{chosen.path, {}};
    for (const auto& [name, port] : all.at(chosen.module).at("ports").items()) {
      if (name == "clk_i") continue;
      instance.ports.push_back({name, port.at("bits").size(), port.at("direction") == "input"});
    }
    instances_.push_back(std::move(instance));
  }
  write_file_atomically(folder_.path() / "testbench.v", testbench(rtl, design.channel_widths()));
  run({"iverilog", "-g2012", "-o", "array.vvp", "array.v", "testbench.v"}, folder_.path());
}

// Prints, at the end of every cycle, the array's outputs and all ports of every instance.
std::string ArrayRtl::testbench(const RtlDescription& rtl, const ChannelWidths& widths) const {
  const ArrayPorts ports = array_ports(widths);
  std::uint32_t width = 0;
  for (const PortBits& port : ports.inputs) width += port.bits;
  std::vector<std::string> connections = {".clk_i(clock)"}, outputs;
  std::string wires, prints;
  std::uint32_t top = width;
  for (const PortBits& port : ports.inputs) {
    connections.push_back(fmt::format(".{}(inputs[{}:{}])", port.name, top - 1, top - port.bits));
    top -= port.bits;
  }
  for (const PortBits& port : ports.outputs) {
    wires += fmt::format("  wire [{}:0] {};\n", port.bits - 1, port.name);
    connections.push_back(fmt::format(".{0}({0})", port.name));
    outputs.push_back(port.name);
  }
  for (const Instance& instance : instances_) {
    prints += fmt::format("      $fdisplayb(file, {{{}}});\n",
                          fmt::join(names_in(instance.path, instance.ports), ", "));
  }
  return fmt::format(
      R"(`timescale 1ps/1ps
module testbench;
  reg [{0}:0] inputs, next;
  reg clock = 0;
  integer vectors, file, count;
{1}  {2} dut ({3});
  initial begin
    vectors = $fopen("vectors.txt", "r");
    file = $fopen("ports.txt", "w");
    count = $fscanf(vectors, "%b", next);
    inputs = next;
    #10;
    while ($fscanf(vectors, "%b", next) == 1) begin
      clock = 1;
      #1 inputs = next;
      #9 clock = 0;
      #10;
      $fdisplayb(file, {{{4}}});
{5}    end
    $finish;
  end
endmodule
)",
      width - 1, wires, rtl.top, fmt::join(connections, ", "), fmt::join(outputs, ", "), prints);
}

std::vector<InstanceRecording> ArrayRtl::record(const ArrayRecording& recording) const {
  const TemporaryFolder folder(fs::temp_directory_path());
  write_vectors(recording, folder.path() / "vectors.txt");
  run({"vvp", "-n", (folder_.path() / "array.vvp").string()}, folder.path());
  const std::string text = read_file(folder.path() / "ports.txt", kRecordLimit);
  const std::size_t cycles = recording.output_values.size();
  std::vector<InstanceRecording> result;
  for (const Instance& instance : instances_) {
    InstanceRecording& empty = result.emplace_back();
    empty.path = instance.path;
    empty.inputs.cycles = cycles;
    for (const Port& port : instance.ports) {
      if (port.is_input) empty.inputs.ports.push_back({port.name, {}});
      if (!port.is_input) empty.outputs.push_back({port.name, {}});
    }
  }
  std::size_t begin = 0;
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    compare(next_line(text, begin), recording.output_values[cycle], cycle);
    for (std::size_t i = 0; i < instances_.size(); ++i)
      append_cycle(instances_[i], next_line(text, begin), result[i]);
  }
  return result;
}

// Splits a line of digits into ports.
void ArrayRtl::append_cycle(const Instance& instance, std::string_view digits,
                            InstanceRecording& to) {
  std::size_t input = 0, output = 0;
  for (const Port& port : instance.ports) {
    check(digits.size() >= port.bits, "a port's bits are recorded");
    const std::string_view value = digits.substr(0, port.bits);
    digits.remove_prefix(port.bits);
    if (port.is_input) {
      append_words(value, to.inputs.ports[input++].words);
    } else {
      to.outputs[output++].values.emplace_back(value);
    }
  }
  check(digits.empty(), "only ports are recorded");
}

}  // namespace bitsmith
