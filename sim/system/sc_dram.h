// A DRAM as a TLM-2.0 target, base protocol, non-blocking: END_REQ at once, BEGIN_RESP when the
// controller answers, data moved at that moment. Every transaction is one access of the controller.
#pragma once

#include <cstdint>
#include <span>
#include <systemc>
#include <tlm>
#include <vector>

#include "system/dram.h"
#include "system/sc_clocked.h"
#include "system/sc_tensors.h"

namespace bitsmith {

// How long the initiator takes for the data of a request at least, in ps.
struct ScTransferPace : tlm::tlm_extension<ScTransferPace> {
  std::uint64_t ps = 0;

  tlm::tlm_extension_base* clone() const override { return new ScTransferPace(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override {
    *this = static_cast<const ScTransferPace&>(other);
  }
};

class ScDram : public sc_core::sc_module, public tlm::tlm_fw_transport_if<> {
 public:
  tlm::tlm_target_socket<> socket{"socket"};

  SC_HAS_PROCESS(ScDram);

  ScDram(sc_core::sc_module_name name, ScGuard& guard, DramController& controller,
         MemoryContents& contents)
      : sc_core::sc_module(name), guard_(guard), controller_(controller), contents_(contents) {
    socket.bind(*this);
    SC_METHOD(wake);
    sensitive << wake_;
    dont_initialize();
  }

  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& request, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay) override {
    check(phase == tlm::BEGIN_REQ && delay == sc_core::SC_ZERO_TIME, "not the way of the DMA");
    request.acquire();
    const ScTransferPace* pace = request.get_extension<ScTransferPace>();
    controller_.submit({slot_for(request), request.get_address(), request.is_write(),
                        pace == nullptr ? 0 : pace->ps},
                       sc_now_ps());
    sleep();
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }

  void b_transport(tlm::tlm_generic_payload&, sc_core::sc_time&) override {
    throw InternalError("the DRAM's time is not that of blocking transport");
  }
  bool get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi&) override { return false; }
  unsigned int transport_dbg(tlm::tlm_generic_payload&) override { return 0; }

 private:
  std::uint64_t slot_for(tlm::tlm_generic_payload& request) {
    if (free_.empty()) {
      free_.push_back(waiting_.size());
      waiting_.push_back(nullptr);
    }
    const std::uint64_t slot = free_.back();
    free_.pop_back();
    waiting_[slot] = &request;
    return slot;
  }

  // Until the controller has something to do.
  void sleep() {
    const auto next = controller_.next_event();
    if (!next) return;
    const std::uint64_t now_fs = sc_core::sc_time_stamp().value();
    wake_.notify(sc_time_of_fs(std::max(*next * kFsPerPs, now_fs) - now_fs));
  }

  void wake() {
    guard_.run([this] {
      controller_.advance(sc_now_ps());
      while (const auto answer = controller_.take_answer()) respond(answer->id);
      sleep();
    });
  }

  void respond(std::uint64_t slot) {
    tlm::tlm_generic_payload& request = *waiting_[slot];
    waiting_[slot] = nullptr;
    free_.push_back(slot);
    const std::span bytes(request.get_data_ptr(), request.get_data_length());
    if (request.is_write()) {
      contents_.write(request.get_address(), bytes);
    } else {
      contents_.read(request.get_address(), bytes);
    }
    request.set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    check(socket->nb_transport_bw(request, phase, delay) == tlm::TLM_COMPLETED,
          "the DMA takes an answer at once");
    request.release();
  }

  ScGuard& guard_;
  DramController& controller_;
  MemoryContents& contents_;
  sc_core::sc_event wake_{"answer_due"};
  std::vector<tlm::tlm_generic_payload*> waiting_;  // by slot, the controller's id
  std::vector<std::uint64_t> free_;
};

}  // namespace bitsmith
