# SPDX-License-Identifier: GPL-2.0
"""Kernels built from source: tinyconfig plus a fragment, the build tree kept for modules."""

import os
import re
import subprocess
import sys

import cache
import root
import source
from cache import say
from host import LabError


def asked_for(fragment):
    """The lines of a fragment that the final configuration must hold."""
    return [line for line in fragment.splitlines()
            if re.match(r"(CONFIG_\w+=|# CONFIG_\w+ is not set$)", line)]


def configure(tree, build, fragment):
    cache.write_file(os.path.join(build, "fragment"), fragment)
    make = ["make", "-s", f"O={build}"]
    root.run([*make, "tinyconfig"], cwd=tree)
    root.run(["scripts/kconfig/merge_config.sh", "-m", "-O", build, f"{build}/.config",
              f"{build}/fragment"], cwd=tree)
    root.run([*make, "olddefconfig"], cwd=tree)
    with open(os.path.join(build, ".config")) as f:
        have = set(f.read().splitlines())
    lost = [line for line in asked_for(fragment) if line not in have]
    if lost:
        raise LabError("the kernel's configuration did not take: " + ", ".join(lost))


def compile_kernel(tree, build):
    """Shows one line of progress every few hundred files."""
    argv = root.argv(["nice", "make", f"-j{os.cpu_count()}", f"O={build}", "bzImage", "modules"],
                     cwd=tree, binds=root.usual_binds())
    with open(os.path.join(build, "build.log"), "w") as log:
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for count, line in enumerate(child.stdout, 1):
            log.write(line)
            if count % 250 == 0:
                say(f"  {count} steps done")
    if child.wait():
        with open(os.path.join(build, "build.log")) as log:
            sys.stderr.writelines(log.readlines()[-40:])
        raise LabError(f"kernel build failed; log: {build}/build.log")


def fragment_of(conf):
    with open(conf.sibling(conf.get("config"))) as f:
        return f.read()


def directory(conf):
    """Named after the source's version and what the fragment asks for."""
    version = source.version_of(conf.get("source"))
    asked = cache.digest(*asked_for(fragment_of(conf)))
    return cache.path("kernels", f"{conf.name}-{version}-{asked}")


def build_kernel(conf, build):
    tree = source.tree(conf.get("source"))
    say(f"building kernel {conf.name} in {build} (10 to 20 minutes on two cores)")
    os.makedirs(build, exist_ok=True)
    configure(tree, build, fragment_of(conf))
    compile_kernel(tree, build)
    cache.mark_done(build)
    say(f"kernel {conf.name} ready")


def facts(conf):
    build = directory(conf)
    if not cache.is_done(build):
        with cache.lock(os.path.basename(build)):
            if not cache.is_done(build):
                build_kernel(conf, build)
    return of_build_tree(build, source.version_of(conf.get("source")))


def of_build_tree(build, version=None):
    """What the lab needs to know of any kernel build tree."""
    image = os.path.join(build, "arch/x86/boot/bzImage")
    release = os.path.join(build, "include/config/kernel.release")
    if not (os.path.exists(image) and os.path.exists(release)):
        raise LabError(f"{build} is no built x86 kernel tree (wanted {image})")
    with open(release) as f:
        release = f.read().strip()
    return {"release": release, "version": version or cache.file_digest(image), "image": image,
            "kdir": build, "modules": None}
