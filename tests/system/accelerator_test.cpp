// Files of accelerators and memories: strict, all mistakes at once, and what follows from them.
#include "system/accelerator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

class AcceleratorFile : public testing::Test {
 protected:
  AcceleratorFile() {
    write("design.yaml", "design: systolic\nrows: 4\ncols: 4\n");
    write("memory.yaml", "dram: ideal\nbandwidth_gb_s: 25.6\nlatency_ns: 30.5\n");
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }
  Accelerator load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    write("accelerator.yaml", text);
    std::vector<Override> changes;
    for (const std::string& change : overrides) changes.push_back(parse_override(change));
    return load_accelerator(folder_.path() / "accelerator.yaml", changes);
  }
  std::string mistake(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
      load(text, overrides);
    } catch (const UserError& error) {
      return error.what();
    }
    return "none";
  }

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
};

const std::string kWithMemory = "design: design.yaml\nmemory: memory.yaml\n";

TEST_F(AcceleratorFile, TimesFollowFromClockAndBandwidth) {
  const Accelerator accelerator = load(kWithMemory + "clock_ghz: 0.8\n");
  const MemoryTimes times = memory_times(*accelerator.design, *accelerator.memory, 0.8);
  EXPECT_EQ(times.period_ps, 1250U);
  EXPECT_EQ(times.dram.access_ps, 2500U);  // 64 bytes at 25.6 bytes per ns
  EXPECT_EQ(times.dram.latency_ps, 30500U);
  EXPECT_EQ(times.interval, 1U);  // 4 lanes of 32 bits fit 512
  EXPECT_EQ(times.a_write_cycles, 1U);
}

TEST_F(AcceleratorFile, TheNarrowestPortSetsTheInterval) {
  const Accelerator accelerator =
      load(kWithMemory, {"result_buffer.banks=4", "result_buffer.port_bits=52",
                         "weight_buffer.banks=26", "weight_buffer.port_bits=8"});
  const MemoryTimes times = memory_times(*accelerator.design, *accelerator.memory, 1.0);
  EXPECT_EQ(times.y_port_cycles, 1U);
  // 208 bits per cycle: 512 bits of an access take three.
  EXPECT_EQ(times.y_read_cycles, 3U);
  const Accelerator slow = load(kWithMemory, {"memory.bandwidth_gb_s=0.1", "result_buffer.banks=1",
                                              "result_buffer.port_bits=50"});
  EXPECT_EQ(memory_times(*slow.design, *slow.memory, 1.0).interval, 3U);  // 128 bits by 50
}

// 25.6 bytes per ns are 204.8 bits per cycle at 1 GHz: 205 keep up, 204 do not, 512 bits at a time.
TEST_F(AcceleratorFile, TransfersGoAtThePaceOfTheSlowestTwoSided) {
  const auto access_ps = [&](int bits) {
    const Accelerator accelerator =
        load(kWithMemory,
             {"activation_buffer.banks=1", fmt::format("activation_buffer.port_bits={}", bits)});
    return memory_times(*accelerator.design, *accelerator.memory, 1.0).dram.access_ps;
  };
  EXPECT_EQ(access_ps(205), 2500U);
  EXPECT_EQ(access_ps(204), 2510U);
  EXPECT_EQ(access_ps(64), 8000U);
}

TEST_F(AcceleratorFile, AllMistakesOfAllFilesAtOnce) {
  write("design.yaml", "design: systolic\nrows: 0\n");
  write("memory.yaml", "dram: ideel\nbandwidth_gb_s: 25.6\n");
  const std::string text =
      mistake(kWithMemory + "vektor: {lanes: 3}\ndma: {outstanding: 0}\nvector: {lane: 3}\n");
  EXPECT_THAT(text, HasSubstr("accelerator.yaml:3:1: unknown parameter 'vektor'"));
  EXPECT_THAT(text, HasSubstr("did you mean 'vector'"));
  EXPECT_THAT(text, HasSubstr("'outstanding'"));
  EXPECT_THAT(text, HasSubstr("unknown parameter 'lane'"));
  EXPECT_THAT(text, HasSubstr("design.yaml:2:7"));
  EXPECT_THAT(text, HasSubstr("memory.yaml:1:7"));
  EXPECT_THAT(text, HasSubstr("'latency_ns' is missing"));
}

TEST_F(AcceleratorFile, WhatNeedsAMemoryIsRefusedWithoutOne) {
  EXPECT_EQ(mistake("design: design.yaml\n"), "none");
  EXPECT_THAT(mistake("design: design.yaml\nmemory: none\ndma: {outstanding: 4}\n"),
              HasSubstr("accelerator.yaml:3:1: 'dma' needs a memory"));
  EXPECT_EQ(mistake(kWithMemory + "dma: {outstanding: 4}\n", {"memory=none"}), "none");
  EXPECT_THAT(mistake("design: design.yaml\n", {"memory.latency_ns=3"}),
              HasSubstr("there is no memory to change"));
  EXPECT_THAT(mistake("design: design.yaml\nmemory: nothing.yaml\n"), HasSubstr("nothing.yaml"));
}

TEST_F(AcceleratorFile, AConverterIsThereIfTheFileSaysSo) {
  EXPECT_FALSE(load(kWithMemory).memory->weight_converter);
  EXPECT_TRUE(load(kWithMemory).resolved().at("weight_converter").is_null());
  const std::string text = kWithMemory + "weight_converter: {stored: int4, scale: int8}\n";
  const Accelerator accelerator = load(text, {"weight_converter.lanes=7"});
  EXPECT_EQ(accelerator.memory->weight_converter->lanes, 7U);
  // 128 codes of 4 bits in 64 bytes: 18 2/7 cycles; 1024 bits take the banks two, after 4 of
  // latency.
  const MemoryTimes times = memory_times(*accelerator.design, *accelerator.memory, 0.5);
  EXPECT_EQ(times.converted_access_ps, 36572U);
  EXPECT_EQ(times.converted_write_cycles, 6U);
  EXPECT_FALSE(load(text, {"weight_converter=none"}).memory->weight_converter);
}

TEST_F(AcceleratorFile, MistakesOfAConverterAreLocated) {
  const auto of = [&](const std::string& map) {
    return mistake(kWithMemory + "weight_converter: {" + map + "}\n");
  };
  EXPECT_THAT(of("scale: none"), HasSubstr("accelerator.yaml:3:19: 'stored' is missing"));
  EXPECT_THAT(of("stored: fp4, lanes: 0"), HasSubstr("'lanes'"));
  EXPECT_THAT(of("stored: fp4, lanes: 0"), HasSubstr("accelerator.yaml:3:28: 'stored'"));
  EXPECT_THAT(of("stored: int4, scale: none, zero_points: true"),
              HasSubstr("int4 weights have a zero of their own"));
  EXPECT_THAT(of("stored: int4, scale: fp16"),
              HasSubstr("accelerator.yaml:3:19: 'weight_converter': fp16 scales make no int8"));
  EXPECT_THAT(mistake("design: design.yaml\nweight_converter: {stored: int4}\n"),
              HasSubstr("'weight_converter' needs a memory"));
  write("design.yaml", "design: mixpe\n");
  EXPECT_THAT(of("stored: uint4"), HasSubstr("a converter is for arrays without scales"));
}

TEST_F(AcceleratorFile, ResolvedHoldsEveryParameter) {
  write("memory.yaml",
        "dram: ideal\nbandwidth_gb_s: 25.6\nlatency_ns: 30.5\nenergy: {read_pj_per_bit: 2, "
        "write_pj_per_bit: 3, activate_pj: 4, row_bytes: 512, background_mw: 5, refresh_pj: 6}\n");
  const auto resolved =
      load(kWithMemory + "weight_converter: {stored: int4, scale: none}\n", {"vector.lanes=5"})
          .resolved();
  for (const auto& [key, parameters] : describe_accelerator()) {
    for (const ParameterInfo& parameter : parameters) {
      const auto& map = key.empty()              ? resolved
                        : key == "memory.energy" ? resolved.at("memory").at("energy")
                                                 : resolved.at(key);
      EXPECT_TRUE(map.contains(parameter.name)) << key << "." << parameter.name;
    }
  }
  EXPECT_EQ(resolved.at("vector").at("lanes"), 5);
  EXPECT_EQ(resolved.at("memory").at("energy").at("row_bytes"), 512);
}

TEST_F(AcceleratorFile, EnergiesOfAMemoryAreAllOrNone) {
  EXPECT_TRUE(load(kWithMemory).resolved().at("memory").at("energy").is_null());
  write("memory.yaml",
        "bandwidth_gb_s: 25.6\nlatency_ns: 30.5\nenergy: {read_pj_per_bit: -2, row_byte: 3}\n");
  const std::string text = mistake(kWithMemory);
  EXPECT_THAT(
      text,
      HasSubstr("memory.yaml:3:31: unknown parameter 'row_byte' (did you mean 'row_bytes'?)"));
  EXPECT_THAT(text, HasSubstr("'read_pj_per_bit'"));
  EXPECT_THAT(text, HasSubstr("'background_mw' is missing"));
}

// What changes after the first time does not show; mistakes are told every time.
TEST_F(AcceleratorFile, FilesReadOnceKeepTheirState) {
  write("accelerator.yaml", kWithMemory);
  const std::filesystem::path file = path("accelerator.yaml");
  AcceleratorFiles files;
  const std::vector<Override> rows = {parse_override("design.rows=8")};
  EXPECT_EQ(files.load(file, rows).resolved(), load_accelerator(file, rows).resolved());
  write("design.yaml", "design: systolic\nrows: 2\ncols: 2\n");
  EXPECT_EQ(files.load(file, {}).design->pe_count(), 16U);
  EXPECT_EQ(load_accelerator(file, {}).design->pe_count(), 4U);
  write("other.yaml", "design: systolic\nrows: 4\nrows: 4\n");
  const std::vector<Override> other = {parse_override("design=other.yaml")};
  EXPECT_THROW(files.load(file, other), UserError);
  EXPECT_THROW(files.load(file, other), UserError);
}

}  // namespace
}  // namespace bitsmith
