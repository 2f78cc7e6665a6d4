#!/usr/bin/env bash
# tests/fuzz/smoke.sh [SECONDS]: builds the fuzz targets with clang, asan and ubsan, and runs each from its seeds, SECONDS (default 60)
# in all. Exit 1 if one of them has a finding. For long runs: build/fuzz/bin/fuzz_NAME -max_total_time=600 FOLDER.
set -euo pipefail
cd "$(dirname "$0")/../.."
source jobs/packages.sh
need_packages $build_packages $test_packages $clang_packages
cmake --preset fuzz >/dev/null
cmake --build build/fuzz --target fuzz_targets | tail -n 1
seconds=${1:-60}
bin=build/fuzz/bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
/usr/bin/python3 tests/fuzz/make_seeds.py "$scratch/seeds"
targets=("$bin"/fuzz_*)
each=$(((seconds * $(nproc) + ${#targets[@]} - 1) / ${#targets[@]}))
export scratch each
smoke() {
  local name=$(basename "$1") seeds
  seeds=$scratch/seeds/${name#fuzz_}
  seeds=${seeds/parse_/}
  mkdir -p "$scratch/$name"
  [ -d "$seeds" ] || seeds=
  if "$1" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$scratch/$name-" \
       "$scratch/$name" $seeds >"$scratch/$name.log" 2>&1; then
    echo "$name: $(sed -nE 's/^stat::number_of_executed_units: //p' "$scratch/$name.log") executions, no finding"
  else
    echo "$name: FINDING"; tail -n 30 "$scratch/$name.log"
    return 1
  fi
}
export -f smoke
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'smoke "$0"'
