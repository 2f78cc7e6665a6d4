#!/usr/bin/env bash
# tests/run.sh [PRESET] [CTEST OPTIONS]: installs what is missing, builds, runs all tests. PRESET: ci (default), asan, debug,
# release. Ends with "N passed, N failed, N skipped". Tests on real weights use ELVES_CORPUS (default ../shared/corpus) and
# skip where it is absent.
# tests/run.sh --frameworks: installs PyTorch, ONNX and other tools too, and runs the tests that compare elves with them alone:
# layers found in the real corpus and in files that the tools write, and that what a lossy archive gives back loads in them.
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
# MPI and HDF5 leak by design.
if [ "$preset" = asan ]; then export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}; fi
cmake --preset "$preset"
cmake --build "build/$preset" "${targets[@]}"

log=build/$preset/ctest.log
set +e
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "${only[@]}" "$@" | tee "$log"
status=${PIPESTATUS[0]}
set -e
passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* +Passed ' "$log" || true)
skipped=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*Skipped ' "$log" || true)
failed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*(\*\*\*Failed|\*\*\*Timeout|\*\*\*Exception|\*\*\*Not Run)' "$log" || true)
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
