#!/usr/bin/env bash
# Builds .peers/bin/writer, the application of tests and benchmarks, against the SQLite that better-sqlite3 ships.
# Needs gcc and installed node modules. Cached by the hash of every input. Exit 3: there is no gcc.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
sqlite="$root/node_modules/better-sqlite3/deps/sqlite3"
bin="$root/.peers/bin"
cache="$root/.peers/cache"

if ! command -v gcc >/dev/null 2>&1; then
  echo "build-writer: gcc is not installed; the writer cannot be built" >&2
  exit 3
fi
if [ ! -f "$sqlite/sqlite3.c" ]; then
  echo "build-writer: $sqlite/sqlite3.c is missing; run npm ci first" >&2
  exit 1
fi
mkdir -p "$bin" "$cache"

compiler=$(gcc -dumpfullversion -dumpmachine | tr '\n' ' ')
library_flags=(-O2 -w -DSQLITE_THREADSAFE=0 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_SHARED_CACHE)
library_hash=$({ cat "$sqlite/sqlite3.c"; echo "$compiler ${library_flags[*]}"; } | sha256sum | cut -c1-16)
program_hash=$({ echo "$library_hash"; cat "$here/writer.c" "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-16)
if [ -x "$bin/writer" ] && [ "$(cat "$cache/writer.hash" 2>/dev/null)" = "$program_hash" ]; then exit 0; fi

# Names with the process id, then a rename: two builds at once waste time but never leave half a file.
library="$cache/sqlite3-$library_hash.o"
if [ ! -f "$library" ]; then
  gcc "${library_flags[@]}" -c "$sqlite/sqlite3.c" -o "$library.$$"
  mv "$library.$$" "$library"
fi
gcc -O2 -std=gnu11 -Wall -Wextra -Werror -I "$sqlite" "$here/writer.c" "$library" -lm -o "$bin/writer.$$"
mv "$bin/writer.$$" "$bin/writer"
echo "$program_hash" >"$cache/writer.hash.$$"
mv "$cache/writer.hash.$$" "$cache/writer.hash"
