#include "cosim/verilated_array.h"

#include <dlfcn.h>

#include <thread>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/process.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kSourceLimit = std::size_t{256} << 20;  // flat netlists are large
constexpr std::size_t kLibraryLimit = std::size_t{1} << 30;
constexpr const char* kLibrary = "libdut.so";

// A netlist is stepped a few thousand times; compiling it well would take longer than that saves.
const char* optimisation(const RtlSources& sources) {
  return sources.lint ? "-O3 -march=native" : "-O1";
}

fs::path shim_source() { return home_folder() / "sim" / "cosim" / "shim" / "verilated_shim.cpp"; }
fs::path ports_header() { return home_folder() / "sim" / "pe" / "array_ports.h"; }

// -fno-const-bit-op-tree: this optimisation of Verilator 5.006 gets sign bits of some netlists
// wrong.
std::vector<std::string> verilator_command(const RtlSources& sources, bool trace) {
  std::vector<std::string> command = {"verilator",
                                      "--cc",
                                      "--exe",
                                      "--build",
                                      "-j",
                                      std::to_string(std::thread::hardware_concurrency()),
                                      "--prefix",
                                      "Vdut",
                                      "--Mdir",
                                      "obj",
                                      "-o",
                                      fs::path("../").append(kLibrary).string(),
                                      "--top-module",
                                      sources.top,
                                      "-O3",
                                      "-fno-const-bit-op-tree",
                                      "--assert",
                                      "--x-assign",
                                      "unique",
                                      "--x-initial",
                                      "unique",
                                      "-LDFLAGS",
                                      "-shared",
                                      "-MAKEFLAGS",
                                      fmt::format("OPT_FAST='{}'", optimisation(sources))};
  const auto add = [&](std::initializer_list<std::string> more) {
    command.insert(command.end(), more);
  };
  add({"-CFLAGS", "-fPIC -fno-gnu-unique -std=c++17 -DVL_USER_STOP -I../sources"});
  if (sources.has_s) add({"-CFLAGS", "-DBITSMITH_HAS_S"});
  if (trace) add({"--trace-fst", "-CFLAGS", "-DBITSMITH_TRACE"});
  if (sources.lint) {
    add({"-Wall"});
  } else {
    add({"-Wno-lint", "-Wno-style", "-Wno-fatal", "-fno-inline"});
  }
  for (const auto& [name, value] : sources.parameters) add({fmt::format("-G{}={}", name, value)});
  for (const fs::path& file : sources.files) add({"sources/" + file.filename().string()});
  add({"../sources/" + shim_source().filename().string()});  // as seen from obj, where make runs
  return command;
}

// The machine that -march=native stands for.
std::string processor() {
  const std::string info = read_file("/proc/cpuinfo", kSourceLimit);
  const std::size_t flags = info.find("\nflags");
  return flags == std::string::npos ? "" : info.substr(flags, info.find('\n', flags + 1) - flags);
}

std::string cache_key(const RtlSources& sources, bool trace) {
  ContentHash hash;
  hash.add(first_line_of({"verilator", "--version"}));
  hash.add(first_line_of({"g++", "--version"}));
  hash.add(processor());
  for (const std::string& word : verilator_command(sources, trace)) hash.add(word);
  hash.add(read_file(shim_source(), kSourceLimit));
  hash.add(read_file(ports_header(), kSourceLimit));
  for (const fs::path& file : sources.files) hash.add(read_file(file, kSourceLimit));
  return hash.hex();
}

// Verilator and make do not take paths with spaces, so everything is compiled from copies below the
// folder they run in.
void copy_sources(const RtlSources& sources, const fs::path& folder) {
  fs::create_directories(folder / "pe");
  for (const fs::path& file : sources.files) fs::copy_file(file, folder / file.filename());
  fs::copy_file(shim_source(), folder / shim_source().filename());
  fs::copy_file(ports_header(), folder / "pe" / ports_header().filename());
}

template <class Function>
Function look_up(void* library, const char* name) {
  void* symbol = ::dlsym(library, name);
  check(symbol != nullptr, fmt::format("a Verilated library lacks {}", name));
  return reinterpret_cast<Function>(symbol);
}

}  // namespace

RtlSources rtl_sources(const Design& design) {
  const RtlDescription rtl = design.rtl();
  RtlSources sources;
  for (const std::string& file : rtl.sources) sources.files.push_back(home_folder() / "rtl" / file);
  sources.top = rtl.top;
  sources.parameters = rtl.parameters;
  sources.has_s = design.channel_widths().s > 0;
  return sources;
}

fs::path build_verilated(const RtlSources& sources, bool trace) {
  const fs::path folder = cache_folder() / "verilated";
  fs::create_directories(folder);
  const fs::path entry = folder / cache_key(sources, trace);
  if (fs::exists(entry / kLibrary)) return entry / kLibrary;

  // make refuses folders with spaces, so the build is not done in the cache.
  const TemporaryFolder build(fs::temp_directory_path());
  copy_sources(sources, build.path() / "sources");
  const std::vector<std::string> command = verilator_command(sources, trace);
  const ProcessResult result = run_process(command, build.path());
  if (result.exit_code != 0) {
    throw UserError(fmt::format("the RTL of '{}' does not build:\n{}\n(command: {})", sources.top,
                                result.output, fmt::join(command, " ")));
  }
  write_file_atomically(entry / kLibrary, read_file(build.path() / kLibrary, kLibraryLimit));
  return entry / kLibrary;
}

VerilatedArray::VerilatedArray(const fs::path& library, std::uint64_t seed, const fs::path& wave,
                               Checks checks)
    : library_(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) {
    throw UserError(
        fmt::format("{}: cannot load the Verilated array: {}", library.string(), ::dlerror()));
  }
  const auto create =
      look_up<void* (*)(const char*, std::uint64_t, bool)>(library_, "bitsmith_create");
  const auto outputs = look_up<const ArrayOutputs* (*)(void*)>(library_, "bitsmith_outputs");
  step_ = look_up<void (*)(void*, const ArrayInputs*)>(library_, "bitsmith_step");
  destroy_ = look_up<void (*)(void*)>(library_, "bitsmith_destroy");
  failure_ = look_up<const char* (*)(void*)>(library_, "bitsmith_failure");
  dut_ = create(wave.empty() ? nullptr : wave.c_str(), seed, checks == Checks::on);
  outputs_ = outputs(dut_);
}

VerilatedArray::~VerilatedArray() {
  destroy_(dut_);
  ::dlclose(library_);
}

}  // namespace bitsmith
