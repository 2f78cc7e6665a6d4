# What every target of elves shares: warnings, sanitizers, and one static library per folder of src/.

add_library(elves_warnings INTERFACE)
target_compile_options(elves_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
# False positives of GCC 12 in its own std::string and std::optional.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(elves_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()

set(ELVES_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")
if(ELVES_SANITIZE)
  add_compile_options(-fsanitize=${ELVES_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ELVES_SANITIZE})
endif()

if(ELVES_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Highway for the sources of elves: all of them must see the same targets, AVX-512 with VBMI2 among them, and none whose vectors have
# no fixed size.
add_library(elves_highway INTERFACE)
target_compile_definitions(elves_highway INTERFACE
  HWY_WANT_AVX3_DL HWY_DISABLED_TARGETS=\(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV\))
target_link_libraries(elves_highway INTERFACE hwy::hwy)

# elves_library(NAME SOURCES ... LINKS ...): the library elves_NAME of folder src/NAME.
# LINKS is the architecture: tests/architecture_test.py holds it against the allowed graph.
function(elves_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(elves_${name} STATIC ${arg_SOURCES})
  add_library(elves::${name} ALIAS elves_${name})
  target_include_directories(elves_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:include>)
  target_link_libraries(elves_${name} PUBLIC ${arg_LINKS} PRIVATE $<BUILD_INTERFACE:elves_warnings> ${arg_PRIVATE_LINKS})
  set_target_properties(elves_${name} PROPERTIES EXPORT_NAME ${name})
endfunction()
