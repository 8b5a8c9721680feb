// What is in the DRAM of the `cycle` engine: operands are made block by block when they are read,
// results are compared with golden ones when a block has arrived whole. Memory of a few blocks.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "mapping/operand_source.h"
#include "numerics/pack.h"
#include "system/run_result.h"
#include "system/sc_buffers.h"
#include "system/sc_work.h"

namespace bitsmith {

// Contents behind addresses.
class MemoryContents {
 public:
  virtual ~MemoryContents() = default;
  virtual void read(std::uint64_t address, std::span<std::uint8_t> bytes) = 0;
  virtual void write(std::uint64_t address, std::span<const std::uint8_t> bytes) = 0;
};

// The tensors of one operator at a time.
class ScTensors final : public MemoryContents {
 public:
  ScTensors(const Design& design, const OperandSource& operands)
      : design_(design), operands_(operands) {}

  // Nothing of the operator before may be on its way.
  void open(const ScWork* work) {
    work_ = work;
    for (Image& image : images_) image.valid = false;
    for (Codes& codes : codes_) codes.valid = false;
    arriving_ = kNone;
  }

  // Codes row by row, each as wide as its format, the lowest bits first; zeros for vector
  // operators.
  void read(std::uint64_t address, std::span<std::uint8_t> bytes) override {
    const ScWork::Place place = work_->place_of(address);
    check(place.tensor != Tensor::results, "results are read");
    if (!work_->is_gemm()) {
      std::memset(bytes.data(), 0, bytes.size());
      return;
    }
    const Image& image = image_of(place);
    check(place.offset + bytes.size() <= image.bytes.size(), "a read beyond its block");
    std::memcpy(bytes.data(), image.bytes.data() + place.offset, bytes.size());
  }

  // Results of a block arrive in any order, blocks one after the other.
  void write(std::uint64_t address, std::span<const std::uint8_t> bytes) override {
    const ScWork::Place place = work_->place_of(address);
    check(place.tensor == Tensor::results, "operands are overwritten");
    if (!work_->is_gemm()) return;
    if (arriving_ == kNone) {
      arriving_ = place.block;
      arrived_ = 0;
      stored_.assign(work_->bytes(Tensor::results, work_->block(place.block)), 0);
    }
    check(place.block == arriving_ && place.offset + bytes.size() <= stored_.size(),
          "a write beyond its block");
    std::memcpy(stored_.data() + place.offset, bytes.data(), bytes.size());
    arrived_ += bytes.size();
    if (arrived_ < stored_.size()) return;
    compare(work_->block(arriving_));
    arriving_ = kNone;
  }

  const ValueCheck& checked() const { return checked_; }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  struct Image {
    bool valid = false;
    Tensor tensor = Tensor::activations;
    std::uint64_t block = 0;
    std::vector<std::uint8_t> bytes;
  };
  // A rectangle of an operand.
  struct Area {
    Tensor tensor = Tensor::activations;
    std::uint64_t gemm = 0, row = 0, rows = 0, column = 0, columns = 0;
    bool operator==(const Area&) const = default;
  };
  struct Codes {
    bool valid = false;
    std::uint64_t last_use = 0;
    Area area;
    std::vector<std::uint16_t> codes;
  };

  const Image& image_of(const ScWork::Place& place) {
    for (const Image& image : images_) {
      if (image.valid && image.tensor == place.tensor && image.block == place.block) return image;
    }
    Image& image = images_[next_image_++ % images_.size()];
    const Block block = work_->block(place.block);
    const bool weights = place.tensor == Tensor::weights;
    const Area area = weights
                          ? Area{place.tensor, block.gemm, block.k0, block.k, block.n0, block.n}
                          : Area{place.tensor, block.gemm, block.m0, block.m, block.k0, block.k};
    const Format& format = weights ? design_.weight_format() : design_.activation_format();
    image.bytes.resize(work_->bytes(place.tensor, block));
    words_.assign(words_for_bits(image.bytes.size() * 8), 0);
    if (weights && work_->converter() != nullptr) {
      pack_stored_weights(area);
    } else {
      pack_codes(codes_of(area), format.bits, words_);
      if (weights && design_.scale_bits() > 0) append_scales(block);
    }
    bytes_of_words(words_, image.bytes);
    image.tensor = place.tensor;
    image.block = place.block;
    image.valid = true;
    return image;
  }

  // As the converter takes them: parameters, then codes.
  void pack_stored_weights(const Area& area) {
    const WeightConverter& converter = *work_->converter();
    read_stored(area);
    std::uint64_t at = 0;
    const auto append = [&](const std::vector<std::uint16_t>& codes, std::uint32_t width) {
      for (const std::uint16_t code : codes) {
        put_bits(words_, at, static_cast<int>(width), code);
        at += width;
      }
    };
    append(scales_, converter.parameter_bits());
    append(stored_codes_, static_cast<std::uint32_t>(converter.stored->bits));
  }
  void read_stored(const Area& area) {
    stored_codes_.resize(area.rows * area.columns);
    scales_.resize(work_->converter()->parameter_rows(area.rows) * area.columns);
    operands_.read_stored_w(work_->program().source, area.gemm, area.row, area.rows, area.column,
                            area.columns, stored_codes_, scales_);
  }
  // What the converter should make of them.
  void read_converted(const Area& area, std::span<std::uint16_t> codes) {
    const WeightConverter& converter = *work_->converter();
    read_stored(area);
    convert_weights(
        converter, design_.weight_format(),
        {stored_codes_.data(), area.rows, area.columns, area.columns},
        {scales_.data(), converter.parameter_rows(area.rows), area.columns, area.columns}, codes);
  }

  // Behind the weights of the block.
  void append_scales(const Block& block) {
    std::uint64_t at = block.k * block.n * static_cast<std::uint64_t>(design_.weight_format().bits);
    read_scales(block, design_.scale_rows(block.k0), design_.scale_rows(block.k));
    for (const std::uint16_t code : scales_) {
      put_bits(words_, at, static_cast<int>(design_.scale_bits()), code);
      at += design_.scale_bits();
    }
  }
  void read_scales(const Block& block, std::uint64_t row, std::uint64_t rows) {
    scales_.resize(rows * block.n);
    operands_.read_s(work_->program().source, block.gemm, row, rows, block.n0, block.n, scales_);
  }

  // The same rectangles are asked for again when results are compared.
  const std::vector<std::uint16_t>& codes_of(const Area& area) {
    Codes* oldest = codes_.data();
    for (Codes& entry : codes_) {
      if (entry.valid && entry.area == area) {
        entry.last_use = ++uses_;
        return entry.codes;
      }
      if (entry.last_use < oldest->last_use) oldest = &entry;
    }
    oldest->valid = true;
    oldest->last_use = ++uses_;
    oldest->area = area;
    oldest->codes.resize(area.rows * area.columns);
    const std::size_t source = work_->program().source;
    if (area.tensor == Tensor::weights && work_->converter() != nullptr) {
      read_converted(area, oldest->codes);
    } else if (area.tensor == Tensor::weights) {
      operands_.read_w(source, area.gemm, area.row, area.rows, area.column, area.columns,
                       oldest->codes);
    } else {
      operands_.read_a(source, area.gemm, area.row, area.rows, area.column, area.columns,
                       oldest->codes);
    }
    return oldest->codes;
  }

  void compare(const Block& block) {
    const ProgramOperator& program = work_->program();
    const std::uint64_t k = program.op.gemm.k;
    const auto& a = codes_of({Tensor::activations, block.gemm, block.m0, block.m, 0, k});
    const auto& w = codes_of({Tensor::weights, block.gemm, 0, k, block.n0, block.n});
    golden_.assign(block.m * block.n, 0);
    OperandViews operands{{a.data(), block.m, k, k}, {w.data(), k, block.n, block.n}};
    if (design_.scale_bits() > 0) {
      read_scales(block, 0, design_.scale_rows(k));
      operands.s = {scales_.data(), design_.scale_rows(k), block.n, block.n};
    }
    design_.golden(operands, {golden_.data(), block.m, block.n, block.n});
    words_of_bytes(stored_, words_);
    const auto width = static_cast<int>(program.output_bits);
    for (std::size_t i = 0; i < golden_.size(); ++i) {
      const std::uint64_t right =
          program.output == nullptr
              ? static_cast<std::uint64_t>(golden_[i]) & low_mask(width)
              : convert_result(design_, golden_[i], *program.output, work_->exponent());
      const std::uint64_t stored = get_bits(words_, i * program.output_bits, width);
      ++checked_.values_compared;
      if (stored != right) note_mismatch(block, i, stored, right);
    }
  }

  void note_mismatch(const Block& block, std::size_t i, std::uint64_t stored, std::uint64_t right) {
    if (checked_.mismatches++ > 0) return;
    checked_.first_mismatch =
        fmt::format("operator '{}', GEMM {}: Y[{}, {}] is {:#x} in DRAM, golden is {:#x}",
                    work_->program().op.name, block.gemm, block.m0 + i / block.n,
                    block.n0 + i % block.n, stored, right);
  }

  const Design& design_;
  const OperandSource& operands_;
  const ScWork* work_ = nullptr;

  // Two loads of either operand are on their way at most, and the two before may be compared yet.
  std::array<Image, 4> images_;
  std::size_t next_image_ = 0;
  std::array<Codes, 8> codes_;
  std::vector<std::uint16_t> scales_;  // or parameters of stored_codes_
  std::vector<std::uint16_t> stored_codes_;
  std::uint64_t uses_ = 0;

  std::uint64_t arriving_ = kNone;  // block whose results arrive
  std::uint64_t arrived_ = 0;       // bytes of it
  std::vector<std::uint8_t> stored_;
  std::vector<std::int64_t> golden_;
  std::vector<std::uint32_t> words_;
  ValueCheck checked_;
};

}  // namespace bitsmith
