// The ports of an array, the same for a cycle model, the Verilated RTL and SystemC (rtl/README.md
// defines the channels). Plain data without dependencies: the Verilated RTL is compiled with it.
//
// A payload is a flat little-endian bit vector in 32-bit words: bit i is bit i % 32 of word i / 32.
#pragma once

#include <cstdint>

namespace bitsmith {

// Bits of a beat on every channel; 0 when the design does not have the channel.
struct ChannelWidths {
  std::uint32_t job = 0;
  std::uint32_t a = 0;
  std::uint32_t w = 0;
  std::uint32_t s = 0;
  std::uint32_t y = 0;
};

// What the array sees at a rising clock edge. A payload is read only while its valid is set.
struct ArrayInputs {
  bool rst_n = true;
  bool en = true;  // the array may take a step at this edge
  bool job_valid = false;
  bool a_valid = false;
  bool w_valid = false;
  bool s_valid = false;
  bool y_ready = false;
  const std::uint32_t* job = nullptr;
  const std::uint32_t* a = nullptr;
  const std::uint32_t* w = nullptr;
  const std::uint32_t* s = nullptr;
};

// What the array shows after the edge: functions of its registers only. `y` is zero while y_valid
// is low and stays readable until the next step.
struct ArrayOutputs {
  bool job_ready = false;
  bool a_ready = false;
  bool w_ready = false;
  bool s_ready = false;
  bool y_valid = false;
  const std::uint32_t* y = nullptr;
};

}  // namespace bitsmith
