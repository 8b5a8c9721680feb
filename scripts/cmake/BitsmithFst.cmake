# Writes waveforms with the FST library that Verilator ships as source. Its objects become part of the
# library `bitsmith`; they take neither our warnings nor sanitizers.
find_package(ZLIB)
find_program(VERILATOR verilator)
set(verilator_roots $ENV{VERILATOR_ROOT})
if(VERILATOR)
  execute_process(COMMAND ${VERILATOR} --getenv VERILATOR_ROOT
                  OUTPUT_VARIABLE verilator_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND verilator_roots ${verilator_root})
endif()
list(APPEND verilator_roots /usr/share/verilator /usr/local/share/verilator)
list(TRANSFORM verilator_roots APPEND /include/gtkwave)
find_path(BITSMITH_FST_FOLDER fstapi.c HINTS ${verilator_roots} NO_DEFAULT_PATH
          DOC "Folder of fstapi.c, lz4.c, fastlz.c and their headers")
if(NOT ZLIB_FOUND OR NOT BITSMITH_FST_FOLDER)
  message(FATAL_ERROR
    "Waveforms need zlib and the FST library in Verilator's include/gtkwave: run scripts/setup, or "
    "install zlib1g-dev and verilator 5, or set VERILATOR_ROOT or BITSMITH_FST_FOLDER")
endif()

add_library(bitsmith_fst OBJECT
  ${BITSMITH_FST_FOLDER}/fstapi.c ${BITSMITH_FST_FOLDER}/lz4.c ${BITSMITH_FST_FOLDER}/fastlz.c)
target_include_directories(bitsmith_fst SYSTEM PUBLIC ${BITSMITH_FST_FOLDER})
target_compile_definitions(bitsmith_fst PRIVATE FST_CONFIG_INCLUDE="fst_config.h")
# Hidden: a Verilated array that is loaded brings the same functions again.
target_compile_options(bitsmith_fst PRIVATE -w -fno-strict-aliasing -fvisibility=hidden)
target_link_libraries(bitsmith_fst PRIVATE ZLIB::ZLIB)
