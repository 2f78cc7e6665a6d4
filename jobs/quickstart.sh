#!/usr/bin/env bash
# jobs/quickstart.sh [CORPUS]: from a bare Debian 12 to an archived, restored and verified corpus, with 2 ranks.
# Without CORPUS it makes a small sample hub. Installs what is missing, builds, and leaves everything in build/quickstart.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
need_packages $build_packages
mpi_environment

echo "== build"
cmake --preset release -DELVES_TESTS=OFF -DELVES_BENCHMARKS=OFF >build-quickstart.log 2>&1 || { cat build-quickstart.log; exit 1; }
cmake --build build/release 2>&1 | tail -n 1
rm -f build-quickstart.log
bin=$PWD/build/release/bin
place=$PWD/build/quickstart
rm -rf "$place"
mkdir -p "$place"

if [ $# -ge 1 ]; then
  corpus=$(realpath "$1")
  if [ -d "$corpus/hub" ] && [ -f "$corpus/INDEX.tsv" ]; then corpus=$corpus/hub; fi
else
  corpus=$place/hub
  "$bin/elves-sample-hub" --out "$corpus"
  echo "(this hub is generated: give the path of your own as an argument)"
fi
ranks() { mpirun --bind-to none -n 2 "$@"; }

echo "== archive $corpus"
ranks "$bin/elves-mpi" --corpus "$corpus" --archive "$place/archive" --report "$place/report.json"
echo "== restore"
ranks "$bin/elves-restore" --archive "$place/archive" --to "$place/restored"
echo "== verify against the corpus"
ranks "$bin/elves-verify" --archive "$place/archive" --against "$corpus"
echo "== models"
"$bin/elves-ls" --archive "$place/archive"
echo "== the report is $place/report.json"
