#!/bin/sh
# Installs Snug from this folder, which also runs from where it lies: bin/snug.
#
# usage: ./install.sh [PREFIX]             default: ~/.local, or /usr/local for root
#        ./install.sh --uninstall [PREFIX]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
job=install
if [ "${1:-}" = --uninstall ]; then
  job=uninstall
  shift
fi
if [ "$(id -u)" -eq 0 ]; then usual=/usr/local; else usual=$HOME/.local; fi
prefix=${1:-$usual}
list=$prefix/share/doc/snug/files

if [ $job = uninstall ]; then
  [ -e "$list" ] || { echo "error: Snug isn't installed in $prefix" >&2; exit 2; }
  while IFS= read -r file; do rm -f "$prefix/$file"; done <"$list"
  sed 's|/[^/]*$||' "$list" | sort -ru | while IFS= read -r folder; do
    while [ "$folder" != . ] && rmdir "$prefix/$folder" 2>/dev/null; do folder=$(dirname "$folder"); done
  done
  rm -f "$list"
  rmdir "$prefix/share/doc/snug" 2>/dev/null || true
  echo "Removed from $prefix"
  exit 0
fi

mkdir -p "$prefix/share/doc/snug" "$prefix/lib/pkgconfig"
(cd "$here" && find bin lib include share ! -type d | sort) >"$list.new"
echo lib/pkgconfig/snug.pc >>"$list.new"
(cd "$here" && tar -cf - bin lib include share) | (cd "$prefix" && tar -xf -)
sed "s|@PREFIX@|$prefix|; s|@LIBDIR@|$prefix/lib|" "$here/snug.pc.in" >"$prefix/lib/pkgconfig/snug.pc"
mv "$list.new" "$list"
echo "Installed in $prefix; uninstall with: $here/install.sh --uninstall $prefix"
case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) echo "Put $prefix/bin on your PATH to call it as 'snug'." ;;
esac
