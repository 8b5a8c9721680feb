# Compiler flags of every Bitsmith target: warnings, sanitizers, floating point that never contracts
# (a fused multiply-add would make results depend on the machine).
add_library(bitsmith_flags INTERFACE)
target_compile_options(bitsmith_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -ffp-contract=off
  $<$<BOOL:${BITSMITH_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps in std::string that cannot be (GCC bug 105651).
  target_compile_options(bitsmith_flags INTERFACE -Wduplicated-cond -Wlogical-op -Wno-restrict)
endif()
if(BITSMITH_NATIVE)
  target_compile_options(bitsmith_flags INTERFACE -march=native)
endif()
if(BITSMITH_SANITIZE)
  target_compile_options(bitsmith_flags INTERFACE
    -fsanitize=${BITSMITH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # GCC 12 takes optionals for uninitialized once their checks are instrumented; the plain build warns.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(bitsmith_flags INTERFACE -fsanitize=${BITSMITH_SANITIZE})
endif()
