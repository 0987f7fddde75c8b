#!/usr/bin/env bash
# pickupd on this machine, with throw-away secrets; nothing here is fit for real patients' data.
#
#   contrib/local.sh run     serve on 127.0.0.1:8080 from var/, and print commands to try (make run)
#   contrib/local.sh demo    the whole trip unattended, in a directory of its own (make demo)

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PICKUPD=${PICKUPD:-$here/build/pickupd}
vendors=(dentrix opendental eaglesoft)

# Writes a configuration, a token for the API and one random secret a vendor into $1, unless they are there, and
# puts the clinics of the fixtures; $2 and $3 are listeners.
prepare() {
	local dir=$1
	mkdir -p "$dir"
	chmod 700 "$dir"
	if [[ ! -e $dir/pickupd.ini ]]; then
		{
			printf '[server]\nlisten = %s\napi_listen = %s\ndatabase = %s/pickupd.db\napi_token_file = %s/api-token\n' \
				"$2" "$3" "$dir" "$dir"
			for vendor in "${vendors[@]}"; do
				printf '\n[source %s]\nvendor = %s\nsecret_file = %s/%s.secret\ntimezone = America/New_York\n' \
					"$vendor" "$vendor" "$dir" "$vendor"
			done
		} >"$dir/pickupd.ini"
	fi
	for name in api-token "${vendors[@]/%/.secret}"; do
		[[ -e $dir/$name ]] || (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$dir/$name")
	done
	export PICKUPD_CONFIG=$dir/pickupd.ini
	"$PICKUPD" clinics import "$here/fixtures/clinics.json" >/dev/null
}

run() {
	[[ -x $PICKUPD ]] || { echo "no pickupd at $PICKUPD: run make first" >&2; exit 1; }
	prepare var 127.0.0.1:8080 127.0.0.1:8081
	echo "Once it says \"ready\", paste these into another bash, in this directory:"
	echo
	for vendor in "${vendors[@]}"; do
		cat <<-EOF
			curl -s -H @<(build/pickupd sign $vendor -c var/pickupd.ini < fixtures/$vendor/normal.json) \\
			     -w '\\n' -H 'Content-Type: application/json' --data-binary @fixtures/$vendor/normal.json \\
			     http://127.0.0.1:8080/webhooks/ehr/$vendor

		EOF
	done
	cat <<-'EOF'
		curl -s -H "Authorization: Bearer $(cat var/api-token)" http://127.0.0.1:8081/v1/pickups

	EOF
	echo "Then: build/pickupd events list -c var/pickupd.ini      (stop the server with Ctrl-C)"
	echo "Another port: edit var/pickupd.ini. Afresh: rm -r var."
	echo
	exec "$PICKUPD" serve
}

# The server's own line tells the port it took.
port_of() {
	sed -n 's/.*"face":"public","address":"127.0.0.1:\([0-9]*\)".*/\1/p' "$1"
}

demo() {
	local port stored=0
	dir=$(mktemp -d) # not local: the trap outlives the function
	server=
	trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
	prepare "$dir" 127.0.0.1:0 127.0.0.1:0
	mkfifo "$dir/log"
	"$PICKUPD" serve 2>"$dir/log" &
	server=$!
	# Its log is read to the end, so that the server never waits for a reader.
	exec 3<"$dir/log"
	while read -r line <&3; do
		echo "$line" | tee -a "$dir/seen"
		[[ $line != *'"msg":"ready"'* ]] || break
	done
	cat <&3 &
	port=$(port_of "$dir/seen")
	for vendor in "${vendors[@]}"; do
		echo "--- $vendor"
		"$here/contrib/post.sh" "$vendor" "$here/fixtures/$vendor/normal.json" "http://127.0.0.1:$port"
	done
	echo "--- stored"
	"$PICKUPD" events list
	for vendor in "${vendors[@]}"; do
		[[ $("$PICKUPD" events list --source "$vendor" --json | wc -l) == 1 ]] && stored=$((stored + 1))
	done
	kill "$server"
	wait "$server"
	server=
	echo "--- $stored of ${#vendors[@]} on disk, server stopped"
	[[ $stored == "${#vendors[@]}" ]]
}

case ${1:-} in
	run | demo) cd "$here" && "$1" ;;
	*)
		echo "usage: $0 run | demo" >&2
		exit 2
		;;
esac
