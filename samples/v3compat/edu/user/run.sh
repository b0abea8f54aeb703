#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh PROGRAM [SCENARIO...]: in a machine that has the device: gives it to v3compat's own driver
# and runs these scenarios of the program, all of them by default.
set -eu

program=$1
shift
for path in /sys/bus/pci/devices/*; do
	test "$(cat "$path/vendor" "$path/device" | tr '\n' ' ')" != "0x1234 0x11e8 " || break
done
name=${path##*/}
test ! -e "$path/driver" || echo "$name" >"$path/driver/unbind"
echo v3compat-pci >"$path/driver_override"
echo "$name" >/sys/bus/pci/drivers_probe

pool=0
machine=0
"$program" "$name" "$@" || pool=$?
"$program" --machine "$name" "$@" || machine=$?
# 3 says that none of the scenarios was one of these.
case $pool,$machine in
0,0 | 0,3 | 3,0) ;;
*) exit 1 ;;
esac
