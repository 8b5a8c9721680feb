#include "system/dma_fold.h"

#include <algorithm>

namespace bitsmith {

DmaFold::DmaFold(const MemoryTimes& times, const DmaParams& dma)
    : times_(times), answers_(dma.outstanding) {
  const auto window = static_cast<std::uint64_t>(dma.outstanding) * times.dram.access_ps;
  gapless_ = window >= times.dram.access_ps + times.dram.latency_ps + times.period_ps;
}

DescriptorTimes DmaFold::move(std::uint64_t pick, std::uint64_t setup, std::uint64_t accesses) {
  DescriptorTimes result;
  result.pick = pick;
  std::uint64_t issue = pick + setup;
  issue_one(issue);
  result.transfer_begin = bus_free_ - times_.dram.access_ps;
  issue_many(issue, accesses - 1);
  result.last_issue = next_pick_ = issue;
  result.transfer_end = bus_free_;
  result.answered = times_.edge_at_or_after(bus_free_ + times_.dram.latency_ps);
  return result;
}

void DmaFold::write_state(std::vector<std::int64_t>& numbers) const {
  const std::uint64_t now = next_pick_ * times_.period_ps;
  const auto put = [&](std::uint64_t time) {
    numbers.push_back(static_cast<std::int64_t>(std::max(time, now) - now));
  };
  put(bus_free_);
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    put(answers_[(oldest_ + i) % answers_.size()]);
  }
}

// At edge `issue`, or when the answer that makes room for it is seen.
void DmaFold::issue_one(std::uint64_t& issue) {
  std::uint64_t& answer = answers_[oldest_];
  issue = std::max(issue, times_.edge_at_or_after(answer));
  bus_free_ = std::max(bus_free_, issue * times_.period_ps) + times_.dram.access_ps;
  answer = bus_free_ + times_.dram.latency_ps;
  oldest_ = oldest_ + 1 == answers_.size() ? 0 : oldest_ + 1;
}

// After the first request, transfers follow each other if enough requests may be open: room for one
// comes at the latest when the transfer before it ends. Then only the last ones need to be known.
void DmaFold::issue_many(std::uint64_t& issue, std::uint64_t accesses) {
  if (!gapless_) {
    for (; accesses > 0; --accesses) issue_one(issue);
    return;
  }
  if (accesses == 0) return;
  const std::uint64_t window = answers_.size();
  const std::uint64_t step = times_.dram.access_ps;
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
