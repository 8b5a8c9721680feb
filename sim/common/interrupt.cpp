#include "common/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace bitsmith {
namespace {

volatile std::sig_atomic_t signal_seen = 0;

void note(int) { signal_seen = 1; }

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = note;  // without SA_RESTART: a blocked read or wait returns
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  // A broken pipe and a file that is too large are errors of the call that meets them.
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &action, nullptr);
}

bool interrupted() { return signal_seen != 0; }

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

}  // namespace bitsmith
