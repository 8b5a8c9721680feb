// When what was busy, for people to look at: one occurrence of every operator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bitsmith {

enum class TimelineRow { dma, dram, array, vector_unit };

struct TimelineEvent {
  TimelineRow row;
  std::size_t op;          // number in the plan
  const char* what;        // "load activations", "load weights", "store results", "load inputs",
                           // "block", "results"
  std::uint64_t block;     // number in the operator
  std::uint64_t begin_ps;  // from the operator's cycle 0; events of a row do not overlap
  std::uint64_t end_ps;
};

// Keeps the first `limit` events and counts the others.
//
// dma: from the pick of a descriptor to the issue of its last request; dram: from the begin of its
// first transfer to the end of its last; array: from a block's first token to the edge after its
// last; vector unit: while it takes elements.
class Timeline {
 public:
  explicit Timeline(std::size_t limit) : limit_(limit) {}

  void add(const TimelineEvent& event) {
    if (events_.size() < limit_) {
      events_.push_back(event);
    } else {
      ++left_out_;
    }
  }
  const std::vector<TimelineEvent>& events() const { return events_; }
  std::uint64_t left_out() const { return left_out_; }

 private:
  std::size_t limit_;
  std::vector<TimelineEvent> events_;
  std::uint64_t left_out_ = 0;
};

}  // namespace bitsmith
