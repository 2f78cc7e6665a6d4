#!/usr/bin/env bash
# benchmarks/instructions.sh [CSV]: instructions that each kernel takes for a byte of values, counted by valgrind. Writes CSV
# (default benchmarks/instructions.csv). The same build gives the same figures on every machine, however busy: a change to a
# kernel shows here where timings are noise. Needs a release build with benchmarks (build/release, or ELVES_BIN) and valgrind.
# Takes about a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
csv=$(realpath "${1:-benchmarks/instructions.csv}")
driver=${ELVES_BIN:-$PWD/build/release/bin}/kernel_instructions
command -v valgrind >/dev/null || { echo "instructions.sh: install valgrind" >&2; exit 1; }
place=$(mktemp -d "${TMPDIR:-/tmp}/elves-instructions.XXXXXX")
trap 'rm -rf "$place"' EXIT

count() {  # KERNEL -> its row
  local bytes instructions
  bytes=$(valgrind --tool=callgrind --callgrind-out-file="$place/$1" --collect-atstart=no --toggle-collect=count_this \
    "$driver" "$1" 2>"$place/log") || { cat "$place/log" >&2; return 1; }
  instructions=$(awk '/^summary:|^totals:/ { print $2; exit }' "$place/$1")
  awk -v kernel="$1" -v n="$instructions" -v bytes="$bytes" 'BEGIN { printf "%s,%.3f\n", kernel, n / bytes }'
}

valgrind --quiet "$driver" >"$place/kernels"
target=$(head -n 1 "$place/kernels")
{
  echo "# Counted by valgrind, which has no AVX-512: these are the kernels of target $target. Made by benchmarks/instructions.sh."
  echo "kernel,instructions_per_byte"
  while read -r kernel; do count "$kernel"; done < <(tail -n +2 "$place/kernels")
} >"$place/csv"
cat "$place/csv"
mv "$place/csv" "$csv"
