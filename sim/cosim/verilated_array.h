// RTL of an array as a thing to step: Verilated on demand, compiled once, cached by content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "pe/array_ports.h"
#include "pe/design.h"

namespace bitsmith {

// What is to be Verilated: the design's RTL, or a netlist with the same top and ports.
struct RtlSources {
  std::vector<std::filesystem::path> files;  // in compilation order
  std::string top;
  RtlParameters parameters;  // -G; empty for a netlist
  bool has_s = false;
  bool lint = true;  // warnings are errors; off for netlists
};

RtlSources rtl_sources(const Design& design);

// The shared object of these sources, built if the cache does not have it yet. The key is the
// content of every file, the parameters and the versions of the tools. Safe when several processes
// ask for the same one. Throws UserError with the tool's output when the RTL does not build.
std::filesystem::path build_verilated(const RtlSources& sources, bool trace);

// One instance. Registers without reset start at random values drawn from `seed`.
class VerilatedArray {
 public:
  // `wave` names the FST file to write, which needs a library built with trace; empty for none.
  // With checks, every step also requires that the outputs do not follow the inputs before the
  // clock edge and that a reset needs no clock edge; that costs an evaluation per step.
  enum class Checks { off, on };
  VerilatedArray(const std::filesystem::path& library, std::uint64_t seed,
                 const std::filesystem::path& wave = {}, Checks checks = Checks::off);
  ~VerilatedArray();
  VerilatedArray(const VerilatedArray&) = delete;
  VerilatedArray& operator=(const VerilatedArray&) = delete;

  // One rising clock edge.
  void step(const ArrayInputs& in) { step_(dut_, &in); }
  const ArrayOutputs& outputs() const { return *outputs_; }
  // "" or what the RTL's assertions or these checks found first.
  std::string failure() const { return failure_(dut_); }

 private:
  void* library_;
  void* dut_;
  void (*step_)(void*, const ArrayInputs*);
  void (*destroy_)(void*);
  const char* (*failure_)(void*);
  const ArrayOutputs* outputs_;
};

}  // namespace bitsmith
