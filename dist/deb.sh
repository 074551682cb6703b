#!/usr/bin/env bash
# Makes the Debian package: dist/deb.sh FOLDER TARGET VERSION OUT, where FOLDER is what `dist/build.sh` lays out.
set -euo pipefail
from=$1 target=$2 version=$3 out=$4
case $target in
  x86_64-*) arch=amd64 ;;
  aarch64-*) arch=arm64 ;;
  *) echo "dist/deb.sh: add what Debian calls $target" >&2; exit 1 ;;
esac
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
doc=$root/usr/share/doc/sopup

install -D -m 755 "$from/sopup" "$root/usr/bin/sopup"
install -D -m 644 "$from/completions/sopup.bash" "$root/usr/share/bash-completion/completions/sopup"
install -D -m 644 "$from/completions/_sopup" "$root/usr/share/zsh/vendor-completions/_sopup"
install -D -m 644 "$from/completions/sopup.fish" "$root/usr/share/fish/vendor_completions.d/sopup.fish"
install -d "$root/usr/share/man/man1" "$doc" "$root/DEBIAN"
for page in "$from"/man/*.1; do
  gzip -9n <"$page" >"$root/usr/share/man/man1/${page##*/}.gz"
done
gzip -9n <"$from/CHANGELOG.md" >"$doc/changelog.gz"
gzip -9n >"$doc/changelog.Debian.gz" <<EOF
sopup ($version-1) unstable; urgency=medium

  * Version $version; changelog.gz says what is new.

 -- The sopup developers <sopup@users.noreply.github.com>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
EOF
{
  cat <<EOF
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sopup
Source: https://github.com/sopup/sopup
Comment: The program holds libraries of others; THIRD-PARTY.txt.gz has their licences.

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' "$from/LICENSE-MIT")
License: Apache-2.0 or Expat

License: Apache-2.0
 See /usr/share/common-licenses/Apache-2.0.

License: Expat
EOF
  sed -n '/^Permission/,$ { s/^$/./; s/^/ /; p }' "$from/LICENSE-MIT"
} >"$doc/copyright"
gzip -9n <"$from/THIRD-PARTY.txt" >"$doc/THIRD-PARTY.txt.gz"
chmod 644 "$root"/usr/share/man/man1/* "$doc"/*

# A program that needs no libraries runs with any C library.
depends=
if readelf -d "$from/sopup" | grep -q NEEDED; then
  libc=$(objdump -T "$from/sopup" | grep -o 'GLIBC_2\.[0-9.]*' | sort -uV | tail -n 1)
  depends="Depends: libc6 (>= ${libc#GLIBC_}), libgcc-s1"$'\n'
fi
cat >"$root/DEBIAN/control" <<EOF
Package: sopup
Version: $version-1
Architecture: $arch
Maintainer: The sopup developers <sopup@users.noreply.github.com>
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f 1)
${depends}Recommends: git
Section: vcs
Priority: optional
Homepage: https://github.com/sopup/sopup
Description: find leaked secrets and move them into SOPS files
 sopup searches working trees and git histories for passwords, tokens and
 private keys, blocks commits that add some, and moves what it finds into
 files that sops reads, with references that keep things working.
EOF
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/sopup_$version-1_$arch.deb" >/dev/null
