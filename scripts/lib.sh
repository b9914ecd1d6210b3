# Shared by the scripts of this folder: `. "$(dirname "$0")/lib.sh"` after `set -euo pipefail`.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by the scripts that read this file
# Debian packages that the build needs besides the Swift toolchain.
SNUG_PACKAGES=(
  libprotobuf-c-dev protobuf-c-compiler libdnnl-dev libturbojpeg0-dev libpng-dev
  zlib1g-dev libopenblas-openmp-dev libssl-dev pkg-config
)

say() { printf '\n==> %s\n' "$*" >&2; }

warn() { printf 'warning: %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "'$*' needs root: run it as root, then start this script again"
  fi
}

# Installs those of the given Debian packages that are missing.
install_packages() {
  local package
  local missing=()
  for package in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]
    then
      missing+=("$package")
    fi
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "install these packages, then start again: ${missing[*]}"
  say "Installing ${missing[*]}"
  as_root apt-get update -qq >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >&2
}

# Ends the script unless a Swift toolchain of at least the given version is on the path.
require_swift() {
  command -v swift >/dev/null ||
    die "no 'swift' on the path: install Swift $1 or later from https://www.swift.org/install"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' |
    head -n 1)
  [ "$(printf '%s\n%s\n' "$1" "$version" | sort -V | head -n 1)" = "$1" ] ||
    die "Swift $version is too old: install $1 or later from https://www.swift.org/install"
}

# Fetches oneDNN, the wheels onednn-cpu-gomp and onednn-devel-cpu-gomp of a version on PyPI, unless they are there, and
# prints the folder with its lib and include.
fetch_onednn() {
  local root=$PWD/.onednn-$1 wheel data
  if [ ! -e "$root/lib/libdnnl.so" ]; then
    say "oneDNN of onednn-cpu-gomp $1 into $root"
    rm -rf "$root.part"
    python3 -m pip download --quiet --no-deps --dest "$root.part" \
      "onednn-cpu-gomp==$1" "onednn-devel-cpu-gomp==$1" >&2
    for wheel in "$root.part"/*.whl; do python3 -m zipfile -e "$wheel" "$root.part"; done
    mkdir -p "$root"
    for data in "$root.part"/*.data/data; do cp -r "$data"/. "$root"; done
    rm -rf "$root.part"
  fi
  printf '%s\n' "$root"
}

# The name by which programs that were linked with a library look for it.
soname() { readelf -d "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p'; }

# The names of the libraries that a program or library asks for.
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'; }
