#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh DEVICE [SCENARIO...]: runs the scenarios of DEVICE (see scenario.h), all of them by
# default, and shows their transcripts. Succeeds when at least one passed and none failed.

exec 3<>"$1" || exit 2
shift

if [ $# -eq 0 ]; then
	echo list >&3 || exit 2
	# shellcheck disable=SC2046 # one name a line
	set -- $(cat <&3)
fi
for scenario; do
	echo "$scenario" >&3 || exit 2
	cat <&3
done

echo summary >&3 || exit 2
summary=$(cat <&3)
echo "$summary"
case $summary in
*" 0 failed,"*) ;;
*) exit 1 ;;
esac
case $summary in
*"
0 passed,"*) exit 1 ;;
esac
