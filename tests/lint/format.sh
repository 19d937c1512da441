#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# format.sh ROOT [-i] - is everything laid out as .clang-format says? With -i, lay it out so.
# Exit status: 0 yes, 1 no, 77 that cannot be told here.
set -eu
cd "$1"
tool=
for name in clang-format-14 clang-format; do
    # Releases differ in details: a tree that pleases 14 (Debian 12) need not please another one.
    if command -v "$name" >/dev/null 2>&1 && "$name" --version | grep -q 'version 14\.'; then
        tool=$name
        break
    fi
done
[ -n "$tool" ] || { echo "skipped: clang-format 14 is not installed (apt-get install clang-format)"; exit 77; }
if [ "${2-}" = -i ]; then
    find daemon tests -name '*.[ch]' -print0 | xargs -0 -r "$tool" -i
    exit
fi
if findings=$(find daemon tests -name '*.[ch]' -print0 | xargs -0 -r "$tool" --dry-run -Werror 2>&1); then
    echo "every file is laid out as .clang-format says"
    exit 0
fi
printf '%s\n' "$findings" | sed -n 's/: error: code should be clang-formatted.*//p'
echo "mend with: tests/lint/format.sh . -i, or clang-format -i FILE"
exit 1
