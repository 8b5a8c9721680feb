#include <sqlite3.h>

#include <algorithm>
#include <memory>

#include "common/error.h"
#include "sweep/index.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

// The rows of table `points`, as text.
class PointsTable {
 public:
  explicit PointsTable(const fs::path& file) : file_(file) {
    sqlite3* handle = nullptr;
    const int status =
        sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READONLY, /*zVfs=*/nullptr);
    handle_.reset(handle);
    if (status != SQLITE_OK) fail();
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle, "SELECT * FROM points ORDER BY point", -1, &statement,
                           nullptr) != SQLITE_OK) {
      fail();
    }
    statement_.reset(statement);
  }

  std::vector<std::string> columns() const {
    std::vector<std::string> names;
    for (int i = 0; i < sqlite3_column_count(statement_.get()); ++i) {
      names.emplace_back(sqlite3_column_name(statement_.get(), i));
    }
    return names;
  }
  bool next() {
    const int status = sqlite3_step(statement_.get());
    if (status != SQLITE_ROW && status != SQLITE_DONE) fail();
    return status == SQLITE_ROW;
  }
  std::string text(std::size_t column) const {
    const auto i = static_cast<int>(column);
    const unsigned char* bytes = sqlite3_column_text(statement_.get(), i);
    if (bytes == nullptr) return "";
    const int size = sqlite3_column_bytes(statement_.get(), i);
    return {bytes, bytes + size};
  }
  [[noreturn]] void fail() const {
    throw UserError(
        fmt::format("{}: not the index of a sweep ({}); the same `bitsmith sweep` "
                    "again writes it",
                    file_.string(), sqlite3_errmsg(handle_.get())));
  }

 private:
  fs::path file_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

bool is_key(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

IndexInput read_index(const fs::path& folder) {
  const fs::path file = folder / "index.sqlite";
  if (!fs::is_regular_file(file)) {
    throw UserError(fmt::format(
        "{}: not the folder of a sweep: no index.sqlite; `bitsmith sweep` writes it at its end",
        folder.string()));
  }
  PointsTable table(file);
  const std::vector<std::string> columns = table.columns();
  const auto status = std::find(columns.begin(), columns.end(), "status");
  if (columns.front() != "point" || status == columns.end() || columns.back() != "key") {
    throw UserError(fmt::format("{}: not the index of a sweep: other columns", file.string()));
  }
  IndexInput input{{columns.begin() + 1, status}, {}};
  while (table.next()) {
    IndexedPoint point{table.text(columns.size() - 1), {}};
    if (!is_key(point.key)) {
      throw UserError(fmt::format("{}: a key that is no hash", file.string()));
    }
    for (std::size_t i = 0; i < input.columns.size(); ++i) {
      point.values.push_back(table.text(i + 1));
    }
    input.points.push_back(std::move(point));
  }
  return input;
}

}  // namespace bitsmith
