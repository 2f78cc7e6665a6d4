#!/usr/bin/env bash
# benchmarks/families.sh [MB]: whole jobs over families, 2 ranks: what deltas save, and how fast they are restored. Corpora in tmpfs:
# generated ones of MB (default 800) of float32 and of bfloat16 (benchmarks/family_corpus.py: a base, three fine-tunes, a stranger), and the
# real one of ${ELVES_CORPUS:-../shared/corpus}/hub where there is one, with its cards and without them.
# Prints a table for each: bytes stored without and with the stage delta, and of each model; then the least of five times that
# elves-restore takes (1 rank, its start taken off) for a base and its fine-tunes, as speed over that of the base.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
need_packages $build_packages $test_packages
mpi_environment
export OMP_NUM_THREADS=1
megabytes=${1:-800}
real=${ELVES_CORPUS:-../shared/corpus}/hub
if [ -n "${ELVES_BIN:-}" ]; then
  bin=$ELVES_BIN
else
  bin=$PWD/build/release/bin
  cmake --preset release >/dev/null
  cmake --build build/release --target elves-mpi elves-restore elves-ls | tail -n 1
fi
place=$(mktemp -d "${FAMILIES_IN:-/dev/shm}/elves-families.XXXXXX")
trap 'rm -rf "$place"' EXIT

ranks() { mpirun --bind-to none -n "$1" "${@:2}"; }
archive() {  # NAME OPTION...: of $place/hub
  rm -rf "$place/archive"
  ranks 2 "$bin/elves-mpi" --corpus "$place/hub" --archive "$place/archive" --report "$place/report.json" --progress none "${@:2}" >/dev/null
  cp "$place/report.json" "$place/report-$1.json"
}
sizes() {  # TITLE
  local mode
  for mode in --lossless ""; do
    archive alone $mode --stages hd,elf,de,palette,planes,zstd
    archive delta $mode
    python3 - "$1 ${mode:-default}" "$place/report-alone.json" "$place/report-delta.json" <<'EOF'
import json, sys

alone, delta = (json.load(open(path)) for path in sys.argv[2:])
raw, a, d = alone["corpus"]["bytes"], alone["archive"]["bytes_added"], delta["archive"]["bytes_added"]
print(f"\n{sys.argv[1]}: {raw} bytes of files; stored {a} without delta, {d} with: {1 - d / a:.1%} less, {1 - d / raw:.1%} of the files saved")
models = {model["id"]: model for model in alone["models"]}
for model in delta["models"]:
    if model["base"] is not None:
        print(f"  {model['id']:50s} on {model['base']:40s} {model['bytes']:10d} bytes, alone {models[model['id']]['stored_bytes']:9d}, "
              f"stored {model['stored_bytes']:9d}")
EOF
  done
}
least() {  # COMMAND...: seconds, the least of five
  local start i
  for i in 1 2 3 4 5; do
    start=$EPOCHREALTIME
    "$@" >/dev/null
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
  done | sort -n | head -n 1
}
speeds() {  # MODEL...: the base first
  local model seconds start base
  start=$(least ranks 1 "$bin/elves-restore" --version)
  for model in "$@"; do
    rm -rf "$place/to"
    ranks 1 "$bin/elves-restore" --archive "$place/archive" --to "$place/to" --model "$model" >/dev/null
    seconds=$(least ranks 1 "$bin/elves-restore" --archive "$place/archive" --to "$place/to" --force --model "$model")
    seconds=$(awk -v a="$seconds" -v b="$start" 'BEGIN { print a - b }')
    base=${base:-$seconds}
    awk -v m="$model" -v s="$seconds" -v b="$base" 'BEGIN { printf "  restore %-20s %.3f s: %.2f of the speed of its base\n", m, s, b / s }'
  done
  rm -rf "$place/to"
}

for dtype in float32 bfloat16; do
  /usr/bin/python3 benchmarks/family_corpus.py "$place/hub" "$dtype" "$megabytes"
  sizes "$dtype"
  speeds gen/base gen/tuned-0.0005 gen/tuned-0.005 gen/tuned-0.05
  rm -rf "$place/hub" "$place/archive"
done
if [ -d "$real" ]; then
  cp -a "$real" "$place/hub"
  sizes "real"
  find "$place/hub" -name README.md -o -name config.json -o -name adapter_config.json | xargs rm -f
  sizes "real, no lineage"
fi
