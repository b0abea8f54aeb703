#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh: in the machine. Each step is a test.
set -eu

echo 4 >/proc/sys/vm/nr_hugepages
edu=
for path in /sys/bus/pci/devices/*; do
	test "$(cat "$path/vendor") $(cat "$path/device")" != "0x1234 0x11e8" || edu=${path##*/}
done
test "$edu"

# refused SENTENCE PROGRAM [ARGUMENT...]: the program ends with 1 and begins to say that.
refused() {
	sentence=$1
	shift
	status=0
	"$@" 2>refusal || status=$?
	cat refusal
	test "$status" -eq 1 && grep -q "^$sentence" refusal
}

echo "1..6"
number=0
step() {
	number=$((number + 1))
	text=$1
	shift
	if "$@"; then
		echo "ok $number $text"
	else
		echo "not ok $number $text"
	fi
}
step "a program without privilege moves data" ./give "$edu" ./move
step "it is killed in the middle of a transfer" ./give --kill-when-told "$edu" ./move --leave-running
step "the next one finds nothing left, and moves data" ./give "$edu" ./move
step "the example gives a buffer and takes it back" ./example pci "$edu"
step "the example says which device it does not find" \
	refused "claim: refused: there is no such device" ./example pci 0000:ff:1f.7
step "the example can be run again" ./example pci "$edu"
