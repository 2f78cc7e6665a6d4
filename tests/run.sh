#!/usr/bin/env bash
# tests/run.sh [PRESET] [CTEST OPTIONS]: installs what is missing, builds, runs all tests. Ends with "N passed, N failed, N skipped".
# PRESET: ci (default), release, debug, asan; fuzz builds with clang and sanitizers what reads hostile bytes (parsers and
# decoders), and runs their unit and contract tests. Tests on real weights use ELVES_CORPUS (default ../shared/corpus) and skip
# where it is absent.
# tests/run.sh --frameworks: installs PyTorch, ONNX and others, and runs only the tests that compare elves with them: the layers
# found in the real corpus and in files that these tools write, and whether files from a lossy archive load in them.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
need_packages $build_packages $test_packages
mpi_environment
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

targets=() only=()
if [ "${1:-}" = --frameworks ]; then
  shift
  need_packages $framework_packages
  export ELVES_NEED_TOOLS=1
  targets=(--target elves-mpi elves-restore elves-verify elves-ls)
  only=(--tests-regex '^(frameworks|e2e_containers|e2e_tool_files)$' --verbose)
fi
preset=ci
case "${1:-}" in -*|"") ;; *) preset=$1; shift ;; esac
[ "$preset" = fuzz ] && need_packages $clang_packages
# MPI and HDF5 leak by design.
case "$preset" in asan) export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} ;; esac
cmake --preset "$preset"
cmake --build "build/$preset" "${targets[@]}"

log=build/$preset/ctest.log
set +e
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "${only[@]}" "$@" | tee "$log"
status=${PIPESTATUS[0]}
set -e

# "name seconds" of each test that ran, slowest first. Tests above 20 s carry the label slow (tests/CMakeLists.txt).
times() { sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) .* ([0-9.]+) sec *$/\1 \2/p' "$log" | sort -k2,2 -rn; }
slow=$(ctest --test-dir "build/$preset" -N -L '^slow$' | sed -nE 's/^ *Test +#[0-9]+: (.*)$/\1/p')
echo "the slowest tests:"
times | head -n 10 | awk '{ printf "  %7.1f s  %s\n", $2, $1 }' || true
times | awk '$2 > 20 { print $1 }' | grep -vxF -e "${slow:-none}" | sed 's/^/above 20 s without the label slow: /' || true

count() { grep -cE "^ *[0-9]+/[0-9]+ Test .*($1)" "$log" || true; }
echo "$(count ' Passed ') passed, $(count '\*\*\*(Failed|Timeout|Exception|Not Run)') failed, $(count '\*\*\*Skipped ') skipped"
exit "$status"
