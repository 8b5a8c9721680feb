// A DRAM behind an event-driven interface without a simulation kernel: the same code serves the
// SystemC engine (sc_dram.h gives it a TLM-2.0 socket) and the fast twin. Time is integer
// picoseconds.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "common/error.h"
#include "system/memory_params.h"

namespace bitsmith {

struct DramRequest {
  std::uint64_t id = 0;  // the requester's
  std::uint64_t address = 0;
  bool write = false;
  std::uint64_t transfer_ps = 0;  // at least: the requester takes no faster
};

struct DramAnswer {
  std::uint64_t id = 0;
  std::uint64_t time = 0;
};

// A controller serves accesses of one size.
//   submit() hands over a request at `now`, which never goes back;
//   next_event() is the time at which advance() should be called if nothing is submitted before;
//   advance(now) works up to and including `now`; then answers due by then can be taken in order.
class DramController {
 public:
  virtual ~DramController() = default;
  virtual void submit(const DramRequest& request, std::uint64_t now) = 0;
  virtual std::optional<std::uint64_t> next_event() const = 0;
  virtual void advance(std::uint64_t now) = 0;
  // The oldest answer that is due, once.
  virtual std::optional<DramAnswer> take_answer() = 0;
};

// Transfers one access at a time, in order of submission, each for access_ps or as long as its
// requester takes; answers latency_ps after the transfer. Its answers are known when requests are
// submitted: closed forms may use that (DmaFold).
class IdealDram final : public DramController {
 public:
  explicit IdealDram(const DramTimes& times) : times_(times) {}

  void submit(const DramRequest& request, std::uint64_t now) override {
    bus_free_ = std::max(bus_free_, now) + std::max(times_.access_ps, request.transfer_ps);
    answers_.push_back({request.id, bus_free_ + times_.latency_ps});
  }
  std::optional<std::uint64_t> next_event() const override {
    if (answers_.empty()) return std::nullopt;
    return answers_.front().time;
  }
  void advance(std::uint64_t now) override { now_ = std::max(now_, now); }
  std::optional<DramAnswer> take_answer() override {
    if (answers_.empty() || answers_.front().time > now_) return std::nullopt;
    const DramAnswer answer = answers_.front();
    answers_.pop_front();
    return answer;
  }

 private:
  DramTimes times_;
  std::uint64_t now_ = 0;
  std::uint64_t bus_free_ = 0;
  std::deque<DramAnswer> answers_;
};

}  // namespace bitsmith
