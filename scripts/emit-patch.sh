#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# emit-patch.sh TREE: this project as one patch against the kernel source in
# TREE, on standard output. TREE is only read.
set -eu
. "$(dirname "$0")/overlay.sh"

test $# -eq 1 || die "usage: emit-patch.sh TREE >FILE"
test -e "$1/drivers/iommu/Kconfig" || die "no kernel source in $1"
tree=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only files that this project may touch take part: the hooked ones and its own.
for file in drivers/iommu/Kconfig drivers/iommu/Makefile \
	    Documentation/driver-api/index.rst Documentation/admin-guide/index.rst \
	    tools/testing/selftests/Makefile; do
	test -e "$tree/$file" || continue
	mkdir -p "$work/$(dirname "$file")"
	cp "$tree/$file" "$work/$file"
done
! grep -qs 'source "drivers/iommu/v3compat/' "$work/drivers/iommu/Kconfig" ||
	die "$tree already has this project: link-into-tree.sh --undo $tree"

cd "$work"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git init -q .
git add -A
tree_before=$(git write-tree)
"$overlay/scripts/link-into-tree.sh" --copy "$work"
git add -A
git diff --no-color --no-renames "$tree_before" "$(git write-tree)" >"$work/.git/overlay.patch"
test -s "$work/.git/overlay.patch" || die "nothing to emit"
(cd "$tree" && GIT_CEILING_DIRECTORIES=$(dirname "$tree") git apply --check "$work/.git/overlay.patch") ||
	die "the patch does not apply to $tree"
cat "$work/.git/overlay.patch"
