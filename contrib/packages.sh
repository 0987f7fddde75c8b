#!/bin/sh
# Installs the Debian packages that are missing, if this user may; otherwise says which. Arguments: run, and
# with it test, and with that fuzz or bench; or deb, or image.
set -eu

run="gcc make pkg-config libc6-dev libevent-dev libssl-dev libsqlite3-dev libjansson-dev libinih-dev libical-dev
     libcurl4-openssl-dev tzdata curl"
test="clang clang-format libcmocka-dev python3 python3-pytest python3-pytest-timeout python3-hypothesis
      sqlite3 nginx-light openssl sslscan bash valgrind slowhttptest jq python3-jsonschema python3-cryptography prometheus
      systemd procps libseccomp2 binutils"
deb="binutils build-essential debhelper dpkg-dev lintian python3 python3-pytest python3-pytest-timeout
     libcmocka-dev mandoc man-db systemd iproute2"
image="buildah mmdebstrap iproute2 python3"
fuzz="libclang-rt-dev"
bench="wrk webhook gunicorn python3-flask apache2-utils"

wanted=""
for set in "$@"; do
    case $set in
        run) wanted="$wanted $run" ;;
        test) wanted="$wanted $test" ;;
        deb) wanted="$wanted $deb" ;;
        image) wanted="$wanted $image" ;;
        fuzz) wanted="$wanted $fuzz" ;;
        bench) wanted="$wanted $bench" ;;
        *) echo "usage: $0 run [test [fuzz] [bench]] [deb] [image]" >&2; exit 2 ;;
    esac
done

command -v dpkg-query >/dev/null || exit 0 # not Debian: the compiler will say what is missing

missing=""
for package in $wanted; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
        *" installed") ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "These packages are missing; please install them:" >&2
        echo "  sudo apt-get install$missing" >&2
        exit 1
    fi
    as_root="sudo -n"
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
