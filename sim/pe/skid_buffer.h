// Model of rtl/common/skid_buffer.sv: a channel's two entries, ready and valid out of registers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "numerics/pack.h"

namespace bitsmith {

class SkidBuffer {
 public:
  explicit SkidBuffer(std::uint32_t bits)
      : words_(words_for_bits(bits)), storage_(std::size_t{2} * words_) {}

  bool ready_o() const { return !spare_valid_q_; }
  bool valid_o() const { return head_valid_q_; }
  const std::uint32_t* data_o() const { return storage_.data() + head_ * words_; }

  void reset() { head_valid_q_ = spare_valid_q_ = false; }

  // One clock edge with these inputs.
  void step(bool valid_i, const std::uint32_t* data_i, bool ready_i) {
    const bool push = valid_i && !spare_valid_q_;
    const bool head_free = ready_i || !head_valid_q_;
    if (head_free && spare_valid_q_) {
      head_ ^= 1U;  // the spare entry becomes the head; the RTL copies it
      spare_valid_q_ = false;
    } else if (head_free) {
      head_valid_q_ = push;
      if (push) store(head_, data_i);
    } else if (push) {
      spare_valid_q_ = true;
      store(head_ ^ 1U, data_i);
    }
  }

 private:
  void store(std::size_t entry, const std::uint32_t* data) {
    std::copy_n(data, words_, storage_.data() + entry * words_);
  }

  std::size_t words_;
  std::vector<std::uint32_t> storage_;
  std::size_t head_ = 0;
  bool head_valid_q_ = false;
  bool spare_valid_q_ = false;
};

}  // namespace bitsmith
