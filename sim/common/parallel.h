// Work on all processors whose results do not depend on how many there are.
#pragma once

#include <cstddef>
#include <functional>

namespace bitsmith {

// The processors that this process may use, at least 1.
unsigned processors();

// Calls work(0) .. work(count - 1), each once, on at most `threads` threads, the caller's among
// them. After an exception or an interrupt (common/interrupt.h) nothing new is begun; the exception
// that came first, or Interrupted, is thrown when all threads have ended.
void parallel_for(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t)>& work);

}  // namespace bitsmith
