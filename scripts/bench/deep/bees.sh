#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs bees, which never ends by itself, until it has done next to nothing for a while.
#
#   sh bees.sh BEES VOLUME HOME SECONDS
#
# HOME is an empty directory for its hash table and state; SECONDS the most that
# it may run. Writes to HOME/busy how long it was at work, in milliseconds, and
# HOME/limited where it still was when it was ended.
set -eu
bees=$1 volume=$2 home=$3 seconds=$4
quiet_ms=6000

now() { echo $(($(date +%s%N) / 1000000)); }
# Ticks of CPU that it has taken, ten milliseconds each.
ticks() { cut -d' ' -f14,15 <"/proc/$1/stat" | tr ' ' '+'; }

# 16 bytes a block: room for every block of 16 GiB, so that nothing is forgotten.
truncate -s 64M "$home/beeshash.dat"
BEESHOME=$home "$bees" --no-timestamps --strip-paths --verbose 4 "$volume" >"$home/log" 2>&1 &
pid=$!
start=$(now)
last=$start
seen=0
while kill -0 "$pid" 2>/dev/null; do
  sleep 0.25
  time=$(now)
  used=$(($(ticks "$pid" 2>/dev/null || echo "$seen")))
  # a daemon at rest still looks around now and then
  if [ "$used" -gt $((seen + 2)) ]; then last=$time; fi
  seen=$used
  if [ $((time - last)) -ge $quiet_ms ]; then break; fi
  if [ $((time - start)) -ge $((seconds * 1000)) ]; then
    touch "$home/limited"
    break
  fi
done
echo $((last - start)) >"$home/busy"
kill -TERM "$pid" 2>/dev/null || true
wait "$pid" || true
