#include "system/dma_fold.h"

#include <algorithm>
#include <variant>

#include "common/error.h"
#include "common/interrupt.h"
#include "system/repetition.h"

namespace bitsmith {

DmaFold::DmaFold(const MemoryTimes& times, const DmaParams& dma)
    : times_(times), answers_(dma.outstanding) {
  const auto window = static_cast<std::uint64_t>(dma.outstanding) * times.dram.access_ps;
  gapless_ = window >= times.dram.access_ps + times.dram.latency_ps + times.period_ps;
}

DescriptorTimes DmaFold::move(std::uint64_t pick, std::uint64_t setup, std::uint64_t accesses,
                              std::uint64_t converted) {
  constexpr std::uint64_t kLongest = std::uint64_t{1} << 61;
  const std::uint64_t slow = times_.converted_access_ps;
  if (pick > kLongest / times_.period_ps || accesses > kLongest / times_.dram.access_ps ||
      (converted > 0 && converted > kLongest / slow)) {
    throw UserError("an operator takes longer than 2^61 ps (26 days): more than is counted here");
  }
  DescriptorTimes result;
  result.pick = pick;
  std::uint64_t issue = pick + setup;
  const std::uint64_t first = accesses > 0 ? times_.dram.access_ps : slow;
  issue_one(issue, first);
  result.transfer_begin = bus_free_ - first;
  --(accesses > 0 ? accesses : converted);
  issue_many(issue, accesses, times_.dram.access_ps);
  issue_many(issue, converted, slow);
  result.last_issue = next_pick_ = issue;
  result.transfer_end = bus_free_;
  result.answered = times_.edge_at_or_after(bus_free_ + times_.dram.latency_ps);
  return result;
}

void DmaFold::write_state(std::vector<std::int64_t>& numbers) const {
  write_state(numbers, next_pick_);
}

void DmaFold::write_state(std::vector<std::int64_t>& numbers, std::uint64_t edge) const {
  const std::uint64_t now = edge * times_.period_ps;
  const auto after_now = [now](std::uint64_t time) {
    return static_cast<std::int64_t>(std::max(time, now) - now);
  };
  // Called for every block: the ring in two straight pieces, from its oldest on.
  const std::size_t begin = numbers.size();
  numbers.resize(begin + 1 + answers_.size());
  std::int64_t* to = numbers.data() + begin;
  *to++ = after_now(bus_free_);
  const auto oldest = answers_.begin() + static_cast<std::ptrdiff_t>(oldest_);
  to = std::transform(oldest, answers_.end(), to, after_now);
  std::transform(answers_.begin(), oldest, to, after_now);
}

// At edge `issue`, or when the answer that makes room for it is seen.
void DmaFold::issue_one(std::uint64_t& issue, std::uint64_t step) {
  std::uint64_t& answer = answers_[oldest_];
  issue = std::max(issue, times_.edge_at_or_after(answer));
  bus_free_ = std::max(bus_free_, issue * times_.period_ps) + step;
  answer = bus_free_ + times_.dram.latency_ps;
  oldest_ = oldest_ + 1 == answers_.size() ? 0 : oldest_ + 1;
}

// As many requests at a time as may be open: when the answers come as they did a few such windows
// before, all that follow do.
void DmaFold::issue_in_windows(std::uint64_t& issue, std::uint64_t accesses, std::uint64_t step) {
  const std::uint64_t window = answers_.size();
  RepetitionFinder<std::vector<std::int64_t>, std::monostate> finder;
  for (std::uint64_t number = 0; accesses >= window; ++number) {
    if (number % 1024 == 0) throw_if_interrupted();
    std::vector<std::int64_t> state;
    write_state(state, issue);
    const auto period = finder.look(number, issue, state, {});
    if (period.iterations > 0) {
      const std::uint64_t times = accesses / (period.iterations * window);
      accesses -= times * period.iterations * window;
      shift(times * period.edges);
      issue += times * period.edges;
      break;
    }
    for (std::uint64_t i = 0; i < window; ++i) issue_one(issue, step);
    accesses -= window;
  }
  for (; accesses > 0; --accesses) issue_one(issue, step);
}

void DmaFold::shift(std::uint64_t edges) {
  const std::uint64_t ps = edges * times_.period_ps;
  bus_free_ += ps;
  for (std::uint64_t& answer : answers_) answer += ps;
}

// After the first request, transfers follow each other if enough requests may be open: room for one
// comes at the latest when the transfer before it ends, the more so where transfers are longer.
// Then only the last ones need to be known.
void DmaFold::issue_many(std::uint64_t& issue, std::uint64_t accesses, std::uint64_t step) {
  if (!gapless_) return issue_in_windows(issue, accesses, step);
  if (accesses == 0) return;
  const std::uint64_t window = answers_.size();
  const std::uint64_t first_answer = bus_free_ + step + times_.dram.latency_ps;
  bus_free_ += accesses * step;
  const std::uint64_t answer = bus_free_ + times_.dram.latency_ps;
  if (accesses > window) {
    // The one that made room for the last request is one of these requests, too.
    issue = std::max(issue, times_.edge_at_or_after(answer - window * step));
    oldest_ = 0;
    for (std::uint64_t i = 0; i < window; ++i) answers_[i] = answer - (window - 1 - i) * step;
    return;
  }
  const std::size_t last = (oldest_ + accesses - 1) % window;
  issue = std::max(issue, times_.edge_at_or_after(answers_[last]));
  for (std::uint64_t i = 0; i < accesses; ++i) {
    answers_[oldest_] = first_answer + i * step;
    oldest_ = oldest_ + 1 == window ? 0 : oldest_ + 1;
  }
}

}  // namespace bitsmith
