#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# format.sh ROOT: is everything laid out as .clang-format says? 77 when that cannot be told here.
# Mend with: tests/lint/format.sh ROOT -i
set -eu
root=$1
how=${2:---dry-run -Werror}
tool=
for name in clang-format-14 clang-format; do
        # Releases differ in details: a tree that pleases 14 (Debian 12) need not please another one.
        if command -v "$name" >/dev/null 2>&1 && "$name" --version | grep -q 'version 14\.'; then
                tool=$name
                break
        fi
done
[ -n "$tool" ] || { echo "skipped: clang-format 14 is not installed (apt-get install clang-format)"; exit 77; }
cd "$root"
# shellcheck disable=SC2086 # $how is one or two options
find daemon tests -name '*.[ch]' -print0 | sort -z | xargs -0 -r "$tool" $how
