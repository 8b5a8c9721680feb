#include "sweep/execution.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>
#include <string_view>

#include "common/error.h"
#include "common/file_descriptor.h"
#include "common/interrupt.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;
using Evaluate = std::function<Json(std::size_t)>;

constexpr int kPollMilliseconds = 200;
constexpr int kTries = 2;  // of a point whose worker dies
constexpr std::size_t kNone = ~std::size_t{0};

// What a worker answers. The text is that of a store that cannot be written.
enum class Outcome : std::uint32_t { done, failed, not_written };
struct Answer {
  std::uint64_t point = 0;
  Outcome outcome = Outcome::done;
  char text[500] = {};  // less than PIPE_BUF in all: a write is never split
};

Json failed_record(const std::vector<std::string>& errors) {
  return {{"schema", "bitsmith.point/1"}, {"status", "failed"}, {"errors", errors}};
}

bool is_done(const std::string& key, const ResultStore& store) {
  constexpr std::array<std::string_view, 1> kStatus = {"status"};
  const auto record = store.read(key, kStatus);
  return record && record->value("status", "") == "done";
}

// ---------------------------------------------------------------------------------- worker

Json evaluated(const Evaluate& evaluate, std::size_t point, Outcome& outcome) {
  outcome = Outcome::failed;
  try {
    Json record = evaluate(point);
    outcome = Outcome::done;
    return record;
  } catch (const Interrupted&) {
    throw;
  } catch (const UserError& error) {
    return failed_record(error.messages());
  } catch (const std::exception& error) {
    return failed_record({fmt::format("internal error: {}", error.what())});
  }
}

// Takes numbers of points from one pipe and answers on the other until the first is closed.
[[noreturn]] void work(int from, int to, const std::vector<std::string>& keys,
                       const ResultStore& store, const Evaluate& evaluate) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // nobody is left to ask for more
  std::uint64_t point = 0;
  try {
    while (::read(from, &point, sizeof point) == sizeof point) {
      Answer answer;
      answer.point = point;
      try {
        const Json record = evaluated(evaluate, point, answer.outcome);
        if (answer.outcome == Outcome::failed && is_done(keys[point], store)) {
          answer.outcome = Outcome::done;  // another process had more memory
        } else {
          store.write(keys[point], record);
        }
      } catch (const UserError& error) {
        answer.outcome = Outcome::not_written;
        std::strncpy(answer.text, error.what(), sizeof answer.text - 1);
      }
      if (::write(to, &answer, sizeof answer) != sizeof answer) break;
    }
  } catch (...) {
  }
  _exit(0);
}

// ---------------------------------------------------------------------------------- parent

struct Worker {
  pid_t pid = -1;
  FileDescriptor to, from;
  std::size_t point = kNone;  // what it computes
};

class Pool {
 public:
  Pool(const std::vector<std::string>& keys, const ResultStore& store, const Evaluate& evaluate)
      : keys_(keys), store_(store), evaluate_(evaluate) {}
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::vector<Worker>& workers() { return workers_; }
  void start(unsigned count) {
    workers_.resize(count);
    for (Worker& worker : workers_) spawn(worker);
  }
  void restart(Worker& worker) {
    reap(worker);
    spawn(worker);
  }
  // Ends idle workers by closing their pipes, busy ones by a signal: results are written whole or
  // not at all.
  void stop() {
    for (Worker& worker : workers_) {
      worker.to.reset();
      if (worker.pid > 0 && worker.point != kNone) ::kill(worker.pid, SIGTERM);
    }
    for (Worker& worker : workers_) reap(worker);
    workers_.clear();
  }
  static void send(Worker& worker, std::size_t point) {
    const std::uint64_t number = point;
    worker.point = point;
    // A worker that is dead shows when its answer is read.
    [[maybe_unused]] const auto sent = ::write(worker.to.get(), &number, sizeof number);
  }

 private:
  void spawn(Worker& worker) {
    int down[2], up[2];
    if (::pipe(down) != 0) throw UserError(fmt::format("no pipe: {}", std::strerror(errno)));
    FileDescriptor down_read(down[0]), down_write(down[1]);
    if (::pipe(up) != 0) throw UserError(fmt::format("no pipe: {}", std::strerror(errno)));
    FileDescriptor up_read(up[0]), up_write(up[1]);
    const pid_t pid = ::fork();
    if (pid < 0) throw UserError(fmt::format("no process: {}", std::strerror(errno)));
    if (pid == 0) {
      // Pipes of other workers would stay open in this one and hide their ends.
      for (Worker& other : workers_) {
        other.to.reset();
        other.from.reset();
      }
      down_write.reset();
      up_read.reset();
      ::signal(SIGINT, SIG_IGN);  // the parent decides
      work(down_read.get(), up_write.get(), keys_, store_, evaluate_);
    }
    worker = Worker{pid, std::move(down_write), std::move(up_read), kNone};
  }

  static void reap(Worker& worker) {
    worker.to.reset();
    if (worker.pid > 0) {
      int status = 0;
      while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
      }
    }
    worker.pid = -1;
    worker.from.reset();
    worker.point = kNone;
  }

  const std::vector<std::string>& keys_;
  const ResultStore& store_;
  const Evaluate& evaluate_;
  std::vector<Worker> workers_;
};

class Execution {
 public:
  Execution(const std::vector<std::string>& keys, const ResultStore& store,
            const Evaluate& evaluate, const ExecutionOptions& options)
      : keys_(keys), store_(store), options_(options), pool_(keys, store, evaluate) {
    counts_.points = keys.size();
    const std::vector<std::size_t> unfinished = unfinished_points(keys, store);
    queue_.assign(unfinished.begin(), unfinished.end());
    const std::size_t distinct = std::set<std::string>(keys.begin(), keys.end()).size();
    counts_.repeated = keys.size() - distinct;
    counts_.reused = distinct - unfinished.size();
    tries_.resize(keys.size());
  }

  ExecutionCounts run() {
    options_.on_progress(counts_);
    if (queue_.empty()) return counts_;
    pool_.start(static_cast<unsigned>(std::clamp<std::size_t>(options_.jobs, 1, queue_.size())));
    for (Worker& worker : pool_.workers()) give(worker);
    while (counts_.left() > 0) {
      wait();
      throw_if_interrupted();
      options_.on_progress(counts_);
    }
    return counts_;
  }

 private:
  void give(Worker& worker) {
    if (queue_.empty()) return;
    const std::size_t point = queue_.front();
    queue_.pop_front();
    ++tries_[point];
    Pool::send(worker, point);
  }

  void wait() {
    std::vector<pollfd> polled;
    for (Worker& worker : pool_.workers()) polled.push_back({worker.from.get(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), kPollMilliseconds) <= 0) return;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) take(pool_.workers()[i]);
    }
  }

  void take(Worker& worker) {
    Answer answer;
    const ssize_t size = ::read(worker.from.get(), &answer, sizeof answer);
    if (size < 0 && errno == EINTR) return;
    if (size != sizeof answer) {
      bury(worker);
    } else if (answer.outcome == Outcome::not_written) {
      throw UserError(answer.text);
    } else {
      check(answer.point == worker.point, "a worker answers for another point");
      worker.point = kNone;
      count(answer.outcome == Outcome::failed);
    }
    give(worker);
  }

  // A worker died with a point in its hands.
  void bury(Worker& worker) {
    // A scheduler's signal goes to the workers as well: they did not die of their points.
    throw_if_interrupted();
    const std::size_t point = worker.point;
    pool_.restart(worker);
    if (point == kNone) return;
    if (is_done(keys_[point], store_))
      return count(false);  // it died between writing and answering
    if (tries_[point] < kTries) return queue_.push_front(point);
    store_.write(
        keys_[point],
        failed_record({fmt::format("the process that computed it died, {} times", kTries)}));
    count(true);
  }

  void count(bool is_failed) {
    ++counts_.computed;
    if (is_failed) ++counts_.failed;
  }

  const std::vector<std::string>& keys_;
  const ResultStore& store_;
  const ExecutionOptions& options_;
  Pool pool_;
  std::deque<std::size_t> queue_;
  std::vector<int> tries_;
  ExecutionCounts counts_;
};

}  // namespace

std::vector<std::size_t> unfinished_points(const std::vector<std::string>& keys,
                                           const ResultStore& store) {
  std::vector<std::size_t> unfinished;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    throw_if_interrupted();
    if (seen.insert(keys[i]).second && !is_done(keys[i], store)) unfinished.push_back(i);
  }
  return unfinished;
}

ExecutionCounts execute(const std::vector<std::string>& keys, const ResultStore& store,
                        const Evaluate& evaluate, const ExecutionOptions& options) {
  return Execution(keys, store, evaluate, options).run();
}

}  // namespace bitsmith
