#include "system/stall_cycles.h"

#include <algorithm>

#include "common/error.h"

namespace bitsmith {

void StallAccount::until(std::uint64_t edge, std::uint64_t& cause) {
  if (edge <= accounted_) return;
  cause += edge - accounted_;
  accounted_ = edge;
}

void StallAccount::gemm_block(const GemmBlockTimes& block) {
  const std::uint64_t first = block.first_token;
  const std::uint64_t last =
      std::max({block.array_ready, block.w_resident, block.a_resident, block.half_free});
  const auto wait = [&](std::uint64_t edge, std::uint64_t& cause) {
    until(std::min(edge, first), cause);
  };
  if (block.array_ready == last) {
    wait(last, stalls_.fill_drain);
  } else if (block.w_resident == last) {
    wait(last, stalls_.weights);
  } else if (block.a_resident == last) {
    wait(last, stalls_.activations);
  } else {
    wait(block.half_vector_done, stalls_.vector);
    wait(last, stalls_.results);
  }
  wait(block.operands_at_ports, stalls_.control);
  until(first, stalls_.fill_drain);
  check(accounted_ == first, "a token entered before what it waited for");

  const std::uint64_t between_ports = (times_.interval - 1) * block.tokens;
  const std::uint64_t span = block.last_token + times_.interval - first;
  accounted_ += span;
  const std::uint64_t weight_port = std::max(times_.w_port_cycles, times_.s_port_cycles);
  std::uint64_t& port = weight_port == times_.interval            ? stalls_.weights
                        : times_.a_port_cycles == times_.interval ? stalls_.activations
                                                                  : stalls_.results;
  port += between_ports;
  stalls_.fill_drain += span - between_ports - block.tokens;
}

void StallAccount::vector_block(const VectorBlockTimes& block) {
  const auto wait = [&](std::uint64_t edge, std::uint64_t& cause) {
    until(std::min(edge, block.start), cause);
  };
  if (block.resident >= block.half_free) {
    wait(block.resident, stalls_.activations);
  } else {
    wait(block.half_free, stalls_.results);
  }
  until(block.start, stalls_.control);
  until(block.done, stalls_.vector);
}

void StallAccount::gemm_tail(const TailTimes& tail) {
  until(tail.last_y + 1, stalls_.fill_drain);
  vector_tail(tail);
}

void StallAccount::vector_tail(const TailTimes& tail) {
  until(tail.vector_done, stalls_.vector);
  until(tail.end, stalls_.results);
  check(accounted_ == tail.end, "an operator ended before its last result");
  accounted_ = 0;
}

}  // namespace bitsmith
