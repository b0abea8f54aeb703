# SPDX-License-Identifier: GPL-2.0
"""`v3lab prepare`: everything lanes need, so that later runs fetch and build nothing."""

import built
import cache
import conf
import kernels
import kunit
import root
import source
from cache import say
from host import LabError


def is_optional(name):
    """True if a kernel is only fetched or built when somebody asks for it."""
    return name in conf.names("kernels") and conf.load("kernels", name).get("optional") == "yes"


def everything(what, refresh):
    known = ["root", *conf.names("kernels"), "source", "kunit"]
    unknown = set(what) - set(known)
    if unknown:
        raise LabError(f"prepare: {' '.join(sorted(unknown))} unknown; known: {' '.join(known)}")
    root.ready()
    wanted = what or [name for name in known if not is_optional(name)]
    for name in conf.names("kernels"):
        if name in wanted:
            kernel = kernels.get(name, refresh)
            say(f"{name}: {kernel.release}")
    if "source" in wanted:
        say(f"source: {source.tree(kunit.SERIES)}")
    if "kunit" in wanted:
        kunit.prepare()
    return 0


def is_cached(name):
    """True if a built kernel is there already (or is no built kernel)."""
    c = conf.load("kernels", name)
    return not c.get("source") or cache.is_done(built.directory(c))
