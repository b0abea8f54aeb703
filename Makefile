# SPDX-License-Identifier: GPL-2.0
# Builds the modules against a kernel's headers and starts everything else.
# Kbuild holds what the kernel's own build system reads.

KDIR ?= /lib/modules/$(shell uname -r)/build
OUT ?= $(CURDIR)
V3LAB := tools/testing/v3lab/v3lab

here := $(CURDIR)
kmake = $(MAKE) -C $(KDIR) M=$(abspath $(OUT))

.DEFAULT_GOAL := all

.PHONY: all
all: modules

.PHONY: modules
modules: source
	+$(kmake) modules

# Kbuild writes beside its sources: OUT=DIR gives it a tree of links to them.
.PHONY: source
source: kernel-build-tree
ifneq ($(abspath $(OUT)),$(here))
	scripts/mirror-tree $(OUT)
endif

.PHONY: kernel-build-tree
kernel-build-tree:
	@test -e $(KDIR)/Makefile || { printf '%s\n' \
	  "No kernel build tree at $(KDIR)." \
	  "Install the headers of the kernel to build for: linux-headers-$$(uname -r) on" \
	  "Debian and Ubuntu, kernel-devel on Fedora; or name a tree: make KDIR=/path/to/it" \
	  "'make demo' and 'make test' fetch kernels of their own and need none." >&2; exit 1; }

.PHONY: install
install: modules
	+$(kmake) modules_install
	$(if $(INSTALL_MOD_PATH),,depmod $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null))

# The source of a module where DKMS looks for it; then: dkms install NAME/VERSION.
PACKAGE ?= v3compat
.PHONY: dkms
dkms:
	scripts/dkms-source $(PACKAGE) $(DESTDIR)/usr/src

.PHONY: clean
clean:
	find $(wildcard drivers samples tools) -type f \( -name '*.o' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '*.a' -o -name '.*.cmd' -o -name '*.o.d' \
		-o -name '*.symvers' -o -name modules.order \) -exec rm {} +
	rm -rf build modules.order Module.symvers .*.cmd .module-common.o __pycache__

# The lab brings everything else; this is what starts it.
.PHONY: host-tools
host-tools:
	@command -v python3 >/dev/null || { apt-get update -q && \
	  apt-get install -qy --no-install-recommends python3; } || \
	  { echo "python3 is needed" >&2; exit 1; }

.PHONY: demo
demo: host-tools
	scripts/demo

.PHONY: test
test: host-tools
	@scripts/run-tests $(if $(JOBS),--jobs '$(JOBS)')

.PHONY: bench
bench: host-tools
	tools/testing/v3bench/run
	tools/testing/v3bench/run --user

.PHONY: lint
lint: host-tools
	scripts/lint

.PHONY: docs
docs: host-tools
	scripts/build-docs

# The tables of members and statuses, of reasons and of Windows' names, in the documentation.
.PHONY: members
members: host-tools
	scripts/coverage --rst >Documentation/driver-api/v3compat/members.inc
	-scripts/check-reasons --rst >Documentation/userspace-api/v3compat-reasons.inc
	-scripts/check-names --rst >Documentation/driver-api/v3compat/names.inc

.PHONY: check-clang
check-clang:
	scripts/check-clang

.PHONY: link patch
link patch: tree-given
	$(if $(filter link,$@),scripts/link-into-tree $(TREE),@scripts/emit-patch $(TREE))

.PHONY: tree-given
tree-given:
	@test -n "$(TREE)" || { echo "Name the kernel source: make $(MAKECMDGOALS) TREE=/path/to/linux" >&2; exit 1; }

.PHONY: help
help:
	@printf '%s\n' \
	'  all, modules   v3compat.ko and iommusim.ko for the kernel in KDIR' \
	'                 (and their KUnit modules when that kernel has KUnit)' \
	'  install        install these modules and run depmod' \
	'  dkms           put the source of v3compat into /usr/src for DKMS, that of iommusim' \
	'                 with PACKAGE=iommusim' \
	'  clean          remove build products' \
	'  demo           boot a stock kernel under an emulated IOMMU and show a ported' \
	'                 driver moving data (fetches all it needs; needs root)' \
	'  test           every test (fetches all it needs; needs root)' \
	'                 JOBS="NAME..." runs some; scripts/run-tests --list names them' \
	'  bench          instructions per call, beside the raw kernel calls' \
	'  lint           checkpatch, sparse and the checks of this repository' \
	'  docs           the documentation as HTML in build/docs (needs root)' \
	'  members        write the table of statuses and tests for the documentation' \
	'  check-clang    build inside a kernel tree with LLVM' \
	'  link           link the sources into a kernel tree, TREE=DIR' \
	'  patch          write them as a patch against a kernel tree, TREE=DIR' \
	'' \
	'  KDIR=DIR       kernel build tree; now $(KDIR)' \
	'  OUT=DIR        build in DIR, not beside the sources' \
	'  Variables of the kernel build (V=1, W=1, C=1, LLVM=1) work as there.'
