# SPDX-License-Identifier: GPL-2.0
"""The result as text: costs, memory, targets."""

import results

RATIO_BASES = ("raw", "dma-lazy", "dma-strict")
ALLOCATOR_LIMIT = 1.15
ALLOCATOR_RANDOM_LIMIT = 1.12
EXPLICIT_LIMITS = {"4K": 1.10, "4K-random": 1.10, "2M": 1.15, "1G": 1.25, "2M-unaligned": 1.60}
# 4K-random: a raw pair costs less in this order, and the module adds as much.
RESERVED_LIMITS = {"4K": 1.08, "4K-random": 1.085}
RESERVED_AIM = 1.06
GENERAL_LIMIT = 1.35
FLAT_LIMIT = 1.05
FLAT_FROM = {"explicit": 1, "allocator": 1000, "reserved": 1000}
PASID_LIMIT = 1.01
DENSE_LIMIT = 2
LONELY_LIMIT = 1 / 8
LONELY = {"lonely 2M": "one in 2 MiB", "lonely 1G": "one in 1 GiB"}
SECTION_LIMIT = 20000
FREE_LIMIT = 2.0
REFUSE_LIMIT = 2.0
GENERAL_SHAPES = ("4K", "4K-random")
BLOCKS_LIMIT = 4.0
V3_METHODS = ("explicit", "allocator", "reserved")


def power(live):
    zeros = len(str(live)) - 1
    return f"10^{zeros}" if live == 10 ** zeros and zeros else str(live)


def number(value):
    return "-" if value is None else f"{value:,.0f}"


def ratio(value):
    return "" if value is None else f"{value:.3f}"


def print_clock(measured):
    for clock in measured.clocks[:1]:
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
    print(f"{'shape':<14}{'method':<12}" + "".join(f"{head:>13}" for head in heads))
    for shape in measured.shapes():
        name = shape
        for method in measured.methods():
            cells = cost_line(measured, shape, method)
            if cells:
                print(f"{name:<14}{method:<12}" + "".join(f"{cell:>13}" for cell in cells))
                name = ""


def print_general(measured):
    levels = measured.levels()
    methods = [method for method in results.GENERAL if (method, "4K", levels[0]) in measured.index]
    if not methods:
        return
    print("\nInstructions per map + unmap pair (mean) by live ranges. 'bounded': the allocator between two bounds, beside"
          "\nraw; 'both-explicit': a domain with two page tables, on the general path, beside both-raw")
    heads = [power(live) for live in levels] + ["median", "map", "unmap", "/ base"]
    print(f"{'shape':<14}{'method':<15}" + "".join(f"{head:>13}" for head in heads))
    for shape in GENERAL_SHAPES:
        name = shape
        for method in methods:
            rows = [measured.cost(method, shape, live) for live in levels]
            cells = [number(row and row["pair_mean"]) for row in rows]
            cells += [number(rows[-1] and rows[-1][key]) for key in ("pair_median", "map_mean", "unmap_mean")]
            cells += [ratio(measured.ratio(method, results.GENERAL[method], shape, levels[-1]))]
            print(f"{name:<14}{method:<15}" + "".join(f"{cell:>13}" for cell in cells))
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


def print_lonely(measured):
    if not any(measured.memory_row("raw", what) for what in LONELY):
        return
    print("\nBytes per 4 KiB range that lies alone")
    print(f"{'':<14}{'method':<12}{'ranges':>10}{'all':>10}{'tables':>10}{'slab':>10}{'beyond raw':>12}"
          f"{'/ raw tables':>14}{'map':>10}")
    for what, name in LONELY.items():
        for method in measured.memory_methods(what):
            row = measured.memory_row(method, what)
            use = [row[key] / row["added"] for key in ("total_bytes", "table_bytes", "slab_bytes")]
            beyond = measured.memory_beyond(method, what)
            print(f"{name:<14}{method:<12}{row['live']:>10,}" + "".join(f"{value:>10.1f}" for value in use) +
                  f"{'-' if beyond is None else format(beyond / row['added'], '.1f'):>12}"
                  f"{ratio(measured.memory_beyond_share(method, what)):>14}"
                  f"{row['instructions'] / row['added']:>10,.0f}")
            name = ""


def print_left(measured):
    kinds = [("left", "adjacent")] + [(f"{what} left", name) for what, name in LONELY.items()]
    if not any(measured.memory_beyond("explicit", what) is not None for what, _ in kinds):
        return
    print("\nBytes that a domain holds still once everything is unmapped, after a wait")
    print(f"{'':<14}{'method':<12}{'ranges':>10}{'all':>14}{'tables':>14}{'slab':>14}{'beyond raw':>14}")
    for what, name in kinds:
        for method in [method for method in measured.memory_methods(what) if method in ("raw", "explicit", "allocator")]:
            row = measured.memory_row(method, what)
            beyond = measured.memory_beyond(method, what)
            print(f"{name:<14}{method:<12}{row['added']:>10,}" +
                  "".join(f"{row[key]:>14,}" for key in ("total_bytes", "table_bytes", "slab_bytes")) +
                  f"{number(beyond):>14}")
            name = ""


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
    print(f"{'shape':<14}{'method':<15}" + "".join(f"{head:>13}" for head in heads))
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
            print(f"{name:<14}{method:<15}" + "".join(f"{cell:>13}" for cell in cells))
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
          "\nwhat changed ('all': per FlushDomain, but for 'grown to', which lists the pages). raw: the same change by"
          "\ncalls of the core; it and what follows are for the most pages")
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
          "\nand with interrupts or preemption off (largest sample; what 'nothing' shows is the probe's own). own share:"
          "\neither off, less what it is for raw, or where there is no such call for 'nothing'")
    print(f"{'what':<18}{'of':>10}" + "".join(f"{head:>16}" for head in
          ("cost", "interrupts off", "either off", "own share", "raw: cost", "interrupts off", "either off")))
    for what, _, live in keys:
        cells = []
        for side in ("v3", "raw"):
            rows = [measured.call("section", what, op, side, live)
                    for op in ("cost", "interrupts off", "either off")]
            if not any(rows):
                continue
            cells += [number(rows[0]["median"]), number(rows[1] and rows[1]["max"]), number(rows[2] and rows[2]["max"])]
            if side == "v3":
                cells.append(number(measured.own_share(what, live)))
        print(f"{what:<18}{live:>10,}" + "".join(f"{cell:>16}" for cell in cells))


def reservation_ratio(measured, what, base, live):
    return measured.call_ratio(measured.call("section", what, "cost", "v3", live),
                               measured.call("section", base, "cost", "v3", live))


def reserved_pages(measured):
    return [live for what, op, live in measured.call_keys("section") if (what, op) == ("reserve", "cost")]


def print_reservations(measured):
    for live in reserved_pages(measured):
        print(f"A reservation of {live:,} pages: freeing it costs"
              f" {ratio(reservation_ratio(measured, 'free reserved', 'reserve', live))} times what making it does;"
              " refused half-way it costs"
              f" {ratio(reservation_ratio(measured, 'refuse half-way', 'reserve half', live))} times what"
              " making that half does (the latter on iommusim)")


def filling_ratio(measured, what, live):
    return measured.call_ratio(*pair_of(measured, "filling", what, "map + unmap", live))


def print_smp(measured):
    keys = measured.call_keys("smp")
    if not keys:
        return
    print("\nPairs of map + unmap per second on iommusim, of one thread and of two on processors of their own (medians of"
          "\nthe repetitions, by the clock of a machine that is emulated); v3 / raw of each repetition: median, least, most")
    print(f"{'what':<18}{'':<11}" + "".join(f"{head:>12}" for head in
          ("v3", "raw", "v3 / raw", "least", "most", "2 / 1: v3", "raw")))
    for what, op, live in keys:
        if what.startswith("raw"):
            continue
        ours, theirs = pair_of(measured, "smp", what, op, live)
        share = measured.call("smp", what, op, "permille", live)
        cells = [number(ours["median"]), number(theirs["median"])]
        cells += [ratio(share[key] / 1000) for key in ("median", "min", "max")]
        for side, row in (("v3", ours), ("raw", theirs)):
            alone = measured.call("smp", what, "1 thread", side, live)
            cells.append("" if alone is row else ratio(row["median"] / alone["median"]))
        print(f"{what:<18}{op:<11}" + "".join(f"{cell:>12}" for cell in cells))


def print_studies(measured):
    print_study(measured, "filling", "4K in a domain with two page tables of which the second one is being filled,"
                " where it is\nnot filled yet ('ahead') and where it is: instructions (median) per map + unmap pair;"
                " raw: as both-raw", "live")
    print_study(measured, "pasid", "Attaching a domain to a PASID on iommusim, the device's first one and a further"
                " one: instructions (median) per pair", "")
    print_flushes(measured)
    print_study(measured, "guard", "State changes on iommusim: instructions (median) from the call of"
                " v3compat_set_guard_policy(); raw: queue_work and flush_work of empty items", "devices")
    print_sections(measured)
    print_reservations(measured)
    print_smp(measured)


def worst(values):
    known = [value for value in values if value is not None]
    return max(known, default=None)


def against(measured, method, base, shapes, limit, text):
    value = worst(measured.ratio(method, base, shape, live)
                  for shape in shapes for live in measured.levels())
    return text, value, limit


def flat(measured, method):
    first = FLAT_FROM[method]
    levels = [live for live in measured.levels() if live > first]
    value = worst(measured.growth(method, shape, first, live)
                  for shape in measured.shapes() for live in levels)
    reach = f"to {power(levels[-1])} live ranges, all shapes" if levels else "live ranges on"
    return f"{method}: flat from {power(first)} {reach}", value, FLAT_LIMIT


def explicit_targets(measured):
    for shape, limit in EXPLICIT_LIMITS.items():
        yield against(measured, "explicit", "raw", [shape], limit, f"explicit {shape} pair / raw")
    shared = [shape for shape in measured.shapes() if not shape.endswith("-leaf")]
    yield against(measured, "explicit", "dma-lazy", shared, 1.0, "explicit, every shape / dma-lazy")


def general_target(measured):
    values = [worst(measured.ratio(method, base, shape, live) for live in measured.levels())
              for method, base in results.GENERAL.items() if base for shape in GENERAL_SHAPES]
    values.append(worst(filling_ratio(measured, what, live) for what, _, live in measured.call_keys("filling")))
    return "4K pair on the general path / raw, in order and random", None if None in values else max(values), GENERAL_LIMIT


def memory_targets(measured):
    ours, raw = measured.memory_per_range("explicit"), measured.memory_per_range("raw")
    value = ours["total_bytes"] - raw["total_bytes"] if ours and raw else None
    yield "explicit: bytes beyond raw for each adjacent range", value, DENSE_LIMIT
    for what, name in LONELY.items():
        yield (f"explicit: bytes beyond raw / raw's page tables, {name}",
               measured.memory_beyond_share("explicit", what), LONELY_LIMIT)


def section_targets(measured):
    keys = [key for key in measured.call_keys("section") if key[1] == "cost" and key[0] != "nothing"]
    yield ("own share of the time with interrupts or preemption off, worst call",
           worst(measured.own_share(what, live) for what, _, live in keys), SECTION_LIMIT)
    pages = reserved_pages(measured)
    yield ("freeing a reservation / making it",
           worst(reservation_ratio(measured, "free reserved", "reserve", live) for live in pages), FREE_LIMIT)
    yield ("refusing a reservation half-way / making that half",
           worst(reservation_ratio(measured, "refuse half-way", "reserve half", live) for live in pages),
           REFUSE_LIMIT)


def targets(measured):
    shared = [shape for shape in measured.shapes() if not shape.endswith("-leaf")]
    yield against(measured, "allocator", "raw", ["4K"], ALLOCATOR_LIMIT, "allocator 4K pair / raw")
    yield against(measured, "allocator", "raw", ["4K-random"], ALLOCATOR_RANDOM_LIMIT,
                  "allocator 4K pair / raw, random order")
    for shape, order in (("4K", ""), ("4K-random", ", random order")):
        yield against(measured, "reserved", "raw", [shape], RESERVED_LIMITS[shape],
                      f"reserved 4K pair / raw{order} (aim: {RESERVED_AIM})")
    yield from explicit_targets(measured)
    for base in ("dma-lazy", "dma-strict"):
        yield against(measured, "allocator", base, ["4K"], 1.0, f"allocator 4K pair / {base}")
        yield against(measured, "allocator", base, shared, 1.0, f"allocator, every shape / {base}")
    for method in V3_METHODS:
        yield flat(measured, method)
    yield general_target(measured)
    yield from memory_targets(measured)
    yield from section_targets(measured)
    yield pasid_free(measured)
    yield shadow_flat(measured)
    yield shadow_blocks(measured)


def shadow_flat(measured):
    """A flush of listed pages does not follow the size of the table."""
    keys = [key for key in measured.call_keys("shadow") if key[0] != "all"]
    lives = sorted({live for _, _, live in keys})
    value = worst(measured.call_growth("shadow", what, op, lives[0], live) for what, op, live in keys)
    reach = f"from {power(lives[0])} to {power(lives[-1])} mapped pages" if lives else "whatever is mapped"
    return f"FlushDomainByVaList: flat {reach}", value if len(lives) > 1 else None, FLAT_LIMIT


def shadow_blocks(measured):
    """Neighbouring large entries that are removed share an invalidation."""
    pairs = [pair_of(measured, "shadow", *key) for key in measured.call_keys("shadow")
             if key[:2] == ("16x2M", "removed")]
    value = worst(measured.call_ratio(ours, theirs) for ours, theirs in pairs)
    return "FlushDomainByVaList: 16 large entries removed / raw", value, BLOCKS_LIMIT


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
            verdict = "reached" if value <= limit else "NOT REACHED"
            shown = f"{value:.3f}" if value < 1000 else f"{value:,.0f}"
        all_reached &= verdict == "reached"
        most = f"{limit:.3f}".rstrip("0").rstrip(".") if limit < 1000 else f"{limit:,}"
        print(f"{verdict:<13}{shown:>9} (at most {most:<6}) {text}")
    return all_reached


def show(measured, name):
    """Print everything about @measured; True when all targets are reached."""
    print(f"\nv3bench {name}")
    print_clock(measured)
    if measured.costs:
        print_costs(measured)
        print_general(measured)
        print_memory(measured)
        print_opening(measured)
    print_lonely(measured)
    print_left(measured)
    print_sim(measured)
    print_studies(measured)
    return print_targets(measured)
