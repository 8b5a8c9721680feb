// Between ScArray and its array: notes when tokens enter and jobs are in, and keeps the counts of
// an operator's last cycle.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <systemc>

#include "common/error.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "system/sc_clocked.h"

namespace bitsmith {

// What the sequencer asks. Edges are counted from the first one.
class TokenLog {
 public:
  struct BlockTokens {
    std::uint64_t first = 0, last = 0;  // edges
    std::uint64_t tokens = 0;
  };
  struct Counts {
    PeCycles pe_cycles;
    ActionCounts actions;
    std::uint64_t jobs = 0;
  };

  sc_core::sc_out<std::uint64_t>* jobs_entered_o = nullptr;

  virtual ~TokenLog() = default;
  // The next `jobs` jobs are a block.
  void expect(std::uint64_t jobs) {
    expected_ += jobs;
    blocks_.push_back(expected_);
  }
  bool has_block() const { return !finished_.empty(); }
  BlockTokens take_block() {
    const BlockTokens block = finished_.front();
    finished_.pop_front();
    return block;
  }
  // All counts after edge `edge`, which is the present one.
  void keep_counts_after(std::uint64_t edge) {
    keep_after_ = edge;
    if (edges_ > edge) keep();
  }
  const Counts& kept() const { return kept_; }
  std::uint64_t tokens() const { return tokens_; }

 protected:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  virtual Counts counts() const = 0;

  // After an edge: whether a token entered, and the jobs whose last token has.
  void note(bool token, std::uint64_t jobs) {
    const std::uint64_t edge = edges_++;
    if (token) note_token(edge);
    if (jobs != jobs_) note_jobs(jobs);
    if (edge == keep_after_) keep();
  }

 private:
  void note_token(std::uint64_t edge) {
    check(!blocks_.empty(), "a token of no block");
    ++tokens_;
    if (present_.tokens++ == 0) present_.first = edge;
    present_.last = edge;
  }
  void note_jobs(std::uint64_t jobs) {
    jobs_ = jobs;
    jobs_entered_o->write(jobs);
    if (blocks_.empty() || jobs < blocks_.front()) return;
    blocks_.pop_front();
    finished_.push_back(present_);
    present_ = {};
  }
  void keep() {
    kept_ = counts();
    keep_after_ = kNever;
  }

  std::uint64_t edges_ = 0;
  std::uint64_t expected_ = 0;        // jobs
  std::deque<std::uint64_t> blocks_;  // jobs that have entered at their end
  BlockTokens present_;
  std::deque<BlockTokens> finished_;
  std::uint64_t tokens_ = 0, jobs_ = 0;
  std::uint64_t keep_after_ = kNever;
  Counts kept_;
};

// `Array` as run_cycle() asks for it; what ScArray needs of one.
template <class Array>
class ArrayTap final : public TokenLog {
 public:
  // `array` must outlive this. Jobs it has done before do not count.
  ArrayTap(ScGuard& guard, Array& array)
      : guard_(guard), array_(array), jobs_before_(array.jobs_entered()) {
    fed_ = fed();
  }

  void step(const ArrayInputs& in) {
    guard_.run([&] { guarded_step(in); });
  }
  decltype(auto) outputs() const { return array_.outputs(); }

 private:
  std::uint64_t fed() const {
    const auto& cycles = array_.pe_cycles();
    return cycles.mac + cycles.pad;
  }
  Counts counts() const override {
    return {array_.pe_cycles(), array_.actions(), array_.jobs_entered() - jobs_before_};
  }

  void guarded_step(const ArrayInputs& in) {
    array_.step(in);
    const std::uint64_t fed_now = fed();
    note(fed_now != fed_, array_.jobs_entered() - jobs_before_);
    fed_ = fed_now;
    if constexpr (requires { array_.failure(); }) {
      if (const auto& wrong = array_.failure(); !wrong.empty()) throw InternalError(wrong);
    }
  }

  ScGuard& guard_;
  Array& array_;
  std::uint64_t jobs_before_;
  std::uint64_t fed_ = 0;
};

}  // namespace bitsmith
