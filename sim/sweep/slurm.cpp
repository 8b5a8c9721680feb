#include "sweep/slurm.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "common/file.h"
#include "common/hash.h"
#include "common/process.h"
#include "common/text.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;

// ---------------------------------------------------------------------------------- text

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_-+=.,/:@%").find(c) != std::string_view::npos;
}

// A word of a POSIX shell.
std::string shell_word(const std::string& text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  std::erase(lines, "");
  return lines;
}

// ---------------------------------------------------------------------------------- scripts

struct Script {
  std::string what;                 // it does, for its reader
  std::string log;                  // in SLURM's patterns, relative to the folder
  std::vector<std::string> sbatch;  // the command line that submits it, without its file
  std::string arguments;            // of its own, in the shell's words
  std::uint32_t cpus = 1;
};

std::string script_text(const SlurmRequest& request, const Script& script,
                        const std::string& submitted_as) {
  std::string text = fmt::format(
      "#!/bin/sh\n# {}\n# Written by `bitsmith sweep --slurm`, which submitted it in {} as\n#   "
      "{}\n"
      "#SBATCH --job-name={}\n#SBATCH --output={}\n#SBATCH --open-mode=append\n#SBATCH --requeue\n"
      "#SBATCH --cpus-per-task={}\n",
      script.what, shell_word(request.folder.string()), submitted_as, slurm_job_name(request),
      script.log, script.cpus);
  for (const auto& [name, value] : request.environment) {
    text += fmt::format("export {}={}\n", name, shell_word(value));
  }
  text += fmt::format(
      "# Paths in files may be relative to where the sweep was started.\ncd {} || exit 1\n",
      shell_word(request.started_in.string()));
  // A shell in between would take the signal.
  return text +
         fmt::format(
             "# exec: the signal at the end of the time reaches Bitsmith, which keeps what is "
             "done.\nexec {} {}\n",
             shell_line(request.command), script.arguments);
}

// The id in what `sbatch --parsable` prints, which sites may surround with words of their own.
std::string job_id(const std::string& output) {
  std::string id;
  for (const std::string& line : lines_of(output)) {
    const std::string number = line.substr(0, line.find(';'));
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (!number.empty() && std::all_of(number.begin(), number.end(), is_digit)) id = number;
  }
  return id;
}

std::string submit(const SlurmRequest& request, const std::string& name, const Script& script) {
  const std::string file = "slurm/" + name;
  std::vector<std::string> command = script.sbatch;
  command.push_back(file);
  write_file_atomically(request.folder / file, script_text(request, script, shell_line(command)));
  const ProcessResult result = run_process(command, request.folder);
  const std::string id = job_id(result.output);
  if (result.exit_code == 0 && !id.empty()) return id;
  std::vector<std::string> messages = {
      fmt::format("`{}` in {} failed (exit code {}):", shell_line(command), request.folder.string(),
                  result.exit_code)};
  for (const std::string& line : lines_of(result.output)) messages.push_back("  " + line);
  throw UserError(messages);
}

Script shards_script(const SlurmRequest& request) {
  Script script;
  script.what = fmt::format(
      "A shard ($SLURM_ARRAY_TASK_ID of {}) of sweep {}: computes what of it is "
      "missing.",
      request.shards, request.sweep);
  script.log = "slurm/%A_%a.log";
  script.sbatch = {"sbatch", "--parsable", "--array=" + ranges_text(request.tasks)};
  script.sbatch.insert(script.sbatch.end(), request.sbatch_options.begin(),
                       request.sbatch_options.end());
  script.arguments = fmt::format(
      "--shard \"$SLURM_ARRAY_TASK_ID/{}\" --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\"", request.shards);
  script.cpus = request.cpus_per_task;
  return script;
}

Script gather_script(const SlurmRequest& request, const std::string& array) {
  Script script;
  script.what =
      fmt::format("Gathers the results of sweep {}, of whatever shards ended.", request.sweep);
  script.log = "slurm/%j_gather.log";
  script.sbatch = {"sbatch", "--parsable", "--dependency=afterany:" + array};
  script.sbatch.insert(script.sbatch.end(), request.sbatch_options.begin(),
                       request.sbatch_options.end());
  script.sbatch.emplace_back("--cpus-per-task=1");  // the last one counts
  script.arguments = "--gather";
  return script;
}

void require_usable_names(const SlurmRequest& request) {
  if (request.folder.string().find_first_of("%\\") != std::string::npos) {
    throw UserError(
        fmt::format("{}: SLURM gives '%' and '\\' in the names of folders a meaning of its "
                    "own: choose another name",
                    request.folder.string()));
  }
  std::vector<std::string> texts = request.command;
  texts.push_back(request.folder.string());
  texts.push_back(request.started_in.string());
  texts.push_back(request.sweep);
  texts.insert(texts.end(), request.sbatch_options.begin(), request.sbatch_options.end());
  for (const auto& [name, value] : request.environment) texts.push_back(value);
  for (const std::string& text : texts) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!starts_with_control(std::string_view(text).substr(i))) continue;
      throw UserError(fmt::format("{}: control characters cannot be in the script of a job",
                                  printable(text, text.size())));
    }
  }
}

// ---------------------------------------------------------------------------------- options

struct Reserved {
  std::string_view name;
  char letter;
  std::string_view why;
};

constexpr std::string_view kOurs = "Bitsmith sets it itself";
constexpr std::string_view kLogs = "logs are in the folder slurm beside the results";
constexpr std::array kReserved{
    Reserved{"array", 'a', "--shards says how many tasks there are"},
    Reserved{"dependency", 'd', kOurs},
    Reserved{"chdir", 'D', "--out says where results are"},
    Reserved{"output", 'o', kLogs},
    Reserved{"error", 'e', kLogs},
    Reserved{"job-name", 'J', "the name tells which jobs work on a folder"},
    Reserved{"parsable", '\0', kOurs},
    Reserved{"wrap", '\0', kOurs},
    Reserved{"wait", 'W', "--slurm returns when the jobs are submitted"},
    Reserved{"test-only", '\0', "it submits nothing"},
    Reserved{"clusters", 'M', "set SLURM_CLUSTERS, which squeue obeys as well"},
};

// sbatch takes any unique beginning of a long option.
bool is(const Reserved& reserved, const std::string& option) {
  if (!option.starts_with("--")) return reserved.letter != '\0' && option[1] == reserved.letter;
  const std::string name = option.substr(2, option.find('=') - 2);
  return !name.empty() && reserved.name.starts_with(name);
}

}  // namespace

void judge_sbatch_options(const std::string& where, const std::vector<std::string>& options,
                          Diagnostics& diagnostics) {
  for (const std::string& option : options) {
    if (option.size() < 2 || option[0] != '-' || option == "--") {
      diagnostics.add({where, 0, 0},
                      fmt::format("expected an option of sbatch with its value, such "
                                  "as --partition=long, found '{}'",
                                  option));
      continue;
    }
    const auto found = std::find_if(kReserved.begin(), kReserved.end(),
                                    [&](const Reserved& one) { return is(one, option); });
    if (found == kReserved.end()) continue;
    diagnostics.add({where, 0, 0}, fmt::format("'{}' cannot be passed on: {}", option, found->why));
  }
}

void require_sbatch(const std::string& where) {
  if (is_installed("sbatch")) return;
  throw UserError(
      Location{where, 0, 0},
      "there is no sbatch in PATH: start this where jobs are submitted (a login node of "
      "a SLURM cluster), or run `bitsmith sweep` with --shard under another scheduler");
}

std::string ranges_text(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (std::size_t i = 0, end = 0; i < numbers.size(); i = end) {
    end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    text += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
    if (end - i > 1) text += fmt::format("-{}", numbers[end - 1]);
  }
  return text;
}

std::string slurm_job_name(const SlurmRequest& request) {
  constexpr std::size_t kLongest = 40;
  std::string name;
  for (const char c : request.sweep.substr(0, kLongest)) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  ContentHash hash;
  hash.add(request.folder.string());
  return fmt::format("bitsmith-{}-{}", name, hash.hex().substr(0, 8));
}

std::optional<std::vector<std::string>> queued_jobs(const std::string& job_name) {
  if (!is_installed("squeue")) return std::nullopt;
  const ProcessResult result = run_process(
      {"squeue", "--noheader", "--name=" + job_name, "--format=%i %T"}, fs::current_path());
  if (result.exit_code != 0) return std::nullopt;
  return lines_of(result.output);
}

SlurmJobs submit_to_slurm(const SlurmRequest& request) {
  check(!request.tasks.empty(), "an array without tasks");
  require_usable_names(request);
  SlurmJobs jobs;
  jobs.tasks = ranges_text(request.tasks);
  jobs.array = submit(request, "shards.sh", shards_script(request));
  try {
    jobs.gather = submit(request, "gather.sh", gather_script(request, jobs.array));
  } catch (const UserError& error) {
    std::vector<std::string> messages = error.messages();
    messages.push_back(
        fmt::format("The array was submitted before that, as job {}: the same command "
                    "gathers when it has ended (or: scancel {})",
                    jobs.array, jobs.array));
    throw UserError(messages);
  }
  return jobs;
}

}  // namespace bitsmith
