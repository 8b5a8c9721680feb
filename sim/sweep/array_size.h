// The same design with another array: as many PEs as wanted, or the largest within an area.
//
// Sizes are the parameters that the design's table calls so (ParameterTable::array_size); PEs grow
// with their product. An array may have all sizes that the design accepts and that keep its shape:
// how often each size is that of the file may differ by a factor of kLargestDistortion at most. All
// that is not a size stays, buffers and DRAM too.
//
//   PEs    the nearest number, by its ratio to the wanted one;
//   area   the most PEs whose area does not exceed it. Area must grow with each size.
//
// Of equal ones the shape that is nearest to the file's, then the first in the parameters' order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/yaml.h"
#include "system/accelerator.h"

namespace bitsmith {

inline constexpr std::uint64_t kLargestDistortion = 2;

class ArraySizes {
 public:
  // The accelerator with sizes overridden; UserError where the design takes no such array.
  using Make = std::function<Accelerator(const std::vector<Override>& sizes)>;
  // Unknown: nothing. Must know the area of every size, or of none.
  using Area = std::function<std::optional<double>(const Accelerator&)>;

  // Throws UserError when the design has no sizes.
  explicit ArraySizes(Make make);

  Accelerator with_pes(std::uint64_t pes) const;
  // Throws UserError when an area is unknown, and when the smallest array is larger.
  Accelerator within_area(double um2, const Area& area) const;

 private:
  using Sizes = std::vector<std::uint64_t>;
  struct Size {
    std::string name;
    IntegerRange range;
    std::uint64_t own;  // of the file
  };

  bool keeps_shape(const Sizes& sizes) const;
  double distortion(const Sizes& sizes) const;
  std::uint64_t pes_of(const Sizes& sizes) const;
  // Nothing where the design takes no such array.
  std::optional<Accelerator> array_of(const Sizes& sizes) const;
  // In the order of the parameters' values, the last size fastest; `leading` of them vary.
  void for_each(std::size_t leading, const std::function<void(Sizes&)>& visit) const;

  Make make_;
  std::string name_;
  std::vector<Size> sizes_;
  std::uint64_t pes_of_one_ = 1;  // of an array whose sizes are all 1
};

}  // namespace bitsmith
