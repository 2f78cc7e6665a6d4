#!/usr/bin/env bash
# tests/run.sh [PRESET] [CTEST OPTIONS]: installs what is missing, builds, runs all tests. PRESET: ci (default), asan, debug,
# release. Ends with "N passed, N failed, N skipped". Tests on real weights use ELVES_CORPUS (default ../shared/corpus) and
# skip where it is absent.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
need_packages $build_packages $test_packages
mpi_environment
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

preset=ci
case "${1:-}" in -*|"") ;; *) preset=$1; shift ;; esac
# MPI and HDF5 leak by design.
if [ "$preset" = asan ]; then export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}; fi
cmake --preset "$preset"
cmake --build "build/$preset"

log=build/$preset/ctest.log
set +e
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@" | tee "$log"
status=${PIPESTATUS[0]}
set -e
passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* +Passed ' "$log" || true)
skipped=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*Skipped ' "$log" || true)
failed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*(\*\*\*Failed|\*\*\*Timeout|\*\*\*Exception|\*\*\*Not Run)' "$log" || true)
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
