#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Finds the system programs and headers that Refold needs and are missing, and
# installs them: as root with apt-get, dnf, pacman or zypper. Otherwise prints
# the one command that does, and exits 1. Quiet where nothing is missing.
#
#   sh scripts/setup.sh [build|demo|app|test]
#
# build (the default) needs a C compiler and headers only; demo makes a volume
# besides; app needs a browser where Electron's binary cannot be had; test needs
# all that, a display and a bus of its own, and looks at attributes and extents.
set -eu

purpose=${1:-build}
case $purpose in
build | demo | app | test) ;;
*)
  echo "setup: '$purpose' is not one of build, demo, app, test" >&2
  exit 2
  ;;
esac

# Debian keeps mkfs.btrfs and losetup in sbin, which an ordinary PATH may lack.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

if command -v apt-get >/dev/null 2>&1; then
  manager=apt-get
elif command -v dnf >/dev/null 2>&1; then
  manager=dnf
elif command -v pacman >/dev/null 2>&1; then
  manager=pacman
elif command -v zypper >/dev/null 2>&1; then
  manager=zypper
else
  manager=unknown
fi

# The package of a thing, by the name this distribution gives it.
package_of() {
  case $1:$manager in
  kernel-headers:apt-get) echo linux-libc-dev ;;
  kernel-headers:pacman) echo linux-api-headers ;;
  kernel-headers:zypper) echo linux-glibc-devel ;;
  kernel-headers:*) echo kernel-headers ;;
  libc-headers:apt-get) echo libc6-dev ;;
  libc-headers:pacman) echo glibc ;;
  libc-headers:*) echo glibc-devel ;;
  sanitizers:apt-get) echo gcc ;;
  sanitizers:dnf) echo libasan libubsan ;;
  sanitizers:*) echo gcc ;;
  btrfs-progs:zypper) echo btrfsprogs ;;
  Xvfb:apt-get) echo xvfb ;;
  Xvfb:pacman) echo xorg-server-xvfb ;;
  Xvfb:*) echo xorg-x11-server-Xvfb ;;
  dbus-daemon:apt-get) echo dbus-daemon ;;
  dbus-daemon:dnf) echo dbus-daemon ;;
  dbus-daemon:*) echo dbus ;;
  polkit:apt-get) echo polkitd ;;
  pkexec:apt-get) echo pkexec ;;
  pkexec:*) echo polkit ;;
  dbus-send:apt-get) echo dbus-bin ;;
  dbus-send:dnf) echo dbus-tools ;;
  dbus-send:*) echo dbus ;;
  system-bus:apt-get) echo dbus ;;
  system-bus:dnf) echo dbus-daemon ;;
  system-bus:*) echo dbus ;;
  pkill:apt-get | pkill:zypper) echo procps ;;
  pkill:*) echo procps-ng ;;
  gio:apt-get) echo libglib2.0-bin ;;
  gio:zypper) echo glib2-tools ;;
  gio:*) echo glib2 ;;
  xprop:apt-get) echo x11-utils ;;
  xprop:pacman) echo xorg-xprop ;;
  losetup:apt-get) echo mount ;;
  losetup:*) echo util-linux ;;
  *) echo "$1" ;;
  esac
}

missing=
packages=
# need WHAT PACKAGE: WHAT is missing and PACKAGE brings it.
need() {
  missing="$missing $1"
  name=$(package_of "$2")
  case " $packages " in
  *" $name "*) ;;
  *) packages="$packages $name" ;;
  esac
}
need_program() {
  command -v "$1" >/dev/null 2>&1 || need "$1" "$2"
}
# Without a compiler only a look at the usual place tells.
need_header() {
  if command -v gcc >/dev/null 2>&1; then
    echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1 || need "$1" "$2"
  else
    [ -e "/usr/include/$1" ] || need "$1" "$2"
  fi
}

# A service of the system bus.
need_service() {
  [ -e "/usr/share/dbus-1/system-services/$1.service" ] || need "$1" "$2"
}

# The native library is tested under sanitizers too; some distributions ship them apart.
need_sanitizers() {
  command -v gcc >/dev/null 2>&1 || return 0
  echo 'int main(void) { return 0; }' |
    gcc -fsanitize=address,undefined -x c - -o /dev/null >/dev/null 2>&1 || need sanitizers sanitizers
}

# Any browser of Chromium's kind will do.
need_browser() {
  for program in chromium chromium-browser google-chrome; do
    if command -v "$program" >/dev/null 2>&1; then return 0; fi
  done
  need chromium chromium
}

look() {
  missing=
  packages=
  need_program gcc gcc
  need_program make make
  need_header stdlib.h libc-headers
  need_header linux/btrfs_tree.h kernel-headers
  if [ "$purpose" != build ]; then
    need_program btrfs btrfs-progs
    need_program mkfs.btrfs btrfs-progs
    need_program losetup losetup
  fi
  if [ "$purpose" = app ] || [ "$purpose" = test ]; then
    need_browser
  fi
  if [ "$purpose" = test ]; then
    need_program setfattr attr
    need_program getfattr attr
    need_program setfacl acl
    need_program lsattr e2fsprogs
    need_program filefrag e2fsprogs
    need_program strace strace
    need_program Xvfb Xvfb
    need_program dbus-daemon dbus-daemon
    need_program dbus-send dbus-send
    need_program pkexec pkexec
    need_program pkill pkill
    need_service org.freedesktop.PolicyKit1 polkit
    [ -e /usr/share/dbus-1/system.conf ] || need system-bus system-bus
    need_program desktop-file-validate desktop-file-utils
    need_program gio gio
    need_program xprop xprop
    # the Debian package is built and tried where there is Debian's tooling
    if command -v dpkg-deb >/dev/null 2>&1; then
      need_program lintian lintian
      need_program shellcheck shellcheck
      need_program appstreamcli appstream
      need_program systemd-analyze systemd
      need_program mandoc mandoc
      need_program man man-db
      need_program groff groff
      need_program zsh zsh
      need_program fish fish
    fi
    need_sanitizers
  fi
}

look
[ -n "$missing" ] || exit 0

# Word splitting is wanted: a list of package names.
# shellcheck disable=SC2086
install_packages() {
  case $manager in
  apt-get)
    apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
    ;;
  dnf) dnf install -y -q $packages ;;
  # No -y: refreshing the list without upgrading the rest breaks an Arch system,
  # and upgrading it is not for a build script to decide.
  pacman) pacman -S --noconfirm --needed --quiet $packages ;;
  zypper) zypper --non-interactive --quiet install --no-recommends $packages ;;
  esac
}
command_line() {
  case $manager in
  apt-get) echo "apt-get update && sudo apt-get install -y$packages" ;;
  dnf) echo "dnf install -y$packages" ;;
  pacman) echo "pacman -Syu --needed$packages" ;;
  zypper) echo "zypper install -y$packages" ;;
  esac
}

if [ "$manager" = unknown ]; then
  echo "setup: missing:$missing" >&2
  echo "setup: no apt-get, dnf, pacman or zypper here: install the packages that bring them, then try again" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "setup: missing:$missing. Install with:" >&2
  echo "  sudo $(command_line)" >&2
  exit 1
fi

echo "setup: missing:$missing; installing$packages with $manager" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! install_packages >"$log" 2>&1; then
  cat "$log" >&2
  echo "setup: $manager could not install$packages; the command was: $(command_line)" >&2
  exit 1
fi
look
if [ -n "$missing" ]; then
  echo "setup: still missing after installing:$missing" >&2
  exit 1
fi
