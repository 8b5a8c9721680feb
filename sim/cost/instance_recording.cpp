#include "cost/instance_recording.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
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

struct Instance {
  std::string path;  // as Verilog refers to it
  std::vector<std::uint64_t> place;
};

class InstanceFinder {
 public:
  InstanceFinder(const Json& modules, const RtlDescription::Module& wanted)
      : modules_(modules), wanted_(wanted) {}

  std::vector<Instance> below(const std::string& top) {
    walk(top, "dut");
    return std::move(found_);
  }

 private:
  void walk(const std::string& name, const std::string& path) {
    const auto module = modules_.find(name);
    if (module == modules_.end()) return;  // a cell
    if (is_module(*module, name, wanted_)) {
      found_.push_back({path, place_of(path)});
      return;
    }
    for (const auto& [cell, json] : module->at("cells").items())
      walk(json.at("type"), fmt::format("{}.\\{} ", path, cell));
  }

  const Json& modules_;
  const RtlDescription::Module& wanted_;
  std::vector<Instance> found_;
};

Instance choose(std::vector<Instance> instances, InstancePlace place) {
  // By each loop's number in turn.
  std::vector<std::uint64_t> wanted;
  for (std::size_t i = 0; i < instances.front().place.size(); ++i) {
    std::vector<std::uint64_t> numbers;
    for (const Instance& instance : instances) numbers.push_back(instance.place.at(i));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    wanted.push_back(place == InstancePlace::last ? numbers.back() : numbers[numbers.size() / 2]);
  }
  const auto found = std::find_if(instances.begin(), instances.end(),
                                  [&](const Instance& i) { return i.place == wanted; });
  check(found != instances.end(), "instances fill the loops they are made in");
  return *found;
}

std::string concatenation(const std::vector<std::string>& parts) {
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

// Prints, at the end of every cycle, the array's outputs and all ports of the instance.
std::string testbench(const RtlDescription& rtl, const ArrayRecording& recording,
                      const Instance& instance, const std::vector<GateNetlist::Port>& ports) {
  std::uint32_t width = 0;
  for (const PortBits& port : recording.inputs) width += port.bits;
  std::vector<std::string> connections = {".clk_i(clock)"}, outputs, seen;
  std::string wires;
  std::uint32_t top = width;
  for (const PortBits& port : recording.inputs) {
    connections.push_back(fmt::format(".{}(inputs[{}:{}])", port.name, top - 1, top - port.bits));
    top -= port.bits;
  }
  for (const PortBits& port : recording.outputs) {
    wires += fmt::format("  wire [{}:0] {};\n", port.bits - 1, port.name);
    connections.push_back(fmt::format(".{0}({0})", port.name));
    outputs.push_back(port.name);
  }
  for (const GateNetlist::Port& port : ports)
    seen.push_back(fmt::format("{}.{}", instance.path, port.name));
  return fmt::format(
      R"(`timescale 1ps/1ps
module testbench;
  reg [{0}:0] vectors [0:{1}];
  reg [{0}:0] inputs;
  reg clock = 0;
  integer cycle, file;
{2}  {3} dut ({4});
  initial begin
    $readmemb("vectors.txt", vectors);
    file = $fopen("ports.txt", "w");
    inputs = vectors[0];
    #10;
    for (cycle = 0; cycle < {1}; cycle = cycle + 1) begin
      clock = 1;
      #1 inputs = vectors[cycle + 1];
      #9 clock = 0;
      #10;
      $fdisplayb(file, {5});
      $fdisplayb(file, {6});
    end
    $finish;
  end
endmodule
)",
      width - 1, recording.output_values.size(), wires, rtl.top, fmt::join(connections, ", "),
      concatenation(outputs), concatenation(seen));
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

class RecordReader {
 public:
  RecordReader(const ArrayRecording& recording, const std::vector<GateNetlist::Port>& ports)
      : recording_(recording), ports_(ports) {
    result_.inputs.cycles = recording.output_values.size();
    for (const GateNetlist::Port& port : ports) {
      if (port.is_input && port.name != "clk_i") result_.inputs.ports.push_back({port.name, {}});
      if (!port.is_input) result_.outputs.push_back({port.name, {}});
    }
  }

  InstanceRecording read(const fs::path& file, std::string path) {
    const std::string text = read_file(file, kRecordLimit);
    std::size_t begin = 0;
    for (std::size_t cycle = 0; cycle < recording_.output_values.size(); ++cycle) {
      compare(line(text, begin), cycle);
      split(line(text, begin));
    }
    result_.path = std::move(path);
    return std::move(result_);
  }

 private:
  static std::string_view line(const std::string& text, std::size_t& begin) {
    const std::size_t end = text.find('\n', begin);
    check(end != std::string::npos, "every cycle is recorded");
    const std::string_view found = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    return found;
  }

  void compare(std::string_view actual, std::size_t cycle) const {
    const std::string& expected = recording_.output_values[cycle];
    if (actual == expected) return;
    throw InternalError(fmt::format(
        "the array's RTL shows other outputs than its cycle model in cycle {}: {} instead of {}",
        cycle, actual, expected));
  }

  void split(std::string_view digits) {
    std::size_t input = 0, output = 0;
    for (const GateNetlist::Port& port : ports_) {
      check(digits.size() >= port.bits.size(), "a port's bits are recorded");
      const std::string_view value = digits.substr(0, port.bits.size());
      digits.remove_prefix(port.bits.size());
      if (!port.is_input) result_.outputs[output++].values.emplace_back(value);
      if (!port.is_input || port.name == "clk_i") continue;
      append_words(value, result_.inputs.ports[input++].words);
    }
    check(digits.empty(), "the ports of the RTL are those of the gates");
  }

  const ArrayRecording& recording_;
  const std::vector<GateNetlist::Port>& ports_;
  InstanceRecording result_;
};

}  // namespace

InstanceRecording record_instance(const Design& design, const RtlDescription::Module& module,
                                  const std::vector<GateNetlist::Port>& ports,
                                  const ArrayRecording& recording, InstancePlace place) {
  const RtlDescription rtl = design.rtl();
  const TemporaryFolder folder(fs::temp_directory_path());
  write_array(rtl, folder.path());
  const Json hierarchy = Json::parse(read_file(folder.path() / "hierarchy.json", kHierarchyLimit));
  const std::vector<Instance> instances =
      InstanceFinder(hierarchy.at("modules"), module).below(rtl.top);
  if (instances.empty()) {
    throw InternalError(fmt::format("array '{}' has no instance of module '{}' with its parameters",
                                    rtl.top, module.name));
  }
  const Instance instance = choose(instances, place);
  write_vectors(recording, folder.path() / "vectors.txt");
  write_file_atomically(folder.path() / "testbench.v", testbench(rtl, recording, instance, ports));
  run({"iverilog", "-g2012", "-o", "array.vvp", "array.v", "testbench.v"}, folder.path());
  run({"vvp", "-n", "array.vvp"}, folder.path());
  return RecordReader(recording, ports).read(folder.path() / "ports.txt", instance.path);
}

}  // namespace bitsmith
