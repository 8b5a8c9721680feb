#include "common/fst_writer.h"

#include <fstapi.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <system_error>
#include <utility>

#include "common/error.h"
#include "common/process.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

constexpr std::uint32_t kWordBits = 32;

std::vector<std::string> levels_of(std::string_view scope) {
  std::vector<std::string> levels;
  while (!scope.empty()) {
    const std::size_t dot = std::min(scope.find('.'), scope.size());
    if (dot > 0) levels.emplace_back(scope.substr(0, dot));
    scope.remove_prefix(std::min(dot + 1, scope.size()));
  }
  return levels;
}

// Power of ten of a second.
int exponent_of(std::uint64_t timescale_ps) {
  int exponent = -12;
  std::uint64_t power = 1;
  while (power < timescale_ps && exponent < 0) {
    power *= 10;
    ++exponent;
  }
  check(power == timescale_ps, "a timescale is a power of ten, from 1 ps to 1 s");
  return exponent;
}

// Bits of the last word that count.
std::uint32_t last_word_mask(std::uint32_t bits) {
  const std::uint32_t rest = bits % kWordBits;
  return rest == 0 ? ~std::uint32_t{0} : (std::uint32_t{1} << rest) - 1;
}

// What a file takes the place of: the file that a link names, not the link.
fs::path target_of(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw UserError(
        fmt::format("{}: cannot write a waveform: exists and is no file", path.string()));
  }
  fs::path target = fs::absolute(path);
  if (fs::is_symlink(path, error)) {
    const fs::path named = fs::weakly_canonical(path, error);
    if (!error && !named.empty()) target = named;
  }
  fs::create_directories(target.parent_path(), error);
  if (error) {
    throw UserError(fmt::format("{}: cannot write: {}", path.string(), error.message()));
  }
  return target;
}

}  // namespace

class FstWriter::File {
 public:
  File(const fs::path& path, int exponent)
      : path_(path),
        target_(target_of(path)),
        folder_(target_.parent_path()),
        context_(fstWriterCreate((folder_.path() / "wave.fst").c_str(), 1)) {
    if (context_ == nullptr) {
      throw UserError(fmt::format("{}: cannot create a waveform", path.string()));
    }
    fstWriterSetPackType(context_, FST_WR_PT_LZ4);
    fstWriterSetTimescale(context_, exponent);
    // Equal runs give equal files: no date.
    fstWriterSetDate(context_, "");
    fstWriterSetVersion(context_, "Bitsmith");
  }
  ~File() {
    if (context_ != nullptr) place(fs::path(target_) += ".partial");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void* context() const { return context_; }
  bool has_values = false;

  void finish() {
    if (const std::error_code error = place(target_)) {
      throw UserError(fmt::format("{}: cannot write: {}", path_.string(), error.message()));
    }
  }

 private:
  std::error_code place(const fs::path& target) noexcept {
    fstWriterClose(std::exchange(context_, nullptr));
    const fs::path written = folder_.path() / "wave.fst";
    // Without a value the library leaves its only section open.
    if (has_values && !is_whole(written)) {
      return std::make_error_code(std::errc::no_space_on_device);
    }
    std::error_code error;
    fs::rename(written, target, error);
    return error;
  }

  // The library does not tell when it cannot write. A file is a sequence of sections, each a byte
  // for its kind and its length (without that byte, most significant first); the last one ends the
  // file.
  static bool is_whole(const fs::path& path) noexcept {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error || size == 0) return false;
    std::ifstream file(path, std::ios::binary);
    std::uintmax_t at = 0;
    while (at < size) {
      std::array<unsigned char, 9> head{};
      file.seekg(static_cast<std::streamoff>(at));
      if (!file.read(reinterpret_cast<char*>(head.data()), head.size())) return false;
      std::uint64_t length = 0;
      for (std::size_t i = 1; i < head.size(); ++i) length = length << 8 | head[i];
      if (length == 0 || length > size - at) return false;
      at += 1 + length;
    }
    return at == size;
  }

  fs::path path_;  // as the user wrote it
  fs::path target_;
  TemporaryFolder folder_;
  void* context_;
};

FstWriter::FstWriter(const fs::path& path, std::uint64_t timescale_ps)
    : timescale_ps_(timescale_ps), file_(std::make_unique<File>(path, exponent_of(timescale_ps))) {}

FstWriter::~FstWriter() {
  if (file_ != nullptr && !declared_) declare();
}

int FstWriter::add(std::string_view scope, std::string_view name, std::uint32_t bits) {
  check(file_ != nullptr && !declared_, "signals are declared before the first value or time");
  check(bits > 0 && !name.empty(), "a signal has a name and bits");
  signals_.push_back({levels_of(scope), std::string(name), bits, values_.size()});
  values_.resize(values_.size() + bits / kWordBits + 1);  // the library reads one word ahead
  return static_cast<int>(signals_.size()) - 1;
}

// Scope by scope, so that each is opened once; signals of a scope in the order of their
// declaration.
void FstWriter::declare() {
  declared_ = true;
  std::vector<std::size_t> order(signals_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return signals_[a].scope < signals_[b].scope;
  });
  void* const context = file_->context();
  std::vector<std::string> open;
  const auto close_to = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back()) fstWriterSetUpscope(context);
  };
  for (const std::size_t index : order) {
    Signal& signal = signals_[index];
    const auto common =
        std::mismatch(open.begin(), open.end(), signal.scope.begin(), signal.scope.end());
    close_to(static_cast<std::size_t>(common.first - open.begin()));
    while (open.size() < signal.scope.size()) {
      open.push_back(signal.scope[open.size()]);
      fstWriterSetScope(context, FST_ST_VCD_MODULE, open.back().c_str(), nullptr);
    }
    const std::string name =
        signal.bits == 1 ? signal.name : fmt::format("{} [{}:0]", signal.name, signal.bits - 1);
    signal.handle =
        fstWriterCreateVar(context, FST_VT_VCD_WIRE, FST_VD_IMPLICIT, signal.bits, name.c_str(), 0);
  }
  close_to(0);
}

void FstWriter::time(std::uint64_t ps) {
  check(file_ != nullptr, "a finished waveform takes no more");
  if (!declared_) declare();
  check(ps >= time_ps_ && ps % timescale_ps_ == 0,
        "times of a waveform ascend in steps of its timescale");
  if (timed_ && ps == time_ps_) return;
  timed_ = true;
  time_ps_ = ps;
  fstWriterEmitTimeChange(file_->context(), ps / timescale_ps_);
}

void FstWriter::set(int id, std::span<const std::uint32_t> words) {
  check(file_ != nullptr, "a finished waveform takes no more");
  if (!timed_) time(0);
  Signal& signal = signals_.at(static_cast<std::size_t>(id));
  const std::size_t count = (signal.bits + kWordBits - 1) / kWordBits;
  check(words.size() >= count, "fewer words than the signal has bits");
  const auto last = values_.begin() + static_cast<std::ptrdiff_t>(signal.first_word);
  bool changed = !signal.known;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t word = i + 1 == count ? words[i] & last_word_mask(signal.bits) : words[i];
    std::uint32_t& old = last[static_cast<std::ptrdiff_t>(i)];
    changed = changed || old != word;
    old = word;
  }
  if (!changed) return;
  signal.known = true;
  file_->has_values = true;
  fstWriterEmitValueChangeVec32(file_->context(), signal.handle, signal.bits, &*last);
}

void FstWriter::finish() {
  check(file_ != nullptr, "a waveform is finished once");
  if (!declared_) declare();
  file_->finish();
  file_.reset();
}

}  // namespace bitsmith
