# Reads sim/pe/designs.def, refuses a half-furnished room, and generates pe/designs.h, which includes
# the header of every design. `sim/pe/designs.def` stays the only list.
file(STRINGS ${PROJECT_SOURCE_DIR}/sim/pe/designs.def design_lines REGEX "^PE_DESIGN\\(")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${PROJECT_SOURCE_DIR}/sim/pe/designs.def)
set(BITSMITH_DESIGNS "")
set(design_includes "")
foreach(line IN LISTS design_lines)
  string(REGEX REPLACE "^PE_DESIGN\\(([a-z][a-z0-9_]*)\\).*" "\\1" id "${line}")
  list(APPEND BITSMITH_DESIGNS ${id})
  foreach(item
      sim/pe/${id}/design.h sim/pe/${id}/design.cpp sim/pe/${id}/golden.h sim/pe/${id}/golden.cpp
      sim/pe/${id}/model.h sim/pe/${id}/timing.h sim/pe/${id}/README.md
      rtl/${id}/${id}_array.sv
      tests/pe/${id}/golden_test.cpp tests/pe/${id}/model_test.cpp
      tests/pe/${id}/lockstep_test.cpp tests/pe/${id}/timing_test.cpp)
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${item})
      message(FATAL_ERROR "design '${id}' (sim/pe/designs.def) is half-furnished: ${item} is missing")
    endif()
  endforeach()
  file(GLOB pe_rtl ${PROJECT_SOURCE_DIR}/rtl/${id}/${id}*_pe.sv
                   ${PROJECT_SOURCE_DIR}/rtl/${id}/${id}_lane.sv)
  if(NOT pe_rtl)
    message(FATAL_ERROR "design '${id}' has no PE: rtl/${id}/${id}_pe.sv (or _lane.sv), or one per dataflow")
  endif()
  file(GLOB shipped ${PROJECT_SOURCE_DIR}/configs/designs/${id}/*.yaml)
  if(NOT shipped)
    message(FATAL_ERROR "design '${id}' ships no configuration in configs/designs/${id}")
  endif()
  string(APPEND design_includes "#include \"pe/${id}/design.h\"\n")
endforeach()
if(NOT BITSMITH_DESIGNS)
  message(FATAL_ERROR "sim/pe/designs.def lists no design")
endif()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/pe/designs.h CONTENT
"// Generated from sim/pe/designs.def.
#pragma once
${design_includes}" @ONLY)
