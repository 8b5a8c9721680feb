#include "sweep/index.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "common/file_descriptor.h"
#include "common/interrupt.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

// ---------------------------------------------------------------------------------- SQLite

// A name that no other process takes, on this or another machine; ResultStore removes what a killed
// one leaves.
std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  std::random_device random;
  return path.parent_path() / fmt::format(".bitsmith-{:08x}{:08x}.tmp", random(), random());
}

// A new database that becomes `path` when it is complete.
class Database {
 public:
  explicit Database(const std::filesystem::path& path)
      : path_(path), temporary_(temporary_beside(path)) {
    sqlite3* handle = nullptr;
    // Nobody else knows the file, and network file systems may have no locks.
    const int status = sqlite3_open_v2(temporary_.c_str(), &handle,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix-none");
    handle_.reset(handle);
    try {
      require(status);
      // A crash leaves a temporary file and nothing else, so there is nothing to journal.
      run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
    } catch (...) {
      discard();
      throw;
    }
  }
  ~Database() { discard(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) {
    require(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
  }
  void prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    require(sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &statement, nullptr));
    statement_.reset(statement);
  }
  void insert(const std::vector<Json>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) bind(static_cast<int>(i + 1), row[i]);
    if (sqlite3_step(statement_.get()) != SQLITE_DONE) fail();
    require(sqlite3_reset(statement_.get()));
  }
  void finish() {
    run("COMMIT");
    statement_.reset();
    handle_.reset();
    const FileDescriptor file(::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open() || ::fsync(file.get()) != 0) {
      throw UserError(fmt::format("{}: cannot write to the disk", path_.string()));
    }
    std::filesystem::rename(temporary_, path_);
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  void discard() {
    statement_.reset();
    handle_.reset();
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }
  void bind(int column, const Json& value) {
    sqlite3_stmt* to = statement_.get();
    if (value.is_number_integer()) {
      require(sqlite3_bind_int64(to, column, value.get<std::int64_t>()));
    } else if (value.is_number()) {
      require(sqlite3_bind_double(to, column, value.get<double>()));
    } else if (value.is_null()) {
      require(sqlite3_bind_null(to, column));
    } else {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      require(sqlite3_bind_text(to, column, text.data(), static_cast<int>(text.size()),
                                SQLITE_TRANSIENT));
    }
  }
  void require(int status) {
    if (status != SQLITE_OK) fail();
  }
  [[noreturn]] void fail() {
    throw UserError(fmt::format("{}: {}", path_.string(), sqlite3_errmsg(handle_.get())));
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

std::string quoted(const std::string& name) {
  std::string result = "\"";
  for (const char c : name) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

std::string comma_list(const std::vector<std::string>& columns, bool are_names) {
  std::string list;
  for (const std::string& column : columns) {
    list += (list.empty() ? "" : ", ") + (are_names ? quoted(column) : std::string("?"));
  }
  return list;
}

// ---------------------------------------------------------------------------------- CSV

// RFC 4180.
std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return quoted(text);
}

std::string csv_line(const std::vector<Json>& row) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) line += (i == 0 ? "" : ",") + csv_field(row[i]);
  return line + "\n";
}

// ---------------------------------------------------------------------------------- rows

// What of a record is in the index, but for what only those of failed points have.
constexpr std::array<std::string_view, 2> kMembers = {"status", "metrics"};
constexpr std::array<std::string_view, 1> kErrors = {"errors"};

Json error_of(const std::string& key, const ResultStore& store) {
  const Json record = store.read(key, kErrors).value_or(Json::object());
  std::string text;
  for (const Json& error : record.value("errors", Json::array())) {
    text += (text.empty() ? "" : "; ") + error.get<std::string>();
  }
  return text;
}

std::vector<std::string> metrics_of_first(const ResultStore& store, const IndexInput& input) {
  std::vector<std::string> names;
  for (const IndexedPoint& point : input.points) {
    const auto record = store.read(point.key, kMembers);
    if (!record || !record->contains("metrics")) continue;
    for (const auto& [name, value] : record->at("metrics").items()) names.push_back(name);
    break;
  }
  return names;
}

void count(const std::string& status, IndexCounts& counts) {
  ++(status == "done" ? counts.done : status == "failed" ? counts.failed : counts.missing);
}

std::vector<Json> row_of(const IndexInput& input, std::size_t number, const ResultStore& store,
                         const std::vector<std::string>& metrics, IndexCounts& counts) {
  const IndexedPoint& point = input.points[number];
  const Json record = store.read(point.key, kMembers).value_or(Json::object());
  std::vector<Json> row = {number};
  row.insert(row.end(), point.values.begin(), point.values.end());
  const std::string status = record.value("status", "missing");
  count(status, counts);
  row.push_back(status);
  const Json values = record.value("metrics", Json::object());
  for (const std::string& name : metrics) row.push_back(values.value(name, Json()));
  row.push_back(status == "failed" ? error_of(point.key, store) : Json());
  row.push_back(point.key);
  return row;
}

}  // namespace

IndexCounts write_index(const ResultStore& store, const IndexInput& input) {
  const std::vector<std::string> metrics = metrics_of_first(store, input);
  std::vector<std::string> columns = {"point"};
  columns.insert(columns.end(), input.columns.begin(), input.columns.end());
  columns.push_back("status");
  columns.insert(columns.end(), metrics.begin(), metrics.end());
  columns.insert(columns.end(), {"error", "key"});

  AtomicFile csv(store.folder() / "index.csv");
  Database database(store.folder() / "index.sqlite");
  csv.write(csv_line({columns.begin(), columns.end()}));
  database.run(fmt::format("CREATE TABLE points ({})", comma_list(columns, true)));
  database.prepare(fmt::format("INSERT INTO points VALUES ({})", comma_list(columns, false)));
  IndexCounts counts;
  for (std::size_t i = 0; i < input.points.size(); ++i) {
    throw_if_interrupted();
    const std::vector<Json> row = row_of(input, i, store, metrics, counts);
    csv.write(csv_line(row));
    database.insert(row);
  }
  csv.finish();
  database.finish();
  return counts;
}

}  // namespace bitsmith
