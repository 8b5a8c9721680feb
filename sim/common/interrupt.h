// Ctrl-C and termination: children are stopped, temporary folders removed, nothing half-written.
//
// The one global of the program: a signal handler can reach nothing else.
#pragma once

#include <exception>

namespace bitsmith {

class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

// From now on SIGINT, SIGTERM and SIGHUP are noted instead of ending the process, and SIGPIPE is
// ignored. For main.
void catch_interrupts();

bool interrupted();
// Throws Interrupted after such a signal. Long loops call it now and then.
void throw_if_interrupted();

}  // namespace bitsmith
