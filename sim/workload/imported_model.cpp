#include "workload/imported_model.h"

#include "common/text.h"
#include "config/json.h"
#include "workload/gguf_model.h"
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

// Of the folder that holds this file.
std::string model_name(const fs::path& file) {
  constexpr std::size_t kShown = 64;
  const fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  return folder.has_filename() ? printable(folder.filename().string(), kShown) : "model";
}

bool is_gguf(const fs::path& path) { return path.extension() == ".gguf"; }

ImportedModel import_config(const fs::path& path) {
  const fs::path config = is_folder(path) ? path / "config.json" : path;
  return read_hf_config(read_json(config), model_name(config));
}

}  // namespace

bool is_importable(const fs::path& path) {
  if (is_folder(path)) return is_file(path / "config.json");
  return is_gguf(path) || path.extension() == ".json";
}

ImportedModel import_model(const fs::path& path) {
  if (!is_folder(path) && is_gguf(path)) return import_gguf(path);
  ImportedModel model = import_config(path);
  if (is_folder(path) && has_weights(path)) model.weights = open_weights(path);
  return model;
}

Transformer load_model(const fs::path& path) {
  if (!is_importable(path)) return load_transformer(path);
  // Not import_model(): shapes need no weights.
  if (is_folder(path) || !is_gguf(path)) return import_config(path).transformer;
  return import_gguf(path).transformer;
}

}  // namespace bitsmith
