// The DMA engine: a TLM-2.0 initiator that loads operands into free halves and stores results, one
// descriptor after the other, requests of several in flight.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <systemc>
#include <tlm>
#include <vector>

#include "system/sc_buffers.h"
#include "system/sc_clocked.h"
#include "system/sc_dram.h"
#include "system/sc_work.h"
#include "system/timeline.h"

namespace bitsmith {

// Payloads that are used again and again, with a ScTransferPace.
class PayloadPool : public tlm::tlm_mm_interface {
 public:
  tlm::tlm_generic_payload* take() {
    if (free_.empty()) {
      all_.push_back(std::make_unique<tlm::tlm_generic_payload>(this));
      all_.back()->set_extension(new ScTransferPace);  // the payload's from here on
      free_.push_back(all_.back().get());
    }
    tlm::tlm_generic_payload* payload = free_.back();
    free_.pop_back();
    payload->acquire();
    return payload;
  }
  void free(tlm::tlm_generic_payload* payload) override { free_.push_back(payload); }

 private:
  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> all_;
  std::vector<tlm::tlm_generic_payload*> free_;
};

class ScDma : public ScClocked, public tlm::tlm_bw_transport_if<> {
 public:
  tlm::tlm_initiator_socket<> socket{"socket"};
  sc_core::sc_in<ScWork*> work_i{"work_i"};
  sc_core::sc_in<std::uint64_t> jobs_entered_i{"jobs_entered_i"};    // all counts from the start
  sc_core::sc_in<std::uint64_t> inputs_passed_i{"inputs_passed_i"};  // by the vector unit
  sc_core::sc_in<std::uint64_t> blocks_written_i{"blocks_written_i"};
  sc_core::sc_in<std::uint64_t> results_passed_i{"results_passed_i"};
  sc_core::sc_out<std::uint64_t> a_resident_o{"a_resident_o"};  // loads whose operands are there
  sc_core::sc_out<std::uint64_t> w_resident_o{"w_resident_o"};
  sc_core::sc_out<std::uint64_t> stored_o{"stored_o"};  // stores with all answers

  ScDma(sc_core::sc_module_name name, ScGuard& guard, const Design& design,
        const MemoryParams& memory, const MemoryTimes& times, ScBuffers& buffers,
        Timeline* timeline)
      : ScClocked(name, guard),
        design_(design),
        memory_(memory),
        times_(times),
        buffers_(buffers),
        timeline_(timeline) {
    socket.bind(*this);
  }

  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload& answer, tlm::tlm_phase& phase,
                                     sc_core::sc_time&) override {
    check(phase == tlm::BEGIN_RESP && answer.is_response_ok(), "an answer that is none");
    answers_.push_back(sc_now_ps());
    answer.release();
    phase = tlm::END_RESP;
    return tlm::TLM_COMPLETED;
  }
  void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}

  // Anything that happens here, for a watchdog.
  std::uint64_t events() const { return events_; }
  // State, for a waveform.
  bool is_issuing() const { return current_ != nullptr; }
  std::uint32_t in_flight() const { return in_flight_; }

 private:
  struct Descriptor {
    Tensor tensor = Tensor::activations;
    std::uint64_t index = 0;  // of the block
    Block block;
    std::uint64_t half = 0;
    std::uint64_t picked = 0, start = 0;  // edges
    std::uint64_t address = 0, bytes = 0;
    std::uint64_t first_code_bit = 0;  // of converted weights
    std::uint8_t* data = nullptr;
    std::uint64_t issued_bytes = 0;
    std::uint64_t in_flight = 0;
    bool issued = false;
    bool answered = false;       // something is
    std::uint64_t begin_ps = 0;  // of its first transfer

    bool is_store() const { return tensor == Tensor::results; }
  };
  // Loads of an operand take its halves in turn.
  struct Halves {
    std::uint64_t loads = 0;               // picked
    std::deque<std::uint64_t> released{};  // edges at which the halves of loads 0, 1, ... were free
    std::deque<std::pair<std::uint64_t, Descriptor>> arriving{};  // edge at which it is resident

    // Since when the next load may be picked.
    std::optional<std::uint64_t> eligible(std::uint64_t origin) const {
      if (loads < 2) return origin;
      if (released.empty()) return std::nullopt;
      return released.front();
    }
    void pick() {
      if (loads++ >= 2) released.pop_front();
    }
  };

  void on_edge() override {
    if (work_i.read() != work_) begin_operator();
    if (work_ == nullptr) return;
    take_answers();
    announce(a_, a_resident_, a_resident_o);
    announce(w_, w_resident_, w_resident_o);
    watch_halves();
    watch_results();
    work_on_descriptors();
  }

  void begin_operator() {
    check(active_.empty() && answers_.empty(), "an operator ended before its last answer");
    work_ = work_i.read();
    origin_ = now();
    a_ = {};
    w_ = {};
    load_block_ = store_block_ = used_block_ = 0;
    a_of_block_is_next_ = true;
    results_ready_.clear();
    if (work_ == nullptr) return;
    jobs_of_used_blocks_ = jobs_seen_ = jobs_entered_i.read();
    inputs_seen_ = inputs_passed_i.read();
    results_seen_ = results_signal().read();
    load_head_ = work_->block(0);
    used_ = load_head_;
    jobs_of_used_blocks_ += jobs_of(used_);
  }

  const sc_core::sc_in<std::uint64_t>& results_signal() const {
    return work_->is_passed() ? results_passed_i : blocks_written_i;
  }
  std::uint64_t jobs_of(const Block& block) const {
    return JobWalk(block, work_->limits()).jobs_left();
  }

  // ---- what the others have done

  // Requests are answered in order.
  void take_answers() {
    for (; !answers_.empty(); answers_.pop_front()) {
      ++events_;
      Descriptor& descriptor = active_.front();
      if (!descriptor.answered) {
        descriptor.answered = true;
        descriptor.begin_ps =
            answers_.front() - times_.dram.latency_ps - access_ps(descriptor, times_.access_bytes);
      }
      --in_flight_;
      if (--descriptor.in_flight > 0 || !descriptor.issued) continue;
      note_transfers(descriptor, answers_.front() - times_.dram.latency_ps);
      complete(descriptor);
      active_.pop_front();
    }
  }

  // Its last answer is seen.
  void complete(const Descriptor& descriptor) {
    if (descriptor.is_store()) {
      stored_o.write(++stored_);
    } else if (descriptor.tensor == Tensor::weights) {
      const std::uint64_t cycles =
          work_->converter() == nullptr ? times_.w_write_cycles : times_.converted_write_cycles;
      w_.arriving.emplace_back(now() + cycles, descriptor);
    } else {
      a_.arriving.emplace_back(now() + times_.a_write_cycles, descriptor);
    }
  }

  // Written now, seen at the next edge.
  void announce(Halves& halves, std::uint64_t& resident, sc_core::sc_out<std::uint64_t>& signal) {
    while (!halves.arriving.empty() && halves.arriving.front().first <= now() + 1) {
      fill(halves.arriving.front().second);
      halves.arriving.pop_front();
      signal.write(++resident);
    }
  }

  void fill(const Descriptor& load) {
    SystemCounts& counts = work_->counts;
    if (!work_->is_gemm()) {
      counts.activation_buffer_writes +=
          memory_.activation_buffer.cycles_for(work_->bits(Tensor::activations, load.block));
    } else if (load.tensor == Tensor::weights) {
      counts.weight_buffer_writes +=
          times_.w_port_cycles * buffers_.weights[load.half].pack_weights(
                                     design_, load.block, work_->limits(), work_->converter());
      if (work_->converter() != nullptr) {
        counts.weight_conversions += load.block.k * load.block.n;
      }
      if (times_.s_port_cycles == 0) return;
      counts.weight_buffer_writes +=
          times_.s_port_cycles *
          buffers_.scales[load.half].pack_scales(design_, load.block, work_->limits(),
                                                 buffers_.weights[load.half]);
    } else {
      counts.activation_buffer_writes +=
          times_.a_port_cycles *
          buffers_.activations[load.half].pack_activations(design_, load.block, work_->limits());
    }
  }

  // Halves whose last user is through.
  void watch_halves() {
    if (!work_->is_gemm()) {
      for (; inputs_seen_ != inputs_passed_i.read(); ++inputs_seen_) a_.released.push_back(now());
      return;
    }
    if (jobs_seen_ == jobs_entered_i.read()) return;
    jobs_seen_ = jobs_entered_i.read();
    ++events_;
    while (used_block_ < work_->block_count() && jobs_seen_ >= jobs_of_used_blocks_) {
      if (++used_block_ == work_->block_count()) return;
      used_ = work_->block(used_block_);
      jobs_of_used_blocks_ += jobs_of(used_);
      if (used_.loads_a) a_.released.push_back(now());
      if (used_.loads_w) w_.released.push_back(now());
    }
  }

  void watch_results() {
    for (; results_seen_ != results_signal().read(); ++results_seen_) {
      results_ready_.push_back(now());
    }
  }

  // ---- descriptors

  void work_on_descriptors() {
    while (current_ != nullptr || pick()) {
      if (now() < current_->start) return;
      issue(*current_);
      if (!current_->issued) return;
      note_issue(*current_);
      current_ = nullptr;
    }
  }

  // The one that is eligible for longer, or the load.
  bool pick() {
    const auto load = eligible_load();
    const bool store = !results_ready_.empty();
    if (!load && !store) return false;
    active_.emplace_back();
    current_ = &active_.back();
    if (load && (!store || *load <= results_ready_.front())) {
      pick_load(*current_);
    } else {
      pick_store(*current_);
    }
    current_->picked = now();
    current_->start = now() + memory_.dma.setup_cycles;
    if (current_->is_store()) current_->start += times_.y_read_cycles;
    current_->address = work_->address(current_->tensor, current_->index);
    current_->bytes = work_->bytes(current_->tensor, current_->block);
    ++work_->counts.descriptors;
    ++events_;
    return true;
  }

  // In the order of blocks, activations before weights.
  std::optional<std::uint64_t> eligible_load() {
    while (load_block_ < work_->block_count()) {
      if (a_of_block_is_next_ && load_head_.loads_a) return a_.eligible(origin_);
      a_of_block_is_next_ = false;
      if (load_head_.loads_w) return w_.eligible(origin_);
      next_load_block();
    }
    return std::nullopt;
  }
  void next_load_block() {
    if (++load_block_ < work_->block_count()) load_head_ = work_->block(load_block_);
    a_of_block_is_next_ = true;
  }

  void pick_load(Descriptor& load) {
    load.index = load_block_;
    load.block = load_head_;
    load.tensor = a_of_block_is_next_ ? Tensor::activations : Tensor::weights;
    Halves& halves = a_of_block_is_next_ ? a_ : w_;
    load.half = halves.loads % 2;
    halves.pick();
    const std::uint64_t bytes = work_->bytes(load.tensor, load.block);
    if (is_converted(load)) load.first_code_bit = work_->parameter_bits(load.block);
    load.data = a_of_block_is_next_ ? buffers_.activations[load.half].room(bytes)
                                    : buffers_.weights[load.half].room(bytes);
    if (a_of_block_is_next_) {
      a_of_block_is_next_ = false;
    } else {
      next_load_block();
    }
  }

  void pick_store(Descriptor& store) {
    while (!work_->block(store_block_).emit) ++store_block_;
    store.index = store_block_++;
    store.block = work_->block(store.index);
    store.tensor = Tensor::results;
    store.half = stores_picked_++ % 2;
    results_ready_.pop_front();
    buffers_.results[store.half].pack(design_, *work_, store.block);
    store.data = buffers_.results[store.half].bytes();
    work_->counts.result_buffer_reads +=
        memory_.result_buffer.cycles_for(work_->bits(Tensor::results, store.block));
  }

  void issue(Descriptor& descriptor) {
    while (!descriptor.issued && in_flight_ < memory_.dma.outstanding) {
      const std::uint64_t length =
          std::min(times_.access_bytes, descriptor.bytes - descriptor.issued_bytes);
      send(descriptor, static_cast<unsigned int>(length));
      descriptor.issued_bytes += length;
      descriptor.issued = descriptor.issued_bytes == descriptor.bytes;
      ++descriptor.in_flight;
      ++in_flight_;
      ++accesses_of(descriptor);
      ++events_;
    }
  }

  bool is_converted(const Descriptor& descriptor) const {
    return descriptor.tensor == Tensor::weights && work_->converter() != nullptr;
  }
  // Of the transfer that ends with this byte of the descriptor.
  std::uint64_t access_ps(const Descriptor& descriptor, std::uint64_t end) const {
    const bool holds_codes = is_converted(descriptor) && 8 * end > descriptor.first_code_bit;
    return holds_codes ? times_.converted_access_ps : times_.dram.access_ps;
  }

  void send(const Descriptor& descriptor, unsigned int length) {
    tlm::tlm_generic_payload* request = pool_.take();
    request->get_extension<ScTransferPace>()->ps =
        access_ps(descriptor, descriptor.issued_bytes + length);
    request->set_command(descriptor.is_store() ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    request->set_address(descriptor.address + descriptor.issued_bytes);
    request->set_data_ptr(descriptor.data + descriptor.issued_bytes);
    request->set_data_length(length);
    request->set_streaming_width(length);
    request->set_byte_enable_ptr(nullptr);
    request->set_dmi_allowed(false);
    request->set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    check(socket->nb_transport_fw(*request, phase, delay) == tlm::TLM_UPDATED &&
              phase == tlm::END_REQ,
          "the DRAM takes a request at once");
  }

  std::uint64_t& accesses_of(const Descriptor& descriptor) {
    SystemCounts& counts = work_->counts;
    const ProgramOperator& program = work_->program();
    switch (descriptor.tensor) {
      case Tensor::activations:
        return counts.activation_reads;
      case Tensor::weights:
        return program.weights_are_kv_cache ? counts.kv_cache_reads : counts.weight_reads;
      case Tensor::results:
        return program.results_are_kv_cache ? counts.kv_cache_writes : counts.result_writes;
    }
    throw InternalError("a tensor of no kind");
  }

  // ---- timeline

  const char* what(const Descriptor& descriptor) const {
    if (descriptor.is_store()) return "store results";
    if (!work_->is_gemm()) return "load inputs";
    return descriptor.tensor == Tensor::weights ? "load weights" : "load activations";
  }
  void note_issue(const Descriptor& descriptor) {
    if (timeline_ == nullptr) return;
    timeline_->add({TimelineRow::dma, work_->number(), what(descriptor), descriptor.index,
                    (descriptor.picked - origin_) * times_.period_ps,
                    (now() - origin_) * times_.period_ps});
  }
  void note_transfers(const Descriptor& descriptor, std::uint64_t end_ps) {
    if (timeline_ == nullptr) return;
    const std::uint64_t origin_ps = origin_ * times_.period_ps;
    timeline_->add({TimelineRow::dram, work_->number(), what(descriptor), descriptor.index,
                    descriptor.begin_ps - origin_ps, end_ps - origin_ps});
  }

  const Design& design_;
  const MemoryParams& memory_;
  const MemoryTimes& times_;
  ScBuffers& buffers_;
  Timeline* timeline_;

  ScWork* work_ = nullptr;
  std::uint64_t origin_ = 0;  // edge 0 of the operator
  Halves a_, w_;
  std::uint64_t a_resident_ = 0, w_resident_ = 0, stored_ = 0;

  // The next load: its block, and whether the block's activations come first.
  std::uint64_t load_block_ = 0;
  Block load_head_;
  bool a_of_block_is_next_ = true;
  // The first block with tokens to come, and the jobs when they are over.
  std::uint64_t used_block_ = 0;
  Block used_;
  std::uint64_t jobs_of_used_blocks_ = 0;
  std::uint64_t jobs_seen_ = 0, inputs_seen_ = 0, results_seen_ = 0;

  std::deque<std::uint64_t> results_ready_;  // edges since when stores are eligible
  std::uint64_t store_block_ = 0;
  std::uint64_t stores_picked_ = 0;

  Descriptor* current_ = nullptr;      // has requests to issue
  std::deque<Descriptor> active_;      // has requests to issue or without an answer
  std::deque<std::uint64_t> answers_;  // times at which they came since the last edge
  std::uint32_t in_flight_ = 0;
  PayloadPool pool_;
  std::uint64_t events_ = 0;
};

}  // namespace bitsmith
