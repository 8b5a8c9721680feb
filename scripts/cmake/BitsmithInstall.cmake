# cmake --install: the launcherless binary, the library as bitsmith::bitsmith for find_package, and the
# data (RTL, configurations, workloads, the shim that RTL is Verilated with, the files of HTML reports) in
# share/bitsmith.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(NOT BITSMITH_FUZZ)
  install(TARGETS bitsmith_app RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS bitsmith EXPORT bitsmith-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY sim/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bitsmith
        FILES_MATCHING PATTERN "*.h" PATTERN "*.def" PATTERN app EXCLUDE)
install(DIRECTORY ${PROJECT_BINARY_DIR}/generated/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bitsmith)
install(DIRECTORY rtl configs workloads DESTINATION ${CMAKE_INSTALL_DATADIR}/bitsmith)
install(FILES sim/cosim/shim/verilated_shim.cpp
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bitsmith/sim/cosim/shim)
install(DIRECTORY sim/report/html DESTINATION ${CMAKE_INSTALL_DATADIR}/bitsmith/sim/report)
install(FILES sim/pe/array_ports.h DESTINATION ${CMAKE_INSTALL_DATADIR}/bitsmith/sim/pe)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/bitsmith)
install(EXPORT bitsmith-targets NAMESPACE bitsmith:: DESTINATION ${package_folder})
file(WRITE ${PROJECT_BINARY_DIR}/bitsmith-config.cmake.in
"@PACKAGE_INIT@
include(CMakeFindDependencyMacro)
find_dependency(fmt)
find_dependency(muparser)
find_dependency(nlohmann_json)
find_dependency(yaml-cpp)
find_dependency(SQLite3)
find_dependency(ZLIB)
find_dependency(Threads)
set(BLA_VENDOR OpenBLAS)
find_dependency(BLAS)
include(\${CMAKE_CURRENT_LIST_DIR}/bitsmith-targets.cmake)
")
configure_package_config_file(${PROJECT_BINARY_DIR}/bitsmith-config.cmake.in
  ${PROJECT_BINARY_DIR}/bitsmith-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/bitsmith-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bitsmith-config.cmake
              ${PROJECT_BINARY_DIR}/bitsmith-config-version.cmake
        DESTINATION ${package_folder})
