// Finds out that a system in a loop has come to repeat itself, so that iterations can be skipped.
#pragma once

#include <cstdint>

namespace bitsmith {

// Brent's algorithm (Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980) over
// the states at the begin of a loop's iterations. States whose times are relative to now compare
// equal when what follows is the same.
template <class State, class Sums>
class RepetitionFinder {
 public:
  struct Period {
    std::uint64_t iterations = 0;  // 0: none found
    std::uint64_t edges = 0;
    Sums before;  // sums when the state was the same
  };

  void restart() { known_ = false; }

  // The state at the begin of iteration `iteration`, at edge `now`.
  Period look(std::uint64_t iteration, std::uint64_t now, const State& state, const Sums& sums) {
    Period period;
    if (known_ && state == state_) {
      period = {iteration - iteration_, now - now_, sums_};
      known_ = false;
      return period;
    }
    if (!known_ || iteration - iteration_ == power_) {
      power_ = known_ ? 2 * power_ : 1;
      known_ = true;
      state_ = state;
      iteration_ = iteration;
      now_ = now;
      sums_ = sums;
    }
    return period;
  }

 private:
  bool known_ = false;
  std::uint64_t power_ = 1;
  std::uint64_t iteration_ = 0;
  std::uint64_t now_ = 0;
  State state_;
  Sums sums_;
};

}  // namespace bitsmith
