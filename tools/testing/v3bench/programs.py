# SPDX-License-Identifier: GPL-2.0
"""What mapping costs programs: the rows of `run --user`, their table and their targets."""

import csv

import results

USER = ("method", "shape", "live", "units", "runs", "samples", "map_median", "unmap_median",
        "pair_min", "pair_median", "pair_mean", "pair_max")
PEERS = ("iommufd", "type1")
OURS = ("v3", "v3-explicit")
# Those that keep the memory of the same shape pinned, or map several at once.
VARIANTS = ("registered", "batch", "registered-batch")

# What the worse of OURS may cost beside each of PEERS.
LIMITS = {
    "4K": (0.35, 0.65),
    "64K-huge": (0.5, 0.5),
    "64K-runs": (0.75, None),
    "2M-runs": (0.88, 0.4),
    "2M-huge": (1 / 12, 1 / 8),
    "32M-huge": (1 / 14, 1 / 11),
    "2M-memfd": (0.5, None),
    "2M-hugetlb": (0.5, None),
    "32M-hugetlb": (0.5, None),
}
# 2M-runs: what it is to come to in the end.
AIMS = {("2M-runs", "iommufd"): 0.85}
ANONYMOUS = ("32M-hugetlb", "32M-huge", 1 / 50)
BATCH_LIMIT = 0.5
MEMORY_LIMIT = 80
FLAT_FROM = 1000
FLAT_LIMIT = 1.05
EVENT_OPS = {"readable": "until the descriptor is readable", "read": "reading it",
             "answer": "from the answer until the device goes on", "all": "all of it"}
# The raw core's shape with as many runs, and how often that is needed.
FLOORS = {"4K": ("4K", 1), "64K-huge": ("64K", 1), "2M-huge": ("2M", 1), "32M-huge": ("2M", 16),
          "2M-hugetlb": ("2M", 1), "32M-hugetlb": ("2M", 16),
          "64K-runs": ("64x4K", 1 / 4), "2M-runs": ("64x4K", 8), "2M-memfd": ("64x4K", 8)}


def convert(kind, row):
    return {"kind": kind, **{name: value if name in results.TEXT else int(value) for name, value in row.items()}}


def collect(line, rows):
    """Add the row in @line to @rows; False when there is none."""
    _, mark, text = line.rstrip("\r\n").partition(results.MARK + "\t")
    if not mark:
        return False
    job, kind, *values = text.split("\t")
    if job == "user":
        names = {"clock": results.CLOCK, "user": USER, "memory": results.MEMORY, "call": results.CALL}[kind]
        rows.append(convert(kind, dict(zip(names, values, strict=True))))
    elif kind == "cost":
        rows.append(convert("floor", dict(zip(results.COST, [job] + values[1:], strict=True))))
    return True


class Programs:
    """Rows with the questions that the table and the plot ask."""

    KINDS = {"user": USER, "floor": results.COST, "memory": results.MEMORY, "call": results.CALL}

    def __init__(self, rows):
        self.rows = {kind: [row for row in rows if row["kind"] == kind] for kind in (*self.KINDS, "clock")}
        self.index = {(row["method"], row["shape"], row["live"]): row for row in self.rows["user"]}
        self.calls = {(row["what"], row["op"], row["side"]): row for row in self.rows["call"]}

    @classmethod
    def files(cls, name):
        return {kind: f"user-{kind}-{name}.csv" for kind in cls.KINDS}

    def save(self, directory, name):
        directory.mkdir(parents=True, exist_ok=True)
        for kind, file in self.files(name).items():
            results.save_kind(directory / file, self.KINDS[kind], self.rows[kind])

    @classmethod
    def load(cls, directory, name):
        rows = []
        for kind, file in cls.files(name).items():
            with open(directory / file, newline="", encoding="ascii") as opened:
                rows += [convert(kind, row) for row in csv.DictReader(opened)]
        return cls(rows)

    def shapes(self):
        return results.in_order(row["shape"] for row in self.rows["user"])

    def levels(self, method):
        return sorted(row["live"] for row in self.rows["user"] if row["method"] == method and row["shape"] == "4K")

    def cost(self, method, shape, live=1):
        """Instructions for each pair, or None."""
        row = self.index.get((method, shape, live))
        return None if row is None else row["pair_median"] / row["units"]

    def ratio(self, method, shape, base, base_shape=None):
        ours, theirs = self.cost(method, shape), self.cost(base, base_shape or shape)
        return None if ours is None or theirs is None else ours / theirs

    def floor(self, shape):
        """What the raw core takes for as many runs, or None."""
        base, times = FLOORS[shape]
        for row in self.rows["floor"]:
            if row["shape"] == base and row["live"] == 1:
                return row["pair_median"] * times
        return None

    def call(self, what, op, side):
        row = self.calls.get((what, op, side))
        return None if row is None else row["median"]

    def memory(self, method):
        """Bytes beyond the IOMMU's tables for each mapping of the largest step, or None."""
        steps = [row for row in self.rows["memory"] if row["method"] == method]
        step = max(steps, key=lambda row: row["added"], default=None)
        return None if step is None else (step["total_bytes"] - step["table_bytes"]) / step["added"]


def worst(values):
    """None if one is missing, because it might be the worst."""
    known = list(values)
    return None if None in known else max(known, default=None)


def show_number(value):
    return "-" if value is None else f"{value:,.0f}"


def show_ratio(value):
    return "-" if value is None else f"{value:.3f}" if value >= 0.2 else f"1/{1 / value:.1f}"


def print_line(name, cells, width=13):
    print(f"{name:<16}" + "".join(f"{cell:>{width}}" for cell in cells))


def print_costs(programs):
    print("Instructions (median) per pair of calls that map and unmap memory that is there already. registered: the same"
          "\nof memory that is pinned already; pin: registering it and ending that. core: what the raw IOMMU core takes for"
          "\nas many runs by itself")
    print_line("memory", ["runs", *PEERS, *OURS, *(f"/ {peer}" for peer in PEERS), "registered", "pin", "core"])
    for shape in [shape for shape in programs.shapes() if ("v3", shape, 1) in programs.index]:
        cells = [str(programs.index["v3", shape, 1]["runs"])]
        cells += [show_number(programs.cost(method, shape)) for method in (*PEERS, *OURS)]
        cells += [show_ratio(worst(programs.ratio(method, shape, peer) for method in OURS)) for peer in PEERS]
        cells += [show_number(programs.cost("v3-registered", shape)),
                  show_number(programs.call(shape, "register + end", "v3")), show_number(programs.floor(shape))]
        print_line(shape, cells)


def print_halves(programs):
    print("\nThe same, map and unmap")
    print_line("memory", (*PEERS, *OURS, "v3-registered"), 20)
    for shape in [shape for shape in programs.shapes() if ("v3", shape, 1) in programs.index]:
        rows = [programs.index.get((method, shape, 1)) for method in (*PEERS, *OURS, "v3-registered")]
        print_line(shape, [f"{row['map_median']:,} + {row['unmap_median']:,}" if row else "-" for row in rows], 20)


def print_batches(programs):
    print("\nThe same for each of several that are mapped by one call, and unmapped by one")
    print_line("memory", ["together", "alone", *VARIANTS, "core"], 18)
    for shape in programs.shapes():
        row = programs.index.get(("v3-batch", shape, 1))
        if row:
            cells = [show_number(programs.cost(method, shape)) for method in
                     ("v3", *(f"v3-{variant}" for variant in VARIANTS))]
            print_line(shape, [str(row["units"]), *cells, show_number(programs.floor(shape))], 18)
    print(f"A call that does nothing takes {show_number(programs.call('no command', 'call', 'v3'))}")


def print_live(programs):
    print("\nInstructions per 4K pair by mappings that stay meanwhile, and bytes for each of those beyond the IOMMU's tables")
    levels = programs.levels("v3")
    print_line("", [*(f"{level:,}" for level in levels), "bytes"])
    for method in (*PEERS, *OURS):
        memory = programs.memory(method)
        print_line(method, [*(show_number(programs.cost(method, "4K", level)) for level in levels),
                            "-" if memory is None else f"{memory:.1f}"])


def print_events(programs):
    print("\nInstructions from a refused DMA, or a page request, of a device of iommusim to the program")
    print_line("", ["v3", "iommufd"])
    for what, op in dict.fromkeys((row["what"], row["op"]) for row in programs.rows["call"]):
        if op in EVENT_OPS:
            print(f"{what + ', ' + EVENT_OPS[op]:<56}" + "".join(
                f"{show_number(programs.call(what, op, side)):>13}" for side in ("v3", "iommufd")))


def cost_targets(programs):
    for shape, limits in LIMITS.items():
        for peer, limit in zip(PEERS, limits, strict=True):
            if limit is not None:
                aim = AIMS.get((shape, peer))
                yield (f"{shape} pair / {peer}" + (f" (aim: {aim})" if aim else ""),
                       worst(programs.ratio(method, shape, peer) for method in OURS), limit, ("v3", shape))
    shape, base, limit = ANONYMOUS
    for peer in PEERS:
        yield (f"{shape} pair by file / {peer}, {base}",
               worst(programs.ratio(method, shape, peer, base) for method in OURS), limit, ("v3", shape))
    yield ("4K pair, batch of registered ones / v3, cold and alone",
           worst(programs.ratio(f"{method}-registered-batch", "4K", method) for method in OURS), BATCH_LIMIT,
           ("v3-registered-batch", "4K"))


def live_targets(programs):
    for method in OURS:
        levels = programs.levels(method)
        if levels[-1:] and levels[-1] > FLAT_FROM:
            value = worst(programs.cost(method, "4K", level) / programs.cost(method, "4K", FLAT_FROM)
                          for level in levels if level > FLAT_FROM)
        else:
            value = None
        yield f"{method}: flat from {FLAT_FROM:,} to {max(levels, default=0):,} mappings", value, FLAT_LIMIT, None
        yield f"{method}: bytes for each mapping beyond the IOMMU's tables", programs.memory(method), MEMORY_LIMIT, None


def targets(programs):
    yield from cost_targets(programs)
    yield from live_targets(programs)


def show_parts(programs, method, shape):
    """What a pair is made of: below the first two parts nobody comes who maps by system calls."""
    row, core, call = programs.index[method, shape, 1], programs.floor(shape), programs.call("no command", "call", "v3")
    if core is None or call is None:
        return
    calls = 2 * call / row["units"]
    rest = programs.cost(method, shape) - core - calls
    pinning = "records" if "registered" in method else "pinning and records"
    print(f"{'':<13}{'':>9} of {programs.cost(method, shape):,.0f}: core {core:,.0f}, system calls {calls:,.0f}, "
          f"{pinning} {rest:,.0f}")


def print_targets(programs):
    print("\nTargets: the worse of both domains")
    all_reached = True
    for text, value, limit, pair in targets(programs):
        if value is None:
            verdict = "not measured"
        else:
            verdict = "reached" if value <= limit else "NOT REACHED"
        all_reached &= verdict == "reached"
        shown = "-" if value is None else f"{value:.3f}"
        print(f"{verdict:<13}{shown:>9} (at most {limit:<6.4g}) {text}")
        if pair and verdict == "NOT REACHED":
            show_parts(programs, *pair)
    return all_reached


def show(programs, name):
    """Print everything about @programs; True when all targets are reached."""
    print(f"\nv3bench --user {name}")
    for clock in programs.rows["clock"]:
        exact = clock["ticks"] == clock["instructions"]
        print(f"clock: {clock['ticks']:,} ticks for {clock['instructions']:,} instructions"
              f"{'' if exact else ': NOT a count of instructions'}; reading it takes {clock['read_cost']} (subtracted)")
    for part in (print_costs, print_halves, print_batches, print_live, print_events):
        part(programs)
    return print_targets(programs)
