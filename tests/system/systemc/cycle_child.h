// Engine `cycle` in a process of its own: SystemC elaborates once per process, so every run of a
// test is a child forked before any SystemC object exists.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "system/sc_accelerator.h"

namespace bitsmith::test {

// What a child has to say.
struct CycleRun {
  std::string error;  // what it threw
  RunCounts total;
  std::vector<RunCounts> operators;
  std::vector<TimelineEvent> events;
  std::uint64_t values_compared = 0, mismatches = 0;
  std::string first_mismatch;
};

class Pipe {
 public:
  Pipe() { check(pipe(ends_) == 0, "no pipe"); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_end(int end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }
  void write_bytes(const void* data, std::size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t done = write(ends_[1], at, size);
      if (done <= 0) _exit(3);
      at += done;
      size -= static_cast<std::size_t>(done);
    }
  }
  // False at the end.
  bool read_bytes(void* data, std::size_t size) {
    char* at = static_cast<char*>(data);
    while (size > 0) {
      const ssize_t done = read(ends_[0], at, size);
      if (done <= 0) return false;
      at += done;
      size -= static_cast<std::size_t>(done);
    }
    return true;
  }

  template <class T>
  void put(const std::vector<T>& items) {
    const std::uint64_t count = items.size();
    write_bytes(&count, sizeof count);
    write_bytes(items.data(), count * sizeof(T));
  }
  template <class T>
  bool get(std::vector<T>& items) {
    std::uint64_t count = 0;
    if (!read_bytes(&count, sizeof count)) return false;
    items.resize(count);
    return read_bytes(items.data(), count * sizeof(T));
  }
  void put(const std::string& text) { put(std::vector<char>(text.begin(), text.end())); }
  bool get(std::string& text) {
    std::vector<char> letters;
    if (!get(letters)) return false;
    text.assign(letters.begin(), letters.end());
    return true;
  }

 private:
  int ends_[2] = {-1, -1};
};

inline void send(Pipe& pipe, const CycleRun& run) {
  pipe.put(run.error);
  pipe.put(std::vector<RunCounts>{run.total});
  pipe.put(run.operators);
  pipe.put(run.events);
  pipe.put(std::vector<std::uint64_t>{run.values_compared, run.mismatches});
  pipe.put(run.first_mismatch);
}
inline bool receive(Pipe& pipe, CycleRun& run) {
  std::vector<RunCounts> total;
  std::vector<std::uint64_t> values;
  const bool whole = pipe.get(run.error) && pipe.get(total) && pipe.get(run.operators) &&
                     pipe.get(run.events) && pipe.get(values) && pipe.get(run.first_mismatch);
  if (!whole) return false;
  run.total = total.at(0);
  run.values_compared = values.at(0);
  run.mismatches = values.at(1);
  return true;
}

// Calls `simulate(Timeline&)` -> RunResult in a child. What it throws becomes `error`.
template <class Simulate>
CycleRun in_child(Simulate simulate) {
  Pipe pipe;
  const pid_t child = fork();
  check(child >= 0, "no child");
  if (child == 0) {
    pipe.close_end(0);
    CycleRun run;
    try {
      Timeline timeline(1000000);
      const RunResult result = simulate(timeline);
      run.total = result.total;
      for (const OperatorResult& op : result.operators) run.operators.push_back(op.counts);
      run.events = timeline.events();
      run.values_compared = result.checked->values_compared;
      run.mismatches = result.checked->mismatches;
      run.first_mismatch = result.checked->first_mismatch;
    } catch (const std::exception& error) {
      run.error = std::string("threw ") + error.what();
    }
    send(pipe, run);
    _exit(0);
  }
  pipe.close_end(1);
  CycleRun run;
  const bool whole = receive(pipe, run);
  int status = 0;
  waitpid(child, &status, 0);
  if (!whole || status != 0) run.error = "the child died: status " + std::to_string(status);
  return run;
}

}  // namespace bitsmith::test
