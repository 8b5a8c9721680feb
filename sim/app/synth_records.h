// Records that `bitsmith synth` answers from, made where they are missing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cost/technology.h"

namespace bitsmith::app {

struct RecordRequest {
  std::string technology;           // name or file; "": records that the cache has of the library
  std::string liberty;              // "": osu018, where it is the technology's library
  std::optional<double> period_ps;  // none: the technology's, or 5 ns
  std::optional<std::uint32_t> node_nm;  // of a new technology
  bool exact = false;   // with technology and library: the very sizes of the designs, too
  bool energy = false;  // with energies; always so with technology and library
  bool again = false;   // whether or not there are such records
};

using Designs = std::vector<std::shared_ptr<const Design>>;

// Of every request, what does not depend on its library is done once for all of them.
//
// With both technology and library, adds to the technology's file what answers for the designs at
// any size. Else makes only what the designs themselves need and keeps it in the cache. Every
// record is kept as soon as it is made, so that the same request again goes on where it stopped.
// Throws UserError where a technology is of another library, period or node, or named twice, and
// with all records that could not be made. `jobs`: arrays worked on at once.
std::vector<Technology> obtain_records(const std::vector<RecordRequest>& requests,
                                       const Designs& designs, unsigned jobs);

// Of the request, or osu018.
std::filesystem::path liberty_of(const RecordRequest& request);
// Whether there is such a file, and the technology's records are of it.
bool is_library_of(const std::filesystem::path& liberty, const Technology& technology);

}  // namespace bitsmith::app
