#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# package.sh SOURCE FOLDER - builds the Debian package of the tree in FOLDER/new, and in FOLDER/old the same with a lower
# version, to upgrade from. Exit status: 0, 1, or 77 where no Debian package can be built.
set -eu
source=$1
folder=$2

for tool in dpkg-deb dpkg-shlibdeps cpack gzip; do
    command -v "$tool" >/dev/null || { echo "skipped: needs $tool (dpkg-dev, cmake)" >&2; exit 77; }
done

build() {
    kind=$1
    shift
    (cd "$source" && cmake -B "$folder/build-$kind" -G Ninja -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_TESTING=OFF "$@") >"$folder/$kind.log"
    cmake --build "$folder/build-$kind" >>"$folder/$kind.log"
    mkdir -p "$folder/$kind"
    rm -f "$folder/$kind"/*.deb "$folder/build-$kind"/*.deb
    (cd "$folder/build-$kind" && cpack -G DEB) >>"$folder/$kind.log" 2>&1
    mv "$folder/build-$kind"/*.deb "$folder/$kind/"
}

mkdir -p "$folder"
build new --preset release || { cat "$folder/new.log" >&2; exit 1; }
# Quickly, since it only has to be there before.
echo 'set(PROJECT_VERSION 0.0.9)' >"$folder/old.cmake"
build old -S "$source" -DCMAKE_BUILD_TYPE=None -DCMAKE_PROJECT_evidenced_INCLUDE="$folder/old.cmake" || { cat "$folder/old.log" >&2; exit 1; }
ls -l "$folder"/*/*.deb
