// The subcommands. Each adds its options to the command line and returns what is to be run once
// that is parsed; the result is the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace bitsmith::app {

using Action = std::function<int()>;

Action add_run(CLI::App& app);
Action add_compare(CLI::App& app);
Action add_sweep(CLI::App& app);
Action add_report(CLI::App& app);
Action add_verify(CLI::App& app);
Action add_synth(CLI::App& app);
Action add_trace(CLI::App& app);
Action add_perplexity(CLI::App& app);
Action add_reproduce(CLI::App& app);
Action add_describe(CLI::App& app);

}  // namespace bitsmith::app
