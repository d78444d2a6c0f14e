#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# npm run demo: a btrfs volume in a file, with duplicates in it. Where there is
# a display the app opens on it, and removes it when it quits. Elsewhere, and
# with --terminal, it is scanned and folded here, and what was promised is shown
# next to what was freed. Nothing else is touched; the volume is gone afterwards.
set -eu

home=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

yes=${DEMO_YES:-}
terminal=$yes
for word in "$@"; do
  case $word in
  -y | --yes) yes=1 terminal=1 ;;
  -t | --terminal) terminal=1 ;;
  -h | --help)
    echo "Usage: npm run demo [-- --terminal] [-- --yes]"
    echo "  --terminal  in the terminal, also where there is a display"
    echo "  --yes       (or DEMO_YES=1) in the terminal, and folds without asking"
    exit 0
    ;;
  *)
    echo "demo: unknown option $word; try --help" >&2
    exit 2
    ;;
  esac
done

# refuse WHAT HOW...: what is missing, and what to do about it, a line each.
refuse() {
  for line in "$@"; do
    echo "demo: $line" >&2
  done
  exit 3
}
# The kernel loads both on demand where they are modules.
knows_btrfs() {
  grep -qw btrfs /proc/filesystems
}

if [ -z "$terminal" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec node "$home/scripts/start.mjs" --demo
fi

[ "$(uname -s)" = Linux ] || refuse "btrfs is a Linux filesystem, and this is $(uname -s)"
if [ "$(id -u)" != 0 ]; then
  refuse "it makes and mounts a btrfs volume in a temporary file, and that needs root:" "  sudo npm run demo"
fi
knows_btrfs || modprobe btrfs 2>/dev/null || :
knows_btrfs || refuse "this kernel has no btrfs: install its module (modprobe btrfs finds none), then try again"
[ -e /dev/loop-control ] || modprobe loop 2>/dev/null || :
[ -e /dev/loop-control ] ||
  refuse "there are no loop devices here (no /dev/loop-control): in a container they must be passed in:" \
    "  docker run --privileged ..."

sh "$home/scripts/setup.sh" demo
(cd "$home" && npm run --silent build)

work=$(mktemp -d "${TMPDIR:-/tmp}/refold-demo-XXXX")
device=
mounted=
clean_up() {
  trap '' INT TERM HUP
  if [ -n "$mounted" ]; then umount "$work/disk" || umount -l "$work/disk" || :; fi
  if [ -n "$device" ]; then losetup --detach "$device" || :; fi
  rm -rf "$work/volume.img" "$work/db"
  # rmdir, not rm -r: never into something that is still mounted.
  rmdir "$work/disk" "$work" 2>/dev/null || :
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

mkdir "$work/disk"
truncate -s 700M "$work/volume.img"
mkfs.btrfs -q -L refold-demo "$work/volume.img" >/dev/null
device=$(losetup --find --show "$work/volume.img") ||
  refuse "no loop device could be had (losetup said why above)"
mount -t btrfs -o noatime "$device" "$work/disk" ||
  refuse "a btrfs volume cannot be mounted here; in a container that needs --privileged"
mounted=1

node=$home/node_modules/node/bin/node
[ -x "$node" ] || node=node
DEMO_YES=$yes "$node" "$home/scripts/demo/demo.mjs" "$home/bin/refold" "$work/disk" "$work/db"
