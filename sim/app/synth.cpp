#include "app/commands.h"
namespace bitsmith::app { Action add_synth(CLI::App& app){ app.add_subcommand("synth","x"); return []{return 0;}; } }
