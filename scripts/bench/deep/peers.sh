#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the other programs that npm run bench:deep measures Refold against.
#
#   sh scripts/bench/deep/peers.sh DIR [SOURCES]
#
# DIR gets a program NAME for each that could be built, and NAME.failed with the
# reason for each that could not. What is there already is left. SOURCES is a
# folder with a git repository NAME of each; without it they are cloned from
# where they are published. As root, what they need to be built is installed
# (Debian and its kin), and Debian's own duperemove.
set -u
dir=$1
sources=${2:-}
mkdir -p "$dir"
dir=$(cd -- "$dir" && pwd)

needs="gcc g++ make pkg-config git libglib2.0-dev libsqlite3-dev libxxhash-dev uuid-dev libmount-dev libblkid-dev
  libbsd-dev duperemove"

install_needs() {
  command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 0
  missing=
  for package in $needs; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  # Word splitting is wanted: a list of package names.
  # shellcheck disable=SC2086
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
    >"$dir/install.log" 2>&1 || echo "peers: could not install$missing: see $dir/install.log" >&2
}

# fetch NAME URL TAG: a work tree of that version in $dir/src/NAME.
fetch() {
  from=$2
  if [ -n "$sources" ]; then from=$sources/$1; fi
  rm -rf "$dir/src/$1"
  GIT_TERMINAL_PROMPT=0 timeout 120 git -c advice.detachedHead=false clone -q "$from" "$dir/src/$1" && git -C "$dir/src/$1" checkout -q "$3"
}

# build NAME URL TAG PROGRAM TARGET...: make TARGET, and take PROGRAM of it.
build() {
  name=$1 url=$2 tag=$3 program=$4
  shift 4
  [ -x "$dir/$name" ] && return 0
  log=$dir/$name.log
  rm -f "$dir/$name.failed"
  if ! fetch "$name" "$url" "$tag" >"$log" 2>&1; then
    echo "its sources could not be had: $(tail -n 1 "$log")" >"$dir/$name.failed"
  elif ! make -C "$dir/src/$name" -j"$(nproc)" "$@" >>"$log" 2>&1; then
    echo "it could not be built: $(grep -m 1 -i 'error' "$log" || tail -n 1 "$log")" >"$dir/$name.failed"
  else
    cp "$dir/src/$name/$program" "$dir/$name"
    return 0
  fi
  echo "peers: $name: $(cat "$dir/$name.failed")" >&2
}

install_needs
build duperemove https://github.com/markfasheh/duperemove.git v0.15.2 duperemove duperemove
build oans https://github.com/martinus/oans.git v1.11.1 oans oans
build bees https://github.com/Zygo/bees.git v0.11 bin/bees src BEES_VERSION=v0.11
exit 0
