#include "workload/imported_model.h"

#include "common/text.h"
#include "config/json.h"
#include "workload/hf_config.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !is_folder(path);
}

// Of the folder that holds the model.
std::string model_name(const fs::path& path) {
  constexpr std::size_t kShown = 64;
  const fs::path folder = fs::absolute(path).lexically_normal();
  const fs::path name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  return name.empty() ? "model" : printable(name.string(), kShown);
}

ImportedModel import_shapes(const fs::path& path) {
  const fs::path config = is_folder(path) ? path / "config.json" : path;
  return read_hf_config(read_json(config), model_name(config.parent_path()));
}

}  // namespace

bool is_importable(const fs::path& path) {
  return is_folder(path) ? is_file(path / "config.json") : path.extension() == ".json";
}

ImportedModel import_model(const fs::path& path) {
  ImportedModel model = import_shapes(path);
  if (is_folder(path) && has_weights(path)) model.weights = open_weights(path);
  return model;
}

Transformer load_model(const fs::path& path) {
  return is_importable(path) ? import_shapes(path).transformer : load_transformer(path);
}

}  // namespace bitsmith
