#include "common/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/error.h"
#include "common/interrupt.h"

namespace bitsmith {
namespace {

std::string read_until_end(int fd) {
  std::string output;
  char buffer[1 << 14];
  while (true) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR && !interrupted()) continue;
    if (count <= 0) return output;
    output.append(buffer, static_cast<std::size_t>(count));
  }
}

int wait_for(pid_t pid, const std::string& program) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno == EINTR) continue;
    // Whoever starts Bitsmith with SIGCHLD ignored takes the exit codes away; 0 would be a lie.
    throw UserError(fmt::format("cannot learn how '{}' ended: {} (is SIGCHLD ignored?)", program,
                                std::strerror(errno)));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Output and errors into the pipe, nothing to read, another folder.
class SpawnActions {
 public:
  SpawnActions(int pipe_end, const std::filesystem::path& folder) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, pipe_end, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, pipe_end, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
  }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// A process group of its own with the usual signals, so that the child and all it starts can be
// ended together.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::filesystem::path& folder) {
  check(!arguments.empty(), "a process without a program");
  // posix_spawn says "no such file" for the folder as well as for the program.
  if (std::error_code ignored; !std::filesystem::is_directory(folder, ignored)) {
    throw UserError(
        fmt::format("{}: is not a folder, cannot run '{}' in it", folder.string(), arguments[0]));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0, "no pipe for a child process");
  pid_t pid = 0;
  const SpawnActions actions(ends[1], folder);
  const SpawnAttributes attributes;
  const int error =
      ::posix_spawnp(&pid, argv[0], actions.get(), attributes.get(), argv.data(), environ);
  ::close(ends[1]);
  ProcessResult result;
  if (error == 0) result.output = read_until_end(ends[0]);
  ::close(ends[0]);
  if (error != 0) {
    throw UserError(fmt::format("cannot run '{}': {} (scripts/setup installs what Bitsmith needs)",
                                arguments[0], std::strerror(error)));
  }
  if (interrupted()) ::kill(-pid, SIGTERM);
  result.exit_code = wait_for(pid, arguments[0]);
  throw_if_interrupted();
  return result;
}

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::filesystem::path file = std::filesystem::path(rest.substr(0, end)) / program;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) {
      return true;
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return false;
}

std::string first_line_of(const std::vector<std::string>& arguments) {
  const std::string output = run_process(arguments, std::filesystem::temp_directory_path()).output;
  return output.substr(0, output.find('\n'));
}

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent) {
  std::string pattern = (parent / "bitsmith-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw UserError(
        fmt::format("{}: cannot make a folder in it: {}", parent.string(), std::strerror(errno)));
  }
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bitsmith
