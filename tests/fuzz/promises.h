// What every fuzz target demands of its reader, and how a broken promise ends the run.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/text.h"

namespace bitsmith {

inline void require(bool condition, std::string_view promise, std::string_view detail = {}) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s: %s\n", std::string(promise).c_str(),
               std::string(detail).c_str());
  std::abort();
}

inline void require_clean_line(std::string_view message) {
  std::string_view rest = message;
  for (std::size_t length = 0; !rest.empty(); rest.remove_prefix(length)) {
    length = utf8_length(rest);
    require(length > 0 && !starts_with_control(rest), "a message is one line of text", message);
  }
}

// Of an error or a list of warnings: each names the file first.
inline void require_clean_messages(const std::vector<std::string>& messages,
                                   const std::string& file) {
  for (const std::string& message : messages) {
    require(message.starts_with(file + ":"), "a message starts with the file", message);
    require_clean_line(message);
  }
}

inline void require_reasons(const std::vector<std::string>& messages, const std::string& file) {
  require(!messages.empty(), "an error says why");
  require_clean_messages(messages, file);
}

}  // namespace bitsmith
