// A sweep on a cluster: one SLURM job array computes its shards, a job that depends on the array
// gathers. Needs sbatch (https://slurm.schedmd.com/sbatch.html) here, and on all nodes the same
// folder of results and the same program under the same paths.
//
// Of an earlier submission only names are looked at, so nothing can be left locked: jobs on one
// folder have the same name, which squeue is asked for. Whatever squeue misses costs time and
// nothing else, for a result computed twice is the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"

namespace bitsmith {

struct SlurmRequest {
  std::filesystem::path folder;      // of results, absolute; scripts and logs in its folder `slurm`
  std::filesystem::path started_in;  // absolute: what relative paths are relative to
  std::string sweep;                 // what it is called
  std::vector<std::string> command;  // program and arguments of shards and gathering alike
  std::vector<std::pair<std::string, std::string>> environment;
  std::uint32_t shards = 1;
  std::vector<std::uint32_t> tasks;  // the shards to submit, ascending, 1..shards
  std::uint32_t cpus_per_task = 1;
  std::vector<std::string> sbatch_options;  // of both jobs, as the user wrote them
};

struct SlurmJobs {
  std::string array, gather;  // ids
  std::string tasks;          // of the array, "1-3,7"
};

// Adds a mistake for each that is no option of sbatch or one that submit_to_slurm() sets itself.
void judge_sbatch_options(const std::string& where, const std::vector<std::string>& options,
                          Diagnostics& diagnostics);

// Throws UserError, located at `where`, when there is no sbatch in PATH.
void require_sbatch(const std::string& where);

// "1-3,7" of ascending numbers.
std::string ranges_text(const std::vector<std::uint32_t>& numbers);

// Of both jobs: of the sweep's name what SLURM's lists allow, and a hash of the folder.
std::string slurm_job_name(const SlurmRequest& request);

// "12_3 RUNNING", ...: jobs of that name in the queue. Nothing when squeue cannot be asked.
std::optional<std::vector<std::string>> queued_jobs(const std::string& job_name);

// Writes slurm/shards.sh and slurm/gather.sh into the folder and submits them from it. Throws
// UserError with what sbatch says, or when paths hold control characters, which a script cannot, or
// the folder's what SLURM replaces in names of logs.
SlurmJobs submit_to_slurm(const SlurmRequest& request);

}  // namespace bitsmith
