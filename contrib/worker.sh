#!/bin/bash
# A worker to copy, of curl and jq: hands each event of a consumer to a command, and reports back.
#
#   PICKUPD_API_TOKEN=... contrib/worker.sh [--until-empty] CONSUMER COMMAND [ARGUMENT ...]
#
# The command gets the event as JSON on its standard input. Exit code 0: done. 65 (EX_DATAERR): it will never work, so
# the event becomes a dead letter at once. Any other: it is tried again later. With --until-empty it ends once nothing
# can be claimed just now; what waits for another attempt is left. $PICKUPD_API is where pickupd's private listener is
# (http://127.0.0.1:8081 unless set).
set -u
api=${PICKUPD_API:-http://127.0.0.1:8081}
wait=30
until_empty=
if [ "${1:-}" = --until-empty ]; then
    until_empty=yes
    wait=0
    shift
fi
if [ $# -lt 2 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
consumer=$1
shift
if ! command -v "$1" >/dev/null; then
    echo "$1: there is no such command" >&2
    exit 2
fi

# The token goes through standard input: everybody on this machine can read a command line.
post() {
    printf 'header = "Authorization: Bearer %s"\n' "${PICKUPD_API_TOKEN:-}" |
        curl --silent --show-error --fail-with-body --max-time $((wait + 30)) --config - \
            -H Content-Type:application/json --data-binary "$2" "$api/v1/consumers/$consumer/$1"
}

while :; do
    ask=$(jq -nc --arg worker "$(hostname)-$$" --argjson wait "$wait" '{worker: $worker, max: 20, waitSeconds: $wait}')
    if ! claims=$(post claim "$ask"); then
        # Without an answer, or told to come again, it does; anything else is a mistake.
        case $(jq -r '.status // empty' <<<"$claims" 2>/dev/null) in
            '' | 429 | 503) sleep 5; continue ;;
            *) echo "claim of $consumer: $claims" >&2; exit 1 ;;
        esac
    fi
    count=$(jq '.claims | length' <<<"$claims")
    for ((i = 0; i < count; i++)); do
        lease=$(jq -c ".claims[$i].lease" <<<"$claims")
        jq -c ".claims[$i].event" <<<"$claims" | "$@"
        code=${PIPESTATUS[1]}
        if [ "$code" -eq 0 ]; then
            post ack "{\"leases\":[$lease]}" >/dev/null
        else
            post nack "$(jq -nc --argjson lease "$lease" --argjson code "$code" \
                '{leases: [$lease], error: "exit code \($code)", permanent: ($code == 65)}')" >/dev/null
        fi
    done
    [ -n "$until_empty" ] && [ "$count" -eq 0 ] && exit 0
done
