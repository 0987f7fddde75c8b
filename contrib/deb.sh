#!/bin/sh
# Builds the Debian package, and its source, in build/deb: deb.sh VERSION [BINARY]. With a BINARY that has been built
# already, nothing is compiled: quick, and for trying only, since it lacks what Debian's compiler flags do.
set -eu
version=$1
root=build/deb
tree=$root/pickupd-$version

grep -q "^pickupd ($version) " contrib/debian/changelog || {
    echo "contrib/debian/changelog does not begin with version $version" >&2
    exit 1
}
rm -rf "$root"
mkdir -p "$tree"
cp -R Makefile LICENSE README.md src include contrib test fixtures "$tree"
mv "$tree/contrib/debian" "$tree/debian"
find "$tree" -name __pycache__ -prune -exec rm -r {} +
(cd "$root" && dpkg-source -b "pickupd-$version" >dpkg-source.log)

if [ $# -gt 1 ]; then # Newer than its sources, so that make has nothing to do.
    mkdir "$tree/build"
    cp "$2" "$tree/build/pickupd"
fi
export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-nocheck parallel=$(nproc)}"
export DEB_BUILD_PROFILES="${DEB_BUILD_PROFILES:-nocheck}"
if ! (cd "$tree" && dpkg-buildpackage -b -nc -us -uc) >"$root/build.log" 2>&1; then
    tail -50 "$root/build.log" >&2
    exit 1
fi
ls "$root"/*.deb
