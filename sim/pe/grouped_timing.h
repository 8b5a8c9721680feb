// What the timings of arrays that finish a sum per group of k have in common: the last tokens of
// two groups are some steps apart, so that results of the first are out of the way of the second's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bitsmith {

// The array between two jobs. Two states are alike when they differ in `step` only: what follows is
// then the same, shifted in time.
struct GroupedState {
  std::uint64_t step = 0;       // first step in which the next job's tokens may enter
  std::uint64_t gap_ahead = 0;  // steps from there until the last token of a group may

  bool alike(const GroupedState& other) const { return gap_ahead == other.gap_ahead; }

  // Nothing of the jobs that follow enters before step `earliest`. Beats and descriptors that are
  // at the ports from cycle R on can enter in cycle R + 1 at the earliest: that is step
  // ceil(R / pace.interval).
  void not_before(std::uint64_t earliest) {
    if (earliest <= step) return;
    gap_ahead -= std::min(gap_ahead, earliest - step);
    step = earliest;
  }

  // Steps of a job's first and last token.
  struct Entered {
    std::uint64_t first;
    std::uint64_t last;
  };
  // A job enters: its first group takes `first_group` steps, from whose last token to the job's
  // last one it is `later_groups` steps; the next group's last token follows `spacing` steps after.
  Entered enter(std::uint64_t first_group, std::uint64_t later_groups, std::uint64_t spacing) {
    const std::uint64_t first_last = step + std::max(first_group - 1, gap_ahead);
    const Entered entered{first_group == 1 ? first_last : step, first_last + later_groups};
    step = entered.last + 1;
    gap_ahead = spacing - 1;
    return entered;
  }
};

// Steps from the last token of a job's first group to that of its last one; `tokens_of` some k.
template <class TokensOf>
std::uint64_t steps_of_later_groups(std::uint32_t k, std::uint32_t group, std::uint64_t spacing,
                                    TokensOf tokens_of) {
  if (k <= group) return 0;
  const std::uint32_t rest = k - group;
  const std::uint32_t tail = rest % group;
  const std::uint64_t whole = std::max<std::uint64_t>(spacing, tokens_of(group));
  return rest / group * whole + (tail == 0 ? 0 : std::max<std::uint64_t>(spacing, tokens_of(tail)));
}

}  // namespace bitsmith
