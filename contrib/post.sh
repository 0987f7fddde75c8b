#!/usr/bin/env bash
# Signs FILE as SOURCE would and posts it; prints the status and the answer. Exit 0 only if the status is 200.
#
#   contrib/post.sh SOURCE FILE [URL]
#   contrib/post.sh dentrix fixtures/dentrix/normal.json
#   contrib/post.sh dentrix fixtures/dentrix/normal.json https://hooks.example.org
#
# URL             where pickupd or the nginx before it listens; default http://127.0.0.1:8080
# PICKUPD         the pickupd binary; default build/pickupd of this repository
# PICKUPD_CONFIG  the configuration that knows the source and its secret; read by pickupd itself
# PICKUPD_SOCKET  a unix socket to connect to instead of the URL's host
# CURL_CA_BUNDLE  the certificate to trust, if it is a private one; read by curl itself
#
# Exit: 0 answered 200, 1 anything else, 2 wrong use.

set -euo pipefail

usage() {
	echo "usage: $0 SOURCE FILE [URL]" >&2
	echo "example: $0 dentrix fixtures/dentrix/normal.json" >&2
	exit 2
}

[[ $# -eq 2 || $# -eq 3 ]] || usage
source_name=$1
file=$2
url=${3:-http://127.0.0.1:8080}
pickupd=${PICKUPD:-$(dirname "${BASH_SOURCE[0]}")/../build/pickupd}

if [[ ! $source_name =~ ^[a-z0-9_-]{1,32}$ ]]; then
	echo "$0: '$source_name' can't be the name of a source" >&2
	exit 2
fi
# The file is read twice, to sign and to send, so a pipe will not do.
if [[ ! -f $file || ! -r $file ]]; then
	echo "$0: can't read the file $file" >&2
	exit 2
fi
if ! command -v "$pickupd" >/dev/null; then
	echo "$0: no pickupd at $pickupd: run make, or set PICKUPD" >&2
	exit 2
fi

# Signing comes first and by itself: a failure inside <(…) would go unseen, and the request would be sent unsigned.
headers=$("$pickupd" sign "$source_name" <"$file") || exit 1

where=()
if [[ -n ${PICKUPD_SOCKET:-} ]]; then
	where=(--unix-socket "$PICKUPD_SOCKET")
fi

# The headers go through a descriptor, not the command line, where every user of the machine could read them.
# --data-binary sends the very bytes that were signed; --data would drop the line ends.
answer=$(curl --silent --show-error --globoff --noproxy localhost,127.0.0.1,::1 --max-time 60 \
	"${where[@]}" \
	--header 'Content-Type: application/json' \
	--header @<(printf '%s\n' "$headers") \
	--data-binary @"$file" \
	--write-out '\n%{http_code}' \
	"${url%/}/webhooks/ehr/$source_name") || exit 1

status=${answer##*$'\n'}
printf '%s\n%s\n' "$status" "${answer%$'\n'*}"
[[ $status == 200 ]]
