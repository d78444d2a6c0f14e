#!/bin/sh
# Builds the library with the address, leak and undefined-behaviour sanitizers
# together with fuzz.c, and runs it: run-sanitized.sh [ROUNDS [SEED [DIRECTORY]]]
# DIRECTORY: of a btrfs volume with files in its top level.
set -eu

rounds=${1:-2000}
seed=${2:-1}
here=$(cd "$(dirname "$0")" && pwd)
program=$(mktemp "${TMPDIR:-/tmp}/refold-fuzz-XXXXXX")
trap 'rm -f "$program"' EXIT INT TERM

if ! "${CC:-gcc}" -std=gnu11 -g -O1 -Wall -Wextra \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-I"$here/../include" "$here"/../src/*.c "$here/fuzz.c" -lm -lpthread -o "$program"; then
	echo "run-sanitized.sh: could not build; gcc needs its sanitizers (Fedora: libasan, libubsan)" >&2
	exit 1
fi
if [ $# -ge 3 ]; then
	"$program" "$rounds" "$seed" "$3"
else
	"$program" "$rounds" "$seed"
fi
