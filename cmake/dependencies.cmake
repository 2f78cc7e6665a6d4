# Everything from Debian 12; see tests/run.sh for the package names. Nothing optional: a build can always read every archive.
set(HDF5_PREFER_PARALLEL TRUE)
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(HDF5 1.10 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 was built without MPI: install libhdf5-openmpi-dev")
endif()
if(NOT ELVES_FUZZ)  # Debian's clang comes without OpenMP, and nothing that is fuzzed uses it
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(hwy REQUIRED CONFIG)
# Every user of Highway must see the same targets: AVX-512 with VBMI2 among them, and none whose vectors have no fixed size.
set_property(TARGET hwy::hwy APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS
  HWY_WANT_AVX3_DL HWY_DISABLED_TARGETS=\(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV\))
find_package(zstd REQUIRED CONFIG)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
