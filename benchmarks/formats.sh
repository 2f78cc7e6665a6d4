#!/usr/bin/env bash
# benchmarks/formats.sh [CORPUS [CSV]]: what a corpus takes in archives, lossless and default, beside zstd: in all, and by format of its
# files. CORPUS: default ${ELVES_CORPUS:-../shared/corpus}/hub. Writes CSV (default benchmarks/formats.csv) and prints the same as ratios.
#
# Columns:  format                 as INDEX.tsv beside the corpus names it, without what it has in brackets; else by content
#           files, raw_bytes       of this format
#           elves_lossless_bytes   everything on disk of an archive of these files alone, made with --lossless; in the row "total" of
#           elves_default_bytes    one archive of the whole corpus, which finds duplicates across formats too. Without --lossless
#           zstd_3_bytes           zstd -3 of each file, summed
#           zstd_19_long27_bytes   zstd -19 --long=27 of each file, summed
# The same build gives the same figures, whatever the number of ranks.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
mpi_environment
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
corpus=$(realpath -e "${1:-${ELVES_CORPUS:-../shared/corpus}/hub}")
csv=$(realpath "${2:-benchmarks/formats.csv}")
bin=${ELVES_BIN:-$PWD/build/release/bin}
place=$(mktemp -d "${TMPDIR:-/tmp}/elves-formats.XXXXXX")
trap 'rm -rf "$place"' EXIT

# One line a file, sorted: FORMAT <tab> PATH.
list_formats() {
  python3 - "$corpus" <<'EOF'
import csv, os, re, sys, zipfile

corpus = sys.argv[1]
index = os.path.join(os.path.dirname(corpus), "INDEX.tsv")
known = {}
if os.path.exists(index):
    with open(index, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        known = {row["path"]: re.sub(r"\(.*", "", row["format"]).strip().replace(" ", "-") for row in rows}


def by_content(path):
    with open(path, "rb") as file:
        head = file.read(9)
    if head[:4] == b"PK\3\4" and zipfile.is_zipfile(path):
        names = zipfile.ZipFile(path).namelist()
        if any(name.endswith("/data.pkl") for name in names):
            return "torchscript" if any(name.endswith("/constants.pkl") for name in names) else "torch-zip"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= os.path.getsize(path):
        return "safetensors"
    return "text" if path.endswith((".md", ".json", ".txt")) else "other"


for folder, _, names in os.walk(corpus):
    for name in names:
        full = os.path.join(folder, name)
        if not os.path.islink(full):
            path = os.path.relpath(full, corpus)
            print(known.get(path) or by_content(full), path, sep="\t")
EOF
}

# Bytes of everything on disk of an archive made with these options.
elves_bytes() {
  rm -rf "$place/archive"
  mpirun --bind-to none -n 2 "$bin/elves-mpi" --corpus "$corpus" --archive "$place/archive" --progress none "$@" >/dev/null
  find "$place/archive" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }'
}

# Sizes of the files that $1 lists after a filter, the other arguments, summed.
filtered_bytes() {
  local sum=0 path
  while IFS= read -r path; do sum=$((sum + $("${@:2}" <"$corpus/$path" | wc -c))); done <"$1"
  echo "$sum"
}

measure() {  # NAME LIST
  local raw zstd_3 zstd_19 lossless default some=(--files-from "$2")
  raw=$(filtered_bytes "$2" cat)
  if [ "$1" = total ]; then
    read -r zstd_3 zstd_19 < <(awk -F, 'NR > 1 { a += $6; b += $7 } END { print a, b }' "$place/formats.csv")
    some=()
  else
    zstd_3=$(filtered_bytes "$2" zstd -3 -q -c)
    zstd_19=$(filtered_bytes "$2" zstd -19 --long=27 -q -c)
  fi
  lossless=$(elves_bytes "${some[@]}" --lossless)
  default=$(elves_bytes "${some[@]}")
  echo "$1,$(wc -l <"$2"),$raw,$lossless,$default,$zstd_3,$zstd_19" >>"$place/formats.csv"
  awk -v name="$1" -v raw="$raw" -v files="$(wc -l <"$2")" -v sizes="$lossless $default $zstd_3 $zstd_19" 'BEGIN {
    n = split(sizes, size, " "); printf "%-18s %4d %10d", name, files, raw
    for (i = 1; i <= n; ++i) printf " %9.3f", raw / size[i]
    print "" }'
}

echo "format,files,raw_bytes,elves_lossless_bytes,elves_default_bytes,zstd_3_bytes,zstd_19_long27_bytes" >"$place/formats.csv"
printf '%-18s %4s %10s %9s %9s %9s %9s\n' format files bytes lossless default zstd-3 zstd-19L
list_formats | LC_ALL=C sort >"$place/paths"
for format in $(cut -f 1 "$place/paths" | uniq); do
  awk -F '\t' -v format="$format" '$1 == format { print $2 }' "$place/paths" >"$place/list"
  measure "$format" "$place/list"
done
cut -f 2- "$place/paths" >"$place/list"
measure total "$place/list"
mv "$place/formats.csv" "$csv"
