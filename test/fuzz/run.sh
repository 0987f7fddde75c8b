#!/bin/sh
# Runs fuzzers, one after the other. Arguments: seconds for each, and their names. What they find goes to
# build/found: inputs that reach something new to NAME/, those that break something to NAME-crash-*. Inputs worth
# keeping are brought to the corpus by hand:
#
#   build/libfuzzer/fuzz/NAME -merge=1 fixtures/corpus/NAME build/found/NAME
set -eu

seconds=$1
shift
status=0
for name in "$@"; do
    found=build/found/$name
    mkdir -p "$found"
    if ! "build/libfuzzer/fuzz/$name" -max_total_time="$seconds" -max_len=4096 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="$found-" "$found" "fixtures/corpus/$name" >"$found.log" 2>&1; then
        status=1
        tail -n 60 "$found.log"
    fi
    sed -n "s/^stat::number_of_executed_units: */$name: executions: /p" "$found.log"
done
exit $status
