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

// Keeps the first events of every operator, up to `limit` each.
//
// dma: from the pick of a descriptor to the issue of its last request; dram: from the begin of its
// first transfer to the end of its last; array: from a block's first token to the edge after its
// last; vector unit: while it takes elements.
class Timeline {
 public:
  explicit Timeline(std::size_t limit) : limit_(limit) {}

  void add(const TimelineEvent& event) {
    if (event.op >= kept_.size()) kept_.resize(event.op + 1);
    if (is_full(event.op)) {
      is_cut_ = true;
    } else {
      ++kept_[event.op];
      events_.push_back(event);
    }
  }
  const std::vector<TimelineEvent>& events() const { return events_; }
  // Of operator `op` nothing more is kept.
  bool is_full(std::size_t op) const { return op < kept_.size() && kept_[op] >= limit_; }
  // Some operator has more events.
  bool is_cut() const { return is_cut_; }

 private:
  std::size_t limit_;
  std::vector<TimelineEvent> events_;
  std::vector<std::size_t> kept_;  // by operator
  bool is_cut_ = false;
};

}  // namespace bitsmith
