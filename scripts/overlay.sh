# SPDX-License-Identifier: GPL-2.0
# Sourced by the scripts that place this project in another directory.
# $overlay is its root; overlay_files lists what lives under the given paths.

overlay=$(cd "$(dirname "$0")/.." && pwd)

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

overlay_files() {
	(cd "$overlay" && for path; do
		test ! -e "$path" || find "$path" -type f \
			! -name '*.o' ! -name '*.o.d' ! -name '*.ko' ! -name '*.mod' \
			! -name '*.mod.c' ! -name '*.cmd' ! -name '*.a' ! -name '*.pyc' \
			! -name '*.symvers' ! -name modules.order ! -name '*~'
	done | LC_ALL=C sort)
}

# The version that the module says it has, of v3compat or iommusim.
overlay_version() {
	grep -rhoE --include='*.c' '^MODULE_VERSION\("[^"]+"\)' "$overlay/drivers/iommu/$1" | cut -d'"' -f2
}

# place link|copy DIR FILE...: one link (or copy) a file, so that objects built
# in DIR stay in DIR.
place() {
	how=$1
	to=$2
	shift 2
	for file; do
		mkdir -p "$to/$(dirname "$file")"
		if test "$how" = link; then
			test "$(readlink "$to/$file")" = "$overlay/$file" ||
				ln -sfn "$overlay/$file" "$to/$file"
		else
			cp -p "$overlay/$file" "$to/$file"
		fi
	done
}

# Links into this project whose file is gone, in DIR below the given paths.
drop_dangling() {
	to=$1
	shift
	for path; do
		test ! -d "$to/$path" || find "$to/$path" -xtype l -lname "$overlay/*" -delete
	done
}
