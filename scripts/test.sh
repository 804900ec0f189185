#!/usr/bin/env bash
# Runs the tests: scripts/test.sh RESULTS [PATTERN]
#
# Files that end with .cluster.test.ts run inside a cluster in a box (test/cluster), all others on the machine. Their
# results go to RESULTS/box.json and RESULTS/machine.json. With PATTERN, only files whose path matches, and no box is
# opened for none. Those in the box run one after the other: they share its one node, and the operator that they install.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly results=$1 pattern=${2:-}
PATH=$PWD/node_modules/.bin:$PATH

rm -rf "$results"
mkdir -p "$results"
jest=(node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js)
readonly in_box='\.cluster\.test\.ts$'

mapfile -t files < <("${jest[@]}" --listTests ${pattern:+--testPathPatterns "$pattern"} | grep -e "$in_box" || true)

# Side by side: each waits much of its time, for clusters, builds and back-offs. Both end by themselves when the terminal says so.
"${jest[@]}" --json --outputFile="$results/machine.json" --passWithNoTests --testPathIgnorePatterns "$in_box" \
  ${pattern:+--testPathPatterns "$pattern"} &
lanes=($!)
if [ ${#files[@]} -gt 0 ]; then
  node test/cluster/enter.ts -- "${jest[@]}" --runInBand --json --outputFile="$results/box.json" --runTestsByPath "${files[@]}" &
  lanes+=($!)
fi
status=0
for lane in "${lanes[@]}"; do wait "$lane" || status=$?; done
exit "$status"
