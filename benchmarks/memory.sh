#!/usr/bin/env bash
# benchmarks/memory.sh [MEMORY_MIB [RANKS]]: is a rank's peak memory bound by --memory? Archives a generated hub of four times the
# memory of all ranks and prints the peak beside the bound, which is --memory + 256 MiB.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
mpi_environment
memory=${1:-256} ranks=${2:-2}
bin=${ELVES_BIN:-build/release/bin}
place=$(mktemp -d "${TMPDIR:-/tmp}/elves-memory.XXXXXX")
trap 'rm -rf "$place"' EXIT
"$bin/elves-sample-hub" --out "$place/hub" --size-mib $((4 * memory * ranks)) >/dev/null
mpirun --bind-to none -n "$ranks" "$bin/elves-mpi" --corpus "$place/hub" --archive "$place/archive" --memory "${memory}MiB" \
  --progress none --report "$place/report.json" >/dev/null || [ $? = 3 ]
python3 - "$place/report.json" "$memory" <<'PY'
import json, sys
report, memory = json.load(open(sys.argv[1])), int(sys.argv[2])
peak = report["peak_rss_bytes"] / 2**20
print(f"corpus {report['corpus']['bytes'] / 2**20:.0f} MiB, {report['ranks']} ranks, --memory {memory} MiB: "
      f"peak of a rank {peak:.0f} MiB, bound {memory + 256} MiB: {'held' if peak <= memory + 256 else 'BROKEN'}")
sys.exit(peak > memory + 256)
PY
