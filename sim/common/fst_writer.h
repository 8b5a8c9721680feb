// Waveforms in FST, the format of GTKWave and Surfer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {

// Declare all signals, then, for every time in ascending order, time() and the values. Values that
// are set before the first time() are those of time 0; before its first value a signal is unknown.
//
// The file appears under its name at finish(), complete. An object that dies before that, after an
// error, leaves what it has under that name and ".partial": a waveform of what went wrong is worth
// having. Until then the file grows in a folder beside it.
class FstWriter {
 public:
  // `timescale_ps`, a power of ten, is the file's unit of time. Throws UserError when the file
  // cannot be created.
  explicit FstWriter(const std::filesystem::path& path, std::uint64_t timescale_ps = 1);
  ~FstWriter();
  FstWriter(const FstWriter&) = delete;
  FstWriter& operator=(const FstWriter&) = delete;

  // A signal of 1 bit or more in a scope such as "accelerator.dma" (dots separate levels). Returns
  // its id. InternalError after the first time() or set().
  int add(std::string_view scope, std::string_view name, std::uint32_t bits);
  // A multiple of the timescale; InternalError if earlier than the time before.
  void time(std::uint64_t ps);
  // The least significant word first, at least as many words as the bits need; bits beyond the
  // signal's are ignored. Only changes are written.
  void set(int id, std::span<const std::uint32_t> words);
  void set(int id, std::uint32_t word) { set(id, std::span(&word, 1)); }

  // Once; nothing may follow. Throws UserError when the file could not be written whole or cannot
  // be put in its place.
  void finish();

 private:
  class File;  // of the FST library, and its folder

  struct Signal {
    std::vector<std::string> scope;
    std::string name;
    std::uint32_t bits;
    std::size_t first_word;  // of its last value in `values_`
    bool known = false;
    std::uint32_t handle = 0;  // of the FST library
  };
  void declare();

  std::uint64_t timescale_ps_;
  std::unique_ptr<File> file_;
  bool declared_ = false;
  bool timed_ = false;  // time_ps_ is in the file
  std::uint64_t time_ps_ = 0;
  std::vector<Signal> signals_;
  std::vector<std::uint32_t> values_;
};

}  // namespace bitsmith
