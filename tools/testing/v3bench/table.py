# SPDX-License-Identifier: GPL-2.0
"""The result as text: costs, memory, targets."""

RATIO_BASES = ("raw", "dma-lazy", "dma-strict")
ALLOCATOR_LIMIT = 1.15
RESERVED_LIMIT = 1.05
FLAT_LIMIT = 1.05
FLAT_FROM = 1000
PASID_LIMIT = 1.01
V3_METHODS = ("explicit", "allocator", "reserved")


def power(live):
    zeros = len(str(live)) - 1
    return f"10^{zeros}" if live == 10 ** zeros and zeros else str(live)


def number(value):
    return "-" if value is None else f"{value:,.0f}"


def ratio(value):
    return "" if value is None else f"{value:.3f}"


def print_clock(measured):
    for clock in measured.clocks:
        exact = clock["ticks"] == clock["instructions"]
        print(f"clock: {clock['ticks']:,} ticks for {clock['instructions']:,} instructions"
              f"{'' if exact else ': NOT a count of instructions'}; reading it takes {clock['read_cost']}"
              " (subtracted, with the cost of two empty calls)")


def cost_line(measured, shape, method):
    levels = measured.levels()
    rows = [measured.cost(method, shape, live) for live in levels]
    last = rows[-1]
    if last is None or last["shape"] != shape:
        return None
    cells = [number(row and row["pair_mean"]) for row in rows]
    cells += [number(last["pair_median"]), number(last["map_mean"]), number(last["unmap_mean"])]
    cells += [ratio(measured.ratio(method, base, shape, levels[-1])) if method != base else ""
              for base in RATIO_BASES]
    return cells


def print_costs(measured):
    levels = [power(live) for live in measured.levels()]
    heads = levels + ["median", "map", "unmap"] + [f"/ {base}" for base in RATIO_BASES]
    print("Instructions per map + unmap pair (mean) by live ranges; the other columns are for the most live")
    print(f"{'shape':<11}{'method':<12}" + "".join(f"{head:>13}" for head in heads))
    for shape in measured.shapes():
        name = shape
        for method in measured.methods():
            cells = cost_line(measured, shape, method)
            if cells:
                print(f"{name:<11}{method:<12}" + "".join(f"{cell:>13}" for cell in cells))
                name = ""


def print_memory(measured):
    print("\nBytes per live 4 KiB range, and instructions to map it while the number grows")
    print(f"{'method':<12}{'all':>10}{'tables':>10}{'slab':>10}{'beyond raw':>12}{'map':>10}")
    raw = measured.memory_per_range("raw")
    for method in measured.methods():
        use = measured.memory_per_range(method)
        if use is None:
            continue
        beyond = f"{use['total_bytes'] - raw['total_bytes']:.1f}" if raw else "-"
        print(f"{method:<12}{use['total_bytes']:>10.1f}{use['table_bytes']:>10.1f}{use['slab_bytes']:>10.1f}"
              f"{beyond:>12}{use['instructions']:>10,.0f}")


def print_opening(measured):
    row = measured.memory_opening("reserved")
    if row:
        print(f"Reserving the token of method 'reserved' once: {row['total_bytes']:,} bytes, of them"
              f" {row['table_bytes']:,} page tables; {row['instructions']:,} instructions")


def print_sim(measured):
    if not measured.sim:
        return
    levels = sorted({row["live"] for row in measured.sim})
    heads = [power(live) for live in levels] + ["median", "map", "unmap", "/ raw", "/ untagged"]
    print("\nMapping on iommusim, where a PASID of the device or its untagged DMA uses the domain:"
          " instructions per map + unmap pair")
    print(f"{'shape':<11}{'method':<15}" + "".join(f"{head:>13}" for head in heads))
    shapes = list(dict.fromkeys(row["shape"] for row in measured.sim))
    for shape in shapes:
        name = shape
        for method in list(dict.fromkeys(row["method"] for row in measured.sim)):
            rows = [measured.cost(method, shape, live) for live in levels]
            last = rows[-1]
            if last is None:
                continue
            cells = [number(row and row["pair_mean"]) for row in rows]
            cells += [number(last[key]) for key in ("pair_median", "map_mean", "unmap_mean")]
            cells += [ratio(measured.ratio(method, base, shape, levels[-1])) if base != method else ""
                      for base in (method.replace("-v3", "-raw"), method.removesuffix("-pasid"))]
            print(f"{name:<11}{method:<15}" + "".join(f"{cell:>13}" for cell in cells))
            name = ""


def per_unit(row):
    return "-" if row is None else f"{row['median'] / row['units']:,.1f}"


def pair_of(measured, study, what, op, live):
    return [measured.call(study, what, op, side, live) for side in ("v3", "raw")]


def print_flushes(measured):
    keys = measured.call_keys("shadow")
    if not keys:
        return
    levels = sorted({live for _, _, live in keys})
    print("\nFlushing tables that the caller owns, by mapped pages: instructions (median) per FlushDomainByVaList of"
          "\nwhat changed ('all': per FlushDomain). raw: the same change by calls of the core; it and what follows are"
          "\nfor the most pages")
    heads = [power(live) for live in levels] + ["raw", "v3 / raw", "v3 per unit", "raw per unit"]
    print(f"{'what':<13}{'':<18}" + "".join(f"{head:>14}" for head in heads))
    for what, op in dict.fromkeys(key[:2] for key in keys):
        rows = [measured.call("shadow", what, op, "v3", live) for live in levels]
        ours, theirs = pair_of(measured, "shadow", what, op, levels[-1])
        cells = [number(row and row["median"]) for row in rows]
        cells += [number(theirs and theirs["median"]), ratio(measured.call_ratio(ours, theirs)),
                  per_unit(ours), per_unit(theirs)]
        print(f"{what:<13}{op:<18}" + "".join(f"{cell:>14}" for cell in cells))


def print_study(measured, study, title, live_head):
    keys = measured.call_keys(study)
    if not keys:
        return
    print(f"\n{title}")
    print(f"{'what':<13}{'':<18}" + "".join(f"{head:>13}" for head in (live_head, "v3", "raw", "v3 / raw")))
    for what, op, live in keys:
        ours, theirs = pair_of(measured, study, what, op, live)
        cells = [str(live or ""), number(ours and ours["median"]), number(theirs and theirs["median"]),
                 ratio(measured.call_ratio(ours, theirs))]
        print(f"{what:<13}{op:<18}" + "".join(f"{cell:>13}" for cell in cells))


def print_sections(measured):
    keys = [key for key in measured.call_keys("section") if key[1] == "cost"]
    if not keys:
        return
    print("\nWhat waits for one call: instructions that it costs (median), and the longest time with interrupts off,"
          "\nand with interrupts or preemption off (largest sample; what 'nothing' shows is the probe's own)")
    print(f"{'what':<18}{'of':>10}" + "".join(f"{head:>18}" for head in
          ("cost", "interrupts off", "either off", "raw: cost", "interrupts off", "either off")))
    for what, _, live in keys:
        cells = []
        for side in ("v3", "raw"):
            rows = [measured.call("section", what, op, side, live)
                    for op in ("cost", "interrupts off", "either off")]
            if not any(rows):
                continue
            cells += [number(rows[0]["median"]), number(rows[1]["max"]), number(rows[2]["max"])]
        print(f"{what:<18}{live:>10,}" + "".join(f"{cell:>18}" for cell in cells))


def print_reservations(measured):
    keys = [key for key in measured.call_keys("section") if key[:2] == ("reserve", "cost")]
    for _, _, live in keys:
        reserved = measured.call("section", "reserve", "cost", "v3", live)["median"]
        freed = measured.call("section", "free reserved", "cost", "v3", live)["median"]
        print(f"Freeing a reservation of {live:,} pages costs {freed / reserved:.2f} times what making it does")


def print_studies(measured):
    print_study(measured, "pasid", "Attaching a domain to a PASID on iommusim, the device's first one and a further"
                " one: instructions (median) per pair", "")
    print_flushes(measured)
    print_study(measured, "guard", "State changes on iommusim: instructions (median) from the call of"
                " v3compat_set_guard_policy(); raw: queue_work and flush_work of empty items", "devices")
    print_sections(measured)
    print_reservations(measured)


def worst(values):
    known = [value for value in values if value is not None]
    return max(known, default=None)


def against(measured, method, base, shapes, limit, text):
    value = worst(measured.ratio(method, base, shape, live)
                  for shape in shapes for live in measured.levels())
    return text, value, limit


def flat(measured, method):
    last = max(measured.levels(), default=0)
    if last <= FLAT_FROM:
        return f"{method}: flat from 10^3 live ranges on", None, FLAT_LIMIT
    value = worst(measured.growth(method, shape, FLAT_FROM, last) for shape in measured.shapes())
    return f"{method}: flat from 10^3 to {power(last)} live ranges, all shapes", value, FLAT_LIMIT


def targets(measured):
    shared = [shape for shape in measured.shapes() if not shape.endswith("-leaf")]
    yield against(measured, "allocator", "raw", ["4K"], ALLOCATOR_LIMIT, "allocator 4K pair / raw")
    yield against(measured, "allocator", "raw", ["4K-random"], ALLOCATOR_LIMIT,
                  "allocator 4K pair / raw, random order")
    yield against(measured, "reserved", "raw", ["4K"], RESERVED_LIMIT, "reserved 4K pair / raw")
    yield against(measured, "reserved", "raw", ["4K-random"], RESERVED_LIMIT,
                  "reserved 4K pair / raw, random order")
    for base in ("dma-lazy", "dma-strict"):
        yield against(measured, "allocator", base, ["4K"], 1.0, f"allocator 4K pair / {base}")
        yield against(measured, "allocator", base, shared, 1.0, f"allocator, every shape / {base}")
    for method in V3_METHODS:
        yield flat(measured, method)
    yield pasid_free(measured)
    yield shadow_flat(measured)


def shadow_flat(measured):
    """A flush of listed pages does not follow the size of the table."""
    keys = [key for key in measured.call_keys("shadow") if key[0] != "all"]
    lives = sorted({live for _, _, live in keys})
    value = worst(measured.call_growth("shadow", what, op, lives[0], live) for what, op, live in keys)
    reach = f"from {power(lives[0])} to {power(lives[-1])} mapped pages" if lives else "whatever is mapped"
    return f"FlushDomainByVaList: flat {reach}", value if len(lives) > 1 else None, FLAT_LIMIT


def pasid_free(measured):
    value = worst(measured.ratio("sim-v3-pasid", "sim-v3", row["shape"], row["live"]) for row in measured.sim)
    return "map + unmap in a domain of a PASID / of untagged DMA", value, PASID_LIMIT


def print_targets(measured):
    print("\nTargets: the worst over all live counts, mean or median")
    all_reached = True
    for text, value, limit in targets(measured):
        if value is None:
            verdict, shown = "not measured", "-"
        else:
            verdict, shown = ("reached", f"{value:.3f}") if value <= limit else ("NOT REACHED", f"{value:.3f}")
        all_reached &= verdict == "reached"
        print(f"{verdict:<13}{shown:>8} (at most {limit:.2f})  {text}")
    return all_reached


def show(measured, name):
    """Print everything about @measured; True when all targets are reached."""
    print(f"\nv3bench {name}")
    print_clock(measured)
    if measured.costs:
        print_costs(measured)
        print_memory(measured)
        print_opening(measured)
    print_sim(measured)
    print_studies(measured)
    return print_targets(measured)
