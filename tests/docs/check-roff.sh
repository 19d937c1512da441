#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-roff.sh FOLDER - the manual pages have no mistakes of markup, as mandoc sees them, and as groff does
set -eu
cd "$1"
found=
if command -v mandoc >/dev/null; then
    found=mandoc
    # A page that this machine lacks is no mistake of markup.
    problems=$(mandoc -T lint -W style ./*.[158] 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' || :)
    [ -z "$problems" ] || { echo "$problems"; exit 1; }
fi
if command -v groff >/dev/null; then
    found="$found groff"
    problems=$(for page in ./*.[158]; do groff -ww -mdoc -T utf8 -K utf8 "$page" 2>&1 >/dev/null; done)
    [ -z "$problems" ] || { echo "$problems"; exit 1; }
fi
[ -n "$found" ] || { echo "skipped: there is neither mandoc nor groff"; exit 77; }
echo "checked with $found"
