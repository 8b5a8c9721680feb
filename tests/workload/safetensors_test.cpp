// Safetensors in files: reading by mapping, writing by pieces, codes as bytes.
#include "workload/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <numeric>
#include <random>

#include "common/error.h"
#include "common/process.h"
#include "support/safetensors_bytes.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::Pair;

template <class Action>
std::string internal_error(Action action) {
  try {
    action();
  } catch (const InternalError& error) {
    return error.what();
  }
  return "no error";
}

// ---------------------------------------------------------------------------------- files

class SafetensorsFileTest : public testing::Test {
 protected:
  fs::path in_folder(const std::string& name) const { return folder_.path() / name; }
  fs::path with_content(const std::string& name, const std::string& content) const {
    std::ofstream(in_folder(name), std::ios::binary) << content;
    return in_folder(name);
  }
  std::size_t file_count() const {
    const fs::directory_iterator entries(folder_.path());
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(SafetensorsFileTest, GivesDataByName) {
  const fs::path path = with_content(
      "f",
      file_of("{\"__metadata__\":{\"k\":\"v\"}," + entry("b", 3, 7) + "," + entry("a", 0, 3) + "}",
              "AAABBBB"));
  SafetensorsFile opened(path);
  const SafetensorsFile file = std::move(opened);
  EXPECT_THAT(file.names(), ElementsAre("a", "b"));
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("k", "v")));
  EXPECT_EQ(file.info("b"), (TensorInfo{"b", Dtype::u8, {4}, 3, 4}));
  EXPECT_EQ(text_of(file.data("a")), "AAA");
  EXPECT_EQ(text_of(file.data("b")), "BBBB");
  EXPECT_TRUE(file.contains("a"));
  EXPECT_FALSE(file.contains("c"));
}

TEST_F(SafetensorsFileTest, ProposesATensor) {
  const fs::path path =
      with_content("f", file_of("{" + entry("wq", 0, 1) + "," + entry("k\\n", 1, 2) + "}", "12"));
  const SafetensorsFile file(path);
  EXPECT_EQ(user_error([&] { file.info("wk"); }),
            path.string() + ": unknown tensor 'wk' (did you mean 'wq'?); allowed: wq, k\\x0a");
  EXPECT_EQ(user_error([&] { file.data("else"); }),
            path.string() + ": unknown tensor 'else'; allowed: wq, k\\x0a");
  const SafetensorsFile empty(with_content("empty", file_of("{}")));
  EXPECT_EQ(user_error([&] { empty.info("w"); }),
            in_folder("empty").string() + ": has no tensor 'w', nor any other tensor");
}

TEST_F(SafetensorsFileTest, DoesNotListAWholeModel) {
  std::string header = "{";
  for (int i = 0; i < 300; ++i) {
    header += (i == 0 ? "" : ",") + entry(fmt::format("layers.{}.wq", i), 0, 0);
  }
  const fs::path path = with_content("f", file_of(header + "}"));
  const SafetensorsFile file(path);
  EXPECT_EQ(user_error([&] { file.info("layers.300.wq"); }),
            path.string() +
                ": unknown tensor 'layers.300.wq' (did you mean 'layers.30.wq'?); the file has 300 "
                "tensors");
}

TEST_F(SafetensorsFileTest, RefusesWhatIsNoFile) {
  const fs::path missing = in_folder("missing");
  EXPECT_EQ(user_error([&] { SafetensorsFile file(missing); }),
            missing.string() + ": cannot open: No such file or directory");
  EXPECT_EQ(user_error([&] { SafetensorsFile file(in_folder("")); }),
            in_folder("").string() + ": is a folder, expected a file");
  const fs::path empty = with_content("empty", "");
  EXPECT_EQ(user_error([&] { SafetensorsFile file(empty); }),
            empty.string() +
                ": 0 bytes are no safetensors file, which starts with the length of its header in "
                "8 bytes");
}

TEST_F(SafetensorsFileTest, SeesThatItWasTruncated) {
  const fs::path path = with_content("f", file_of("{" + entry("w", 0, 4) + "}", "data"));
  const auto size = fs::file_size(path);
  const SafetensorsFile file(path);
  fs::resize_file(path, size - 1);
  EXPECT_EQ(user_error([&] { file.data("w"); }),
            fmt::format("{}: has shrunk from {} to {} bytes while it was open", path.string(), size,
                        size - 1));
}

// Bytes of this process that are in memory.
std::uint64_t resident_bytes() {
  std::uint64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(SafetensorsFileTest, ReadsALargeFileWithoutLoadingIt) {
  constexpr std::uint64_t kBytes = std::uint64_t{6} << 30;
  const std::string head = safetensors_head(
      {}, lay_out({{"w", Dtype::f16, {kBytes / 4, 2}}, {"end", Dtype::u8, {3}}}, "f"), "f");
  const fs::path path = with_content("f", head);
  std::error_code error;
  fs::resize_file(path, head.size() + kBytes + 3, error);
  ASSERT_FALSE(error) << "the temporary folder needs sparse files: " << error.message();
  const std::uint64_t before = resident_bytes();
  const SafetensorsFile file(path);
  EXPECT_EQ(file.data("w").size(), kBytes);
  EXPECT_EQ(file.data("w").front(), std::byte{0});
  EXPECT_EQ(file.data("w").back(), std::byte{0});
  EXPECT_EQ(file.info("end").offset, kBytes);
  EXPECT_EQ(text_of(file.data("end")), std::string(3, '\0'));
  EXPECT_LT(resident_bytes(), before + (std::uint64_t{64} << 20));
}

// ---------------------------------------------------------------------------------- writing

TEST_F(SafetensorsFileTest, WritesTheseBytes) {
  SafetensorsWriter writer(in_folder("f"), {{"z", "\"1\""}, {"a", "é"}},
                           {{"w", Dtype::f16, {2, 1}}, {"s", Dtype::u8, {}}});
  writer.write("w", bytes_of("wwww"));
  writer.write("s", bytes_of("s"));
  writer.finish();
  const std::string header = R"({"__metadata__":{"a":"é","z":"\"1\""},)"
                             R"("w":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},)"
                             R"("s":{"dtype":"U8","shape":[],"data_offsets":[4,5]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  EXPECT_EQ(content_of(in_folder("f")),
            file_of(header + std::string(padded - header.size(), ' '), "wwwws"));
}

TEST_F(SafetensorsFileTest, AlignsTheDataWhateverTheNames) {
  for (std::size_t length = 0; length < 20; ++length) {
    const auto tensors = lay_out({{std::string(length, 'n'), Dtype::u8, {}}}, "f");
    EXPECT_EQ(safetensors_head({}, tensors, "f").size() % 8, 0U);
  }
  EXPECT_EQ(safetensors_head({}, {}, "f"), file_of("{}      "));
}

struct Sample {
  TensorMetadata metadata;
  std::vector<TensorSpec> tensors;
  std::vector<std::string> data;
};

Sample random_sample(std::mt19937& random) {
  const auto up_to = [&](unsigned limit) { return static_cast<unsigned>(random() % (limit + 1)); };
  Sample sample;
  for (unsigned i = up_to(3); i > 0; --i) {
    sample.metadata[fmt::format("k\"{}\n", i)] = std::string(up_to(9), 'v');
  }
  for (unsigned i = up_to(6); i > 0; --i) {
    TensorSpec tensor{fmt::format("layer/{}\té", i), static_cast<Dtype>(up_to(14)), {}};
    for (unsigned d = up_to(4); d > 0; --d) tensor.shape.push_back(up_to(9));
    const auto count = std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::uint64_t{1},
                                       std::multiplies<>());
    std::string bytes(count * dtype_bytes(tensor.dtype), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    sample.tensors.push_back(std::move(tensor));
    sample.data.push_back(std::move(bytes));
  }
  return sample;
}

// Writes in pieces of 0 .. largest_piece bytes.
void write_sample(const fs::path& path, const Sample& sample, std::size_t largest_piece,
                  std::mt19937& random) {
  SafetensorsWriter writer(path, sample.metadata, sample.tensors);
  for (std::size_t i = 0; i < sample.data.size(); ++i) {
    std::string_view rest = sample.data[i];
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, random() % (largest_piece + 1));
      writer.write(sample.tensors[i].name, bytes_of(piece));
      rest.remove_prefix(piece.size());
    }
  }
  writer.finish();
}

TEST_F(SafetensorsFileTest, RoundTripIsExactAndDeterministicWhateverThePieces) {
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    const Sample sample = random_sample(random);
    write_sample(in_folder("f"), sample, 1 << 20, random);
    write_sample(in_folder("g"), sample, 7, random);
    ASSERT_EQ(content_of(in_folder("f")), content_of(in_folder("g")));
    const SafetensorsFile file(in_folder("f"));
    EXPECT_EQ(file.metadata(), sample.metadata);
    ASSERT_EQ(file.names().size(), sample.tensors.size());
    for (std::size_t i = 0; i < sample.tensors.size(); ++i) {
      const TensorSpec& tensor = sample.tensors[i];
      EXPECT_EQ(file.info(tensor.name).dtype, tensor.dtype);
      EXPECT_EQ(file.info(tensor.name).shape, tensor.shape);
      EXPECT_EQ(text_of(file.data(tensor.name)), sample.data[i]);
    }
  }
}

TEST_F(SafetensorsFileTest, NothingStaysOfAWriterThatIsNotFinished) {
  {
    SafetensorsWriter writer(in_folder("f"), {}, {{"w", Dtype::u8, {300000}}});
    writer.write("w", bytes_of(std::string(200000, 'x')));
    EXPECT_EQ(file_count(), 1U);
    EXPECT_FALSE(fs::exists(in_folder("f")));
    EXPECT_EQ(internal_error([&] { writer.finish(); }),
              "200000 of 300000 bytes were written for tensor 'w'");
  }
  EXPECT_EQ(file_count(), 0U);
}

TEST_F(SafetensorsFileTest, BytesInTheWrongPlaceAreOurMistake) {
  const std::vector<TensorSpec> tensors{
      {"a", Dtype::u8, {2}}, {"none", Dtype::u8, {0}}, {"b", Dtype::u8, {1}}};
  SafetensorsWriter writer(in_folder("f"), {}, tensors);
  EXPECT_EQ(internal_error([&] { writer.write("b", bytes_of("b")); }),
            "tensor 'b' is written out of order");
  EXPECT_EQ(internal_error([&] { writer.write("a", bytes_of("aaa")); }),
            "more than 2 bytes for tensor 'a'");
  writer.write("a", bytes_of("a"));
  EXPECT_EQ(internal_error([&] { writer.write("b", bytes_of("b")); }),
            "tensor 'b' is written out of order");
  writer.write("a", bytes_of("a"));
  EXPECT_EQ(internal_error([&] { writer.write("c", {}); }), "tensor 'c' is written out of order");
}

TEST_F(SafetensorsFileTest, FinishSkipsTensorsWithoutBytes) {
  SafetensorsWriter writer(in_folder("f"), {}, {{"a", Dtype::u8, {0}}, {"b", Dtype::u8, {4, 0}}});
  writer.finish();
  EXPECT_THAT(SafetensorsFile(in_folder("f")).names(), ElementsAre("a", "b"));
  EXPECT_THROW(writer.finish(), InternalError);
}

TEST_F(SafetensorsFileTest, AFullDiskIsAUserError) {
  SafetensorsWriter writer("/dev/full", {}, {{"w", Dtype::u8, {1}}});
  writer.write("w", bytes_of("w"));
  EXPECT_EQ(user_error([&] { writer.finish(); }),
            "/dev/full: cannot write: No space left on device");
}

TEST_F(SafetensorsFileTest, RefusesToWriteWhatItWouldNotRead) {
  const auto error = [](std::vector<TensorSpec> tensors) {
    return user_error([&] { lay_out(std::move(tensors), "f"); });
  };
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 63;
  EXPECT_EQ(error({{"w", Dtype::u8, {1}}, {"w", Dtype::u8, {1}}}), "f: tensor 'w': is there twice");
  EXPECT_EQ(error({{"__metadata__", Dtype::u8, {1}}}),
            "f: tensor '__metadata__': the name means the metadata");
  EXPECT_EQ(error({{"a\xff", Dtype::u8, {1}}}), "f: tensor 'a\\xff': the name is no UTF-8");
  EXPECT_EQ(error({{"w", Dtype::u8, std::vector<std::uint64_t>(65, 1)}}),
            "f: tensor 'w': 65 dimensions, allowed are 64");
  EXPECT_EQ(error({{"w", Dtype::u16, {kHuge}}}),
            "f: tensor 'w': ends beyond 64 bits with shape [9223372036854775808] of U16");
  EXPECT_EQ(error({{"a", Dtype::u8, {kHuge}}, {"b", Dtype::u8, {kHuge}}}),
            "f: tensor 'b': ends beyond 64 bits with shape [9223372036854775808] of U8");
  EXPECT_EQ(user_error([] {
              safetensors_head({{"k", "\xff"}}, {}, "f");
            }),
            "f: the metadata 'k' are no UTF-8");
  EXPECT_EQ(user_error([] {
              safetensors_head({{"k", std::string(kLargestSafetensorsHeader, 'x')}}, {}, "f");
            }),
            "f: the header takes 100000032 bytes, allowed are 100000000");
  EXPECT_EQ(user_error([&] {
              SafetensorsWriter writer(in_folder("f"), {{"k", "\xff"}}, {});
            }),
            in_folder("f").string() + ": the metadata 'k' are no UTF-8");
  EXPECT_EQ(file_count(), 0U);
}

// The published format and nothing else, by other means than ours.
constexpr const char* kPythonReader = R"(
import json, struct, sys
raw = open(sys.argv[1], 'rb').read()
(n,) = struct.unpack_from('<Q', raw, 0)
assert n % 8 == 0 and raw[8:9] == b'{', 'header'
header = json.loads(raw[8:8 + n].decode('utf-8'))
data = raw[8 + n:]
print(header.pop('__metadata__'))
end = 0
for name, tensor in header.items():
    begin, stop = tensor['data_offsets']
    assert begin == end, 'hole'
    end = stop
    code = {'F16': 'e', 'I8': 'b', 'I16': 'h', 'F64': 'd', 'U8': 'B'}[tensor['dtype']]
    count = 1
    for size in tensor['shape']: count *= size
    assert count * struct.calcsize('<' + code) == stop - begin, 'size'
    print(name, tensor['dtype'], tensor['shape'], struct.unpack('<%d%s' % (count, code), data[begin:stop]))
assert end == len(data), 'end'
)";

TEST_F(SafetensorsFileTest, PythonReadsWhatWeWrite) {
  SafetensorsWriter writer(in_folder("f"), {{"made by", "Bitsmith \"é\""}},
                           {{"half", Dtype::f16, {2, 2}},
                            {"int8", Dtype::i8, {3}},
                            {"odd\nname", Dtype::i16, {1, 2}},
                            {"none", Dtype::f64, {4, 0}},
                            {"scalar", Dtype::u8, {}}});
  const auto write = [&](std::string_view name, std::string_view format,
                         const std::vector<double>& values) {
    const Format& f = bitsmith::format(format);
    std::vector<std::uint16_t> codes;
    for (const double value : values) {
      codes.push_back(static_cast<std::uint16_t>(encode(f, value)));
    }
    std::vector<std::byte> bytes(codes.size() * dtype_bytes(dtype_of(f)));
    codes_to_bytes(f, codes, bytes);
    writer.write(name, bytes);
  };
  write("half", "fp16", {1, -2.5, 65504, 6.103515625e-05});
  write("int8", "int8", {-128, 0, 127});
  write("odd\nname", "int16", {-32768, 258});
  write("scalar", "int4", {-1});
  writer.finish();
  const ProcessResult result = run_process({"python3", "-c", kPythonReader, in_folder("f")}, "/");
  EXPECT_EQ(result.output,
            "{'made by': 'Bitsmith \"é\"'}\n"
            "half F16 [2, 2] (1.0, -2.5, 65504.0, 6.103515625e-05)\n"
            "int8 I8 [3] (-128, 0, 127)\n"
            "odd\nname I16 [1, 2] (-32768, 258)\n"
            "none F64 [4, 0] ()\n"
            "scalar U8 [] (15,)\n");
  EXPECT_EQ(result.exit_code, 0);
}

// As the reference writes: json.dumps with its blanks and escapes, the header not in the order of
// the data.
constexpr const char* kPythonWriter = R"(
import json, struct, sys
header = json.dumps({
    'b': {'dtype': 'F32', 'shape': [2], 'data_offsets': [2, 10]},
    '__metadata__': {'format': 'é'},
    'a': {'dtype': 'I16', 'shape': [1], 'data_offsets': [0, 2]},
}, indent=1).encode('utf-8')
header += b' ' * (-len(header) % 8)
open(sys.argv[1], 'wb').write(
    struct.pack('<Q', len(header)) + header + struct.pack('<h', -2) + struct.pack('<2f', 1, 2))
)";

TEST_F(SafetensorsFileTest, WeReadWhatPythonWrites) {
  const ProcessResult result = run_process({"python3", "-c", kPythonWriter, in_folder("f")}, "/");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const SafetensorsFile file(in_folder("f"));
  EXPECT_THAT(file.names(), ElementsAre("a", "b"));
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "é")));
  std::vector<std::uint16_t> codes(1);
  bytes_to_codes(format("int16"), file.data("a"), codes, "a");
  EXPECT_EQ(decode(format("int16"), codes[0]), -2);
  EXPECT_EQ(text_of(file.data("b")), std::string("\0\0\x80\x3f\0\0\0\x40", 8));
}

// ---------------------------------------------------------------------------------- codes

TEST(SafetensorsCodes, DtypesAreTheNaturalOnes) {
  for (const Format& f : all_formats()) {
    const std::map<std::string_view, Dtype> natural{
        {"fp16", Dtype::f16},         {"bf16", Dtype::bf16}, {"fp8_e4m3", Dtype::f8_e4m3},
        {"fp8_e5m2", Dtype::f8_e5m2}, {"int8", Dtype::i8},   {"int16", Dtype::i16}};
    const auto found = natural.find(f.name);
    const Dtype raw = f.bits <= 8 ? Dtype::u8 : Dtype::u16;
    EXPECT_EQ(dtype_of(f), found == natural.end() ? raw : found->second) << f.name;
  }
  EXPECT_EQ(dtype_of(format("uint8")), Dtype::u8);
  EXPECT_EQ(dtype_of(format("int4")), Dtype::u8);
  EXPECT_EQ(dtype_of(format("int9")), Dtype::u16);
  EXPECT_EQ(dtype_of(format("uint16")), Dtype::u16);
}

TEST(SafetensorsCodes, EveryCodeOfEveryFormatSurvives) {
  for (const Format& f : all_formats()) {
    std::vector<std::uint16_t> codes(code_count(f));
    std::iota(codes.begin(), codes.end(), std::uint16_t{0});
    std::vector<std::byte> bytes(codes.size() * dtype_bytes(dtype_of(f)));
    codes_to_bytes(f, codes, bytes);
    std::vector<std::uint16_t> back(codes.size());
    bytes_to_codes(f, bytes, back, "w");
    EXPECT_EQ(back, codes) << f.name;
  }
}

TEST(SafetensorsCodes, AreLittleEndianWithoutHigherBits) {
  const std::vector<std::uint16_t> codes{0xFFFF, 0x1234};
  std::vector<std::byte> bytes(4);
  codes_to_bytes(format("int12"), codes, bytes);
  EXPECT_EQ(text_of(bytes), "\xff\x0f\x34\x02");
  codes_to_bytes(format("fp16"), codes, bytes);
  EXPECT_EQ(text_of(bytes), "\xff\xff\x34\x12");
  codes_to_bytes(format("int3"), codes, std::span(bytes).first(2));
  EXPECT_EQ(text_of(bytes).substr(0, 2), "\x07\x04");
}

TEST(SafetensorsCodes, RefusesNumbersThatAreNoCodes) {
  std::vector<std::uint16_t> codes(2);
  EXPECT_EQ(user_error([&] { bytes_to_codes(format("int4"), bytes_of("\x0f\x10"), codes, "w"); }),
            "w: number 1 is 0x10, which is no code of int4 (4 bits)");
  EXPECT_EQ(user_error([&] {
              bytes_to_codes(format("int9"), bytes_of(std::string_view("\0\x02\0\0", 4)), codes,
                             "w");
            }),
            "w: number 0 is 0x200, which is no code of int9 (9 bits)");
  EXPECT_THROW(bytes_to_codes(format("int9"), bytes_of("\x01\x02"), codes, "w"), InternalError);
  std::vector<std::byte> bytes(3);
  EXPECT_THROW(codes_to_bytes(format("int4"), codes, bytes), InternalError);
}

}  // namespace
}  // namespace bitsmith
