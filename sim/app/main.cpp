// bitsmith: exit codes 0 done, 2 the user's mistake, 1 our bug or a verification that failed, 130
// interrupted.
#include <algorithm>
#include <filesystem>
#include <new>

#include "app/commands.h"
#include "app/options.h"
#include "common/error.h"
#include "common/interrupt.h"
#include "common/version.h"
#include "config/scalar.h"

namespace {

using bitsmith::app::Action;
using bitsmith::app::print_message;

constexpr int kDone = 0;
constexpr int kOurBug = 1;
constexpr int kUsersMistake = 2;
constexpr int kInterrupted = 130;  // as shells do

using Commands = std::vector<std::pair<const char*, Action>>;

// CLI11 would only say that a subcommand is required.
void require_known_command(const Commands& commands, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string_view> names;
  for (const auto& [name, action] : commands) names.emplace_back(name);
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return;
  throw bitsmith::UserError(bitsmith::unknown_word("command", argv[1], names));
}

int run_command_line(int argc, char** argv) {
  CLI::App app(
      "Cycle-accurate simulation of low-bit LLM accelerator hardware, with the RTL to prove it");
  app.name("bitsmith");
  app.set_version_flag("--version", std::string(bitsmith::version()));
  app.require_subcommand(1);
  const Commands actions = {{"run", bitsmith::app::add_run(app)},
                            {"compare", bitsmith::app::add_compare(app)},
                            {"sweep", bitsmith::app::add_sweep(app)},
                            {"report", bitsmith::app::add_report(app)},
                            {"verify", bitsmith::app::add_verify(app)},
                            {"synth", bitsmith::app::add_synth(app)},
                            {"trace", bitsmith::app::add_trace(app)},
                            {"perplexity", bitsmith::app::add_perplexity(app)},
                            {"reproduce", bitsmith::app::add_reproduce(app)},
                            {"describe", bitsmith::app::add_describe(app)}};
  require_known_command(actions, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsersMistake;
  }
  for (const auto& [name, action] : actions) {
    if (app.got_subcommand(name)) return action();
  }
  return kUsersMistake;
}

}  // namespace

int main(int argc, char** argv) {
  bitsmith::catch_interrupts();
  try {
    return run_command_line(argc, argv);
  } catch (const bitsmith::UserError& error) {
    for (const std::string& message : error.messages()) print_message(message);
    return kUsersMistake;
  } catch (const std::filesystem::filesystem_error& error) {
    print_message(error.what());
    return kUsersMistake;
  } catch (const std::bad_alloc&) {
    print_message("bitsmith: out of memory");
    return kUsersMistake;
  } catch (const bitsmith::Interrupted&) {
    print_message("bitsmith: interrupted");
    return kInterrupted;
  } catch (const std::exception& error) {
    print_message(
        fmt::format("bitsmith: internal error: {}\nThis is a bug of Bitsmith; please report "
                    "it with the command line.",
                    error.what()));
    return kOurBug;
  }
}
