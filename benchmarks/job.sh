#!/usr/bin/env bash
# benchmarks/job.sh [GB]: whole jobs beside zstd, pigz and cp, on the same files in tmpfs, in turns in one run. Corpora: GB (default 1) of
# float32 and of bfloat16 weights, and the real one of ${ELVES_CORPUS:-../shared/corpus}/hub where there is one. From a fresh clone it takes
# under 10 minutes, the build included. REPETITIONS=3 of each but pigz, which is slow and has one. Prints medians; writes benchmarks/job.csv
# ($2: another place).
#
# Columns:  corpus, command
#           seconds          median wall time, start and end of the program included ("start": elves-mpi that does nothing)
#           least_seconds    of the repetitions
#           raw_bytes        of the corpus
#           stored_bytes     of what the command made; for those that decode, of what they read
#           of_zstd_3        time of zstd -3 -T2 (zstd -d for those that decode) over this one's: above 1 is faster
#           of_cp            this one's time over that of cp -r
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
need_packages $build_packages $test_packages pigz
mpi_environment
export OMP_NUM_THREADS=1
gb=${1:-1}
csv=$(realpath "${2:-benchmarks/job.csv}")
repetitions=${REPETITIONS:-3}
real=${ELVES_CORPUS:-../shared/corpus}/hub
if [ -n "${ELVES_BIN:-}" ]; then
  bin=$ELVES_BIN
else
  bin=$PWD/build/release/bin
  cmake --preset release >/dev/null
  cmake --build build/release --target elves-mpi elves-restore job_corpus | tail -n 1
fi

megabytes=$(awk -v gb="$gb" 'BEGIN { print int(gb * 1000) }')
memory=/dev/shm
free=$(df --output=avail -BM "$memory" 2>/dev/null | tail -n 1 | tr -dc 0-9 || true)
if [ "${free:-0}" -lt $((megabytes * 3)) ]; then
  memory=${TMPDIR:-/tmp}
  echo "note: /dev/shm has not the room; using $memory, whose speed is then measured too"
fi
place=$(mktemp -d "$memory/elves-job.XXXXXX")
trap 'rm -rf "$place"' EXIT

ranks() { mpirun --bind-to none -n "$1" "${@:2}" >/dev/null; }
bytes_in() { find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }'; }

zip_with() {  # TOOL OPTION...: each file of the corpus to one in $place/out
  local file i=0
  while IFS= read -r file; do
    i=$((i + 1))
    "$@" <"$file" >"$place/out/$i"
  done <"$place/list"
}
unzip_with() {
  local file
  for file in "$place/zipped"/*; do "$@" <"$file" >"$place/out/${file##*/}"; done
}

timed() {  # NAME STORED_IN COMMAND...
  local name=$1 stored_in=$2 start end
  start=$EPOCHREALTIME
  "${@:3}"
  end=$EPOCHREALTIME
  echo "$corpus,$name,$(awk -v a="$start" -v b="$end" 'BEGIN { print b - a }'),$raw,$(bytes_in "$place/$stored_in")" >>"$place/times"
}
archive() {  # NAME RANKS OPTION...
  rm -rf "$place/archive"
  timed "$1" archive ranks "$2" "$bin/elves-mpi" --corpus "$place/hub" --archive "$place/archive" --progress none "${@:3}"
}
restore() {  # NAME RANKS
  timed "$1" archive ranks "$2" "$bin/elves-restore" --archive "$place/archive" --to "$place/restored"
  rm -rf "$place/restored"
}
compress() {  # NAME COMMAND...
  rm -rf "$place/out"
  mkdir "$place/out"
  timed "$1" out zip_with "${@:2}"
}

repetition() {
  timed start hub ranks 2 "$bin/elves-mpi" --version
  timed "cp -r" hub cp -r "$place/hub" "$place/out"
  archive "elves-mpi 1 rank" 1
  archive "elves-mpi --lossless 1 rank" 1 --lossless
  restore "elves-restore 1 rank (--lossless)" 1
  archive "elves-mpi --lossless 2 ranks" 2 --lossless
  restore "elves-restore 2 ranks (--lossless)" 2
  archive "elves-mpi 2 ranks" 2
  restore "elves-restore 2 ranks" 2
  rm -rf "$place/archive"
  compress "zstd -1 -T2" zstd -q -1 -T2 -c
  [ "$1" -gt 1 ] || compress "pigz -p 2" pigz -p 2 -c
  compress "zstd -3 -T2" zstd -q -3 -T2 -c
  mv "$place/out" "$place/zipped"
  mkdir "$place/out"
  timed "zstd -d" zipped unzip_with zstd -q -d -c
  rm -rf "$place/out" "$place/zipped"
}

measure() {  # NAME: of the corpus in $place/hub
  corpus=$1 raw=$(bytes_in "$place/hub")
  find "$place/hub" -type f >"$place/list"
  echo "$corpus: $((raw / 1000000)) MB in $(wc -l <"$place/list") files"
  for i in $(seq "$repetitions"); do repetition "$i"; done
  rm -rf "$place/hub"
}

for dtype in float32 bfloat16; do
  "$bin/job_corpus" "$place/hub" "$dtype" "$megabytes"
  measure "$dtype"
done
if [ -d "$real" ]; then
  cp -rL "$real" "$place/hub"
  measure real
fi

python3 - "$place/times" "$csv" <<'EOF'
import csv, statistics, sys

rows = {}
for corpus, name, seconds, raw, stored in csv.reader(open(sys.argv[1])):
    rows.setdefault((corpus, name), []).append((float(seconds), int(raw), int(stored)))
median = {key: statistics.median(seconds for seconds, _, _ in values) for key, values in rows.items()}
with open(sys.argv[2], "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow("corpus command seconds least_seconds raw_bytes stored_bytes of_zstd_3 of_cp".split())
    last = None
    for (corpus, name), values in rows.items():
        peer = "zstd -d" if "restore" in name or name == "zstd -d" else "zstd -3 -T2"
        seconds, raw, stored = median[corpus, name], *values[0][1:]
        to_zstd, to_cp = median[corpus, peer] / seconds, seconds / median[corpus, "cp -r"]
        out.writerow([corpus, name, f"{seconds:.3f}", f"{min(v[0] for v in values):.3f}", raw, stored, f"{to_zstd:.2f}", f"{to_cp:.2f}"])
        if corpus != last:
            print(f"\n{corpus:38s} {'seconds':>8s} {'least':>7s} {'ratio':>6s} {'faster than zstd':>17s} {'times cp':>9s}")
        last = corpus
        print(f"{name:38s} {seconds:8.2f} {min(v[0] for v in values):7.2f} {raw / stored:6.3f} {to_zstd:17.2f} {to_cp:9.2f}")
EOF
echo "these are in $csv too"
