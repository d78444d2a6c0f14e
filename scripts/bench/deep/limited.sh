#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   sh limited.sh SECONDS FILE COMMAND [ARGUMENT...]
#
# Runs a command for so long at the most, and writes its exit code to FILE: 124
# where it had to be ended. Exits 0, so that a program that was ended is measured too.
seconds=$1 file=$2
shift 2
timeout --kill-after=10 "$seconds" "$@"
echo $? >"$file"
