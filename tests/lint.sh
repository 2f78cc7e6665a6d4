#!/usr/bin/env bash
# tests/lint.sh [SINCE]: clang-format on all sources, clang-tidy on those that changed since a commit, as many as fit into
# ELVES_TIDY_SECONDS (default 120). Without SINCE: since the parent of HEAD, unless more than 40 changed (files were moved).
# Exit 1 if one of them has something to say.
set -euo pipefail
cd "$(dirname "$0")/.."
source jobs/packages.sh
need_packages $clang_packages
since=${1:-HEAD~1}
failed=0

mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
clang-format --dry-run --Werror "${sources[@]}" || failed=1

changed=()
if git rev-parse --quiet --verify "$since^{commit}" >/dev/null; then
  mapfile -t changed < <(git diff --name-only --diff-filter=d "$since" -- 'src/*.cpp' 'jobs/*.cpp')
fi
if [ $# = 0 ] && [ ${#changed[@]} -gt 40 ]; then
  echo "clang-tidy: ${#changed[@]} files changed, none is checked: name a commit to check them"
  changed=()
fi
[ -f build/ci/compile_commands.json ] || cmake --preset ci >/dev/null
end=$((SECONDS + ${ELVES_TIDY_SECONDS:-120}))
checked=0
for source in "${changed[@]}"; do
  [ $SECONDS -lt $end ] || break
  clang-tidy --quiet -p build/ci --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' "$source" 2>/dev/null || failed=1
  checked=$((checked + 1))
done
echo "clang-format: ${#sources[@]} files; clang-tidy: $checked of ${#changed[@]} files that changed since $since"
exit $failed
