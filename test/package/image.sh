#!/usr/bin/env bash
# Builds contrib/Dockerfile's image with buildah, and uses it as an engine would: its user, its command, its health check.
# The base is Debian from debootstrap's successor, for registries may be out of reach. Needs root; no daemon, no systemd.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$PWD/build/image
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot DENTRIX_WEBHOOK_SECRET=image-test-secret-not-real
buildah() { command buildah --root "$out/store" --runroot "$out/run" "$@"; }
setting() { buildah inspect --type image --format "{{$1}}" pickupd; }
run() { buildah run --env DENTRIX_WEBHOOK_SECRET="$DENTRIX_WEBHOOK_SECRET" "$container" -- "$@"; }

build() {
    [ -s "$out/base.tar" ] || mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$out/base.tar"
    if ! buildah inspect debian:bookworm-slim >/dev/null 2>&1; then
        base=$(buildah from scratch)
        buildah add -q "$base" "$out/base.tar" / >/dev/null
        buildah commit -q --rm "$base" docker.io/library/debian:bookworm-slim >/dev/null
    fi
    buildah build -q --pull=never --format docker -f contrib/Dockerfile -t pickupd . >/dev/null
    [ "$(setting .Docker.Config.User)" = 10001:10001 ]
    [ "$(setting .Docker.Config.Entrypoint)$(setting .Docker.Config.Cmd)" = '[pickupd][serve]' ]
}

# In a network of its own, where the ports are free.
use() {
    ip link set lo up
    mapfile -t check < <(buildah inspect --type image pickupd | python3 -c '
import json, sys
for word in json.load(sys.stdin)["Docker"]["config"]["Healthcheck"]["Test"][1:]:
    print(word)')
    if run "${check[@]}" 2>/dev/null; then
        echo "healthy, though nobody is there" >&2
        exit 1
    fi
    mkfifo "$out/ready"
    run bash -c 'echo $$ >/tmp/pid; exec pickupd serve' 2> >(tee -p "$out/log" >"$out/ready") &
    server=$!
    grep -q '"ready"' "$out/ready" || { cat "$out/log" >&2; exit 1; }
    run "${check[@]}"
    [ "$(run id -un)" = pickupd ]
    run pickupd sign dentrix <fixtures/dentrix/rush.json >"$out/headers"
    curl -sSf -H "@$out/headers" -H Content-Type:application/json --data-binary @fixtures/dentrix/rush.json http://127.0.0.1:8080/webhooks/ehr/dentrix
    [ "$(run pickupd events list --json | grep -c '"PickupRequested"')" = 1 ]
    run bash -c 'kill "$(cat /tmp/pid)"'
    wait "$server"
    grep -q '"stopped"' "$out/log"
    printf '\nimage: built, healthy, took a webhook as %s, stopped\n' "$(setting .Docker.Config.User)"
}

if [ "${1:-}" = use ]; then
    container=$2
    use
else
    mkdir -p "$out"
    build
    container=$(buildah from --pull=never pickupd)
    trap 'buildah rm "$container" >/dev/null; rm -f "$out/ready"' EXIT
    unshare --net "$0" use "$container"
fi
