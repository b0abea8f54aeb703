#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# link-into-tree.sh [--undo | --copy] TREE: make this project part of a kernel
# source tree: links to every file, and the lines in the tree's own files that
# make Kconfig, Kbuild and the documentation descend into them. Repeating it
# picks up new and removed files. --copy leaves copies, --undo takes all back.
set -eu
. "$(dirname "$0")/overlay.sh"

how=link
case ${1-} in
--undo) how=undo; shift ;;
--copy) how=copy; shift ;;
esac
test $# -eq 1 || die "usage: link-into-tree.sh [--undo | --copy] TREE"
test -e "$1/drivers/iommu/Kconfig" || die "no kernel source in $1"
tree=$(cd "$1" && pwd)

paths="drivers include samples Documentation tools/testing/selftests"

# hook FILE ANCHOR LINE: LINE after the last line that matches ANCHOR, or at the
# end of a file that has none.
hook() {
	file=$tree/$1
	test -e "$file" || return 0
	! grep -qxF -- "$3" "$file" || test "$how" = undo || return 0
	if test "$how" = undo; then
		LINE=$3 awk '$0 != ENVIRON["LINE"]' "$file" >"$file.v3compat"
	else
		ANCHOR=$2 LINE=$3 awk '
			{ line[NR] = $0 }
			$0 ~ ENVIRON["ANCHOR"] { at = NR }
			END {
				if (!at) at = NR
				for (i = 1; i <= NR; i++) {
					print line[i]
					if (i == at) print ENVIRON["LINE"]
				}
			}' "$file" >"$file.v3compat"
	fi
	# Renamed, not written: in a tree of links the link's target stays as it is.
	chmod --reference="$file" "$file.v3compat"
	mv "$file.v3compat" "$file"
}

# Only what this project has today is hooked in.
hooks() {
	for dir in iommusim v3compat; do
		test -e "$overlay/drivers/iommu/$dir/Kconfig" || continue
		hook drivers/iommu/Kconfig '^source "drivers/iommu/[a-z]*/Kconfig"' \
			"source \"drivers/iommu/$dir/Kconfig\""
		hook drivers/iommu/Makefile '^obj-y \+= .*/$' "obj-y += $dir/"
	done
	if test -e "$overlay/Documentation/driver-api/v3compat/index.rst"; then
		hook Documentation/driver-api/index.rst '^   usb/index$' '   v3compat/index'
		hook Documentation/driver-api/index.rst '^   interconnect$' '   iommusim'
		hook Documentation/admin-guide/index.rst '^   thunderbolt$' '   v3compat'
	fi
	if test -e "$overlay/tools/testing/selftests/v3compat/Makefile"; then
		hook tools/testing/selftests/Makefile '^TARGETS \+= user_events' 'TARGETS += v3compat'
	fi
}

case $how in
undo)
	for path in $paths; do
		find "$tree/$path" -type l -lname "$overlay/*" -delete
	done
	overlay_files $paths | while read -r file; do dirname "$file"; done | sort -ru |
		while read -r dir; do
			rmdir -p --ignore-fail-on-non-empty "$tree/$dir" 2>/dev/null || true
		done
	;;
*)
	drop_dangling "$tree" $paths
	# shellcheck disable=SC2046 # no file of this project has a blank in its name
	place "$how" "$tree" $(overlay_files $paths)
	;;
esac
hooks
