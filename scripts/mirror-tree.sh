#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# mirror-tree.sh DIR: what the kernel's build needs of this project, as links in
# DIR, so that builds for several kernels can stand side by side.
set -eu
. "$(dirname "$0")/overlay.sh"

test $# -eq 1 || die "usage: mirror-tree.sh DIR"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
test "$dir" != "$overlay" || die "$1 is the project itself"

drop_dangling "$dir" Kbuild drivers include samples tools
# shellcheck disable=SC2046 # no file of this project has a blank in its name
place link "$dir" $(overlay_files Kbuild drivers include samples \
			tools/testing/v3dma tools/testing/v3leak tools/testing/v3fuzz \
			tools/testing/v3bench)
