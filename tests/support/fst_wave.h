// FST files as the reader of the FST library sees them. Needs fstapi.h (BITSMITH_FST_FOLDER).
#pragma once

#include <fstapi.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/error.h"

namespace bitsmith::test {

using Changes = std::vector<std::pair<std::uint64_t, std::string>>;

struct Wave {
  int timescale = 0;
  std::uint64_t end = 0;
  std::map<std::string, Changes> signals;  // by path
};

// As the reader of the FST library sees it.
inline Wave read_wave(const std::filesystem::path& path) {
  Wave wave;
  void* const reader = fstReaderOpen(path.c_str());
  if (reader == nullptr) throw InternalError("not an FST file");
  wave.timescale = fstReaderGetTimescale(reader);
  wave.end = fstReaderGetEndTime(reader);
  std::map<fstHandle, std::string> names;
  std::vector<std::string> scopes;
  while (const fstHier* item = fstReaderIterateHier(reader)) {
    if (item->htyp == FST_HT_SCOPE) {
      scopes.emplace_back(item->u.scope.name);
    } else if (item->htyp == FST_HT_UPSCOPE) {
      scopes.pop_back();
    } else if (item->htyp == FST_HT_VAR) {
      std::string name;
      for (const std::string& scope : scopes) name += scope + ".";
      name += item->u.var.name;
      names[item->u.var.handle] = name;
      wave.signals[name];
    }
  }
  check(scopes.empty(), "an FST scope that does not end");
  struct Sink {
    std::map<fstHandle, std::string>* names;
    Wave* wave;
  } sink{&names, &wave};
  const auto take = [](void* to, std::uint64_t time, fstHandle handle, const unsigned char* value) {
    const Sink& s = *static_cast<Sink*>(to);
    s.wave->signals[(*s.names)[handle]].emplace_back(time, reinterpret_cast<const char*>(value));
  };
  fstReaderSetFacProcessMaskAll(reader);
  fstReaderIterBlocks(reader, take, &sink, nullptr);
  fstReaderClose(reader);
  return wave;
}

}  // namespace bitsmith::test
