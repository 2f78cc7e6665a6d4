#!/usr/bin/env bash
# benchmarks/ratio.sh [CORPUS]: size of a corpus over its size in an archive (everything on disk), lossless and default, beside zstd -3 of
# each file. CORPUS: default ${ELVES_CORPUS:-../shared/corpus}/hub. A second table has its safetensors files alone.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
mpi_environment
corpus=$(realpath "${1:-${ELVES_CORPUS:-../shared/corpus}/hub}")
bin=${ELVES_BIN:-$PWD/build/release/bin}
place=$(mktemp -d "${TMPDIR:-/tmp}/elves-ratio.XXXXXX")
trap 'rm -rf "$place"' EXIT

measure() {  # NAME ELVES-OPTIONS...
  local name=$1 include=("${@:2}") bytes=0 packed=0 file
  while IFS= read -r -d '' file; do
    bytes=$((bytes + $(stat -c %s "$file")))
    packed=$((packed + $(zstd -3 -q -c "$file" | wc -c)))
  done < <(find "$corpus" -type f ${find_name:+-name "$find_name"} -print0)
  printf '%-22s %12d bytes   zstd -3 %.3f' "$name" "$bytes" "$(python3 -c "print($bytes / $packed)")"
  for mode in --lossless ""; do
    rm -rf "$place/archive"
    mpirun --bind-to none -n 2 "$bin/elves-mpi" --corpus "$corpus" --archive "$place/archive" --progress none \
      --report "$place/report.json" $mode "${include[@]}" >/dev/null
    printf '   %s %.3f' "${mode:-default}" "$(python3 -c "import json; print(json.load(open('$place/report.json'))['ratio'])")"
  done
  echo
}

find_name="" measure "whole corpus"
find_name="*.safetensors" measure "safetensors files" --include "*.safetensors"
