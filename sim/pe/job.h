// A job: the tile that an array computes in one go, and what it costs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bitsmith {

// Y[m,n] = A[m,k] x W[k,n] (+ the sums kept from the job before).
struct Job {
  std::uint32_t m = 1;
  std::uint32_t n = 1;
  std::uint32_t k = 1;
  bool accumulate = false;  // continue the sums of the job before, which had the same m and n and
                            // did not emit
  bool emit = true;         // send the results; otherwise the sums stay in the array

  bool operator==(const Job&) const = default;
};

// Beats that travel on every channel for one job.
struct BeatCounts {
  std::uint64_t a = 0;
  std::uint64_t w = 0;
  std::uint64_t s = 0;
  std::uint64_t y = 0;
};

// Bits of a tile's operands as they are stored in DRAM, without padding.
struct OperandBits {
  std::uint64_t a = 0;
  std::uint64_t w = 0;
  std::uint64_t s = 0;
};

// The largest job an array takes.
struct TileLimits {
  std::uint32_t m = 1;
  std::uint32_t n = 1;
  std::uint32_t k = 1;        // per job
  std::uint64_t k_total = 1;  // over consecutive accumulating jobs; results are exact up to here
  std::uint32_t k_step = 1;   // the k of a job that another one continues is a multiple of this
};

// Every PE-cycle is exactly one of these; they sum to PEs x cycles. A PE is charged for the token
// of a step in the step that token enters the array, not when the skew brings it to the PE.
struct PeCycles {
  std::uint64_t mac = 0;      // useful operands
  std::uint64_t pad = 0;      // padding of an edge tile
  std::uint64_t idle = 0;     // the array takes a step without a token
  std::uint64_t stalled = 0;  // the array takes no step

  std::uint64_t total() const { return mac + pad + idle + stalled; }
  // One cycle of `pes` PEs, of which `useful` meet the token if one entered.
  void count_step(bool advanced, bool fed, std::uint64_t useful, std::uint64_t pes) {
    if (!advanced) {
      stalled += pes;
    } else if (!fed) {
      idle += pes;
    } else {
      mac += useful;
      pad += pes - useful;
    }
  }
  bool operator==(const PeCycles&) const = default;
};

// How often each action of a design happened; the design names the entries.
struct ActionCounts {
  static constexpr std::size_t kMost = 12;
  std::array<std::uint64_t, kMost> count{};

  std::uint64_t& operator[](std::size_t action) { return count[action]; }
  std::uint64_t operator[](std::size_t action) const { return count[action]; }
  void add(const ActionCounts& other, std::uint64_t times = 1) {
    for (std::size_t i = 0; i < kMost; ++i) count[i] += times * other.count[i];
  }
  bool operator==(const ActionCounts&) const = default;
};

// When a job happens, in cycles; cycle 0 is the one in which the first beats of the first job are
// at the ports.
struct JobTiming {
  std::uint64_t start = 0;          // its first operands enter the array
  std::uint64_t operands_free = 0;  // its last operands enter the array
  std::uint64_t first_y = 0;        // its first and last result beat are taken at the port;
  std::uint64_t last_y = 0;         // meaningful only if the job emits
  std::uint64_t feed_steps = 0;     // steps in which its tokens enter the array
  std::uint64_t mac_pe_cycles = 0;
  std::uint64_t pad_pe_cycles = 0;
  ActionCounts actions;
};

// Operands always there, results always taken, the array enabled in the cycles 1, 1 + interval,
// 1 + 2 * interval, ... and, if interval is 1, in cycle 0.
struct Pace {
  std::uint64_t interval = 1;

  std::uint64_t cycle_of_step(std::uint64_t step) const { return 1 + interval * step; }
  // Enabled cycles among the cycles 0 .. cycles - 1.
  std::uint64_t enabled_cycles(std::uint64_t cycles) const {
    if (cycles == 0) return 0;
    return interval == 1 ? cycles : (cycles + interval - 2) / interval;
  }
};

}  // namespace bitsmith
