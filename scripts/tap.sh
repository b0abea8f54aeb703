# SPDX-License-Identifier: GPL-2.0
# Sourced by checks that speak TAP. $work is a directory of theirs. The counts are there, so that a
# check may go on in another process.

begin() {
	echo "TAP version 13"
	echo "0 0" >"$work/count"
}

# check WHAT COMMAND...: one test, which passes if COMMAND succeeds. COMMAND runs under sh -e.
check() {
	what=$1
	shift
	read -r number failed <"$work/count"
	number=$((number + 1))
	set +e
	(set -e; "$@") >"$work/said" 2>&1
	status=$?
	set -e
	if test "$status" -eq 0; then
		echo "ok $number $what"
	else
		failed=$((failed + 1))
		sed 's/^/# /' "$work/said"
		echo "not ok $number $what"
	fi
	echo "$number $failed" >"$work/count"
}

# The plan. Fails if a test has.
end() {
	read -r number failed <"$work/count"
	echo "1..$number"
	test "$failed" -eq 0
}
