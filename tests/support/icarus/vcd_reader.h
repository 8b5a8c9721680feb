// Value change dumps of one-bit signals, read as a stream: a dump of any length takes the memory of
// one buffer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {

class VcdReader {
 public:
  struct Change {
    std::uint64_t time;      // in the dump's unit
    std::uint32_t variable;  // number that `declare` gave
    char value;              // 0, 1, x or z
  };

  // Reads the header. `declare` gives every one-bit variable, by its name, the number that its
  // changes carry; kIgnored leaves it out. Throws UserError when the file is missing or is no dump.
  static constexpr std::uint32_t kIgnored = ~std::uint32_t{0};
  VcdReader(const std::filesystem::path& file,
            const std::function<std::uint32_t(std::string_view)>& declare);

  // The next change, initial values among them; false at the end.
  bool next(Change& change);

 private:
  std::string_view token();
  void read_variable(const std::function<std::uint32_t(std::string_view)>& declare);
  [[noreturn]] void fail(std::string_view what) const;

  std::string name_;
  std::ifstream file_;
  std::string buffer_;
  std::size_t at_ = 0;  // in buffer_
  std::uint64_t time_ = 0;
  std::vector<std::uint32_t> variables_;  // by the dump's identifier
};

}  // namespace bitsmith
