// Text of users: whether it is text at all, and how to show it in one line of a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bitsmith {

// Bytes of the UTF-8 character at the start of `text` (not empty); 0 when it is malformed, overlong
// or a surrogate.
std::size_t utf8_length(std::string_view text);

// Whether the character at the start of `text` (not empty) is a control character: C0 (line ends
// and tabs included), DEL or C1. Terminals obey them, so they must not reach one.
bool starts_with_control(std::string_view text);

// At most `limit` characters of `text`, then "..." if there are more. Control characters and what
// is no UTF-8 are shown as \xNN, byte by byte.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace bitsmith
