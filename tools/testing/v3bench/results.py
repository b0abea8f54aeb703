# SPDX-License-Identifier: GPL-2.0
"""The rows of a run: read from the guest, saved as CSV, and looked up."""

import csv

MARK = "@v3bench"
COST = ("method", "shape", "live", "samples", "map_mean", "unmap_mean",
        "pair_min", "pair_median", "pair_mean", "pair_max")
MEMORY = ("method", "what", "live", "added", "total_bytes", "table_bytes", "slab_bytes", "instructions")
CALL = ("study", "what", "op", "side", "live", "units", "samples", "min", "median", "mean", "max")
CLOCK = ("what", "instructions", "ticks", "read_cost")
TEXT = ("method", "shape", "what", "study", "op", "side")

# Studies of calls that may sleep.
SLEEPING = ("pasid", "guard", "section")

# Methods on iommusim have a table of their own.
SIM = "sim-"

# So have those that take the general path, with what each is compared with.
GENERAL = {"bounded": "raw", "both-raw": None, "both-explicit": "both-raw"}

# Jobs whose memory rows name their methods themselves.
SPREAD = ("lonely",)


def make_row(kind, names, values):
    row = {name: value if name in TEXT else int(value) for name, value in zip(names, values, strict=True)}
    return {"kind": kind, **row}


def collect(line, rows):
    """Add the row in @line to @rows; False when there is none."""
    _, mark, text = line.rstrip("\r\n").partition(MARK + "\t")
    if not mark:
        return False
    job, kind, *values = text.split("\t")
    if kind == "clock":
        rows.append(make_row(kind, CLOCK, values))
    elif kind == "cost":
        rows.append(make_row("sim" if job.startswith(SIM) else kind, COST, [job] + values[1:]))
    elif kind == "call":
        rows.append(make_row(kind, CALL, values))
    elif not job.startswith(SIM):
        rows.append(make_row(kind, MEMORY, values if job in SPREAD else [job] + values[1:]))
    return True


def cost_file(name):
    return f"cost-{name}.csv"


def memory_file(name):
    return f"memory-{name}.csv"


def sim_file(name):
    return f"pasid-{name}.csv"


def calls_file(name):
    return f"calls-{name}.csv"


def files(name):
    return [cost_file(name), memory_file(name), sim_file(name), calls_file(name)]


def save_kind(path, names, rows):
    with open(path, "w", newline="", encoding="ascii") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def save(measured, directory, name):
    directory.mkdir(parents=True, exist_ok=True)
    save_kind(directory / cost_file(name), COST, measured.costs)
    save_kind(directory / memory_file(name), MEMORY, measured.memory)
    save_kind(directory / sim_file(name), COST, measured.sim)
    save_kind(directory / calls_file(name), CALL, measured.calls)


def load_kind(path, kind, names):
    with open(path, newline="", encoding="ascii") as file:
        return [make_row(kind, names, [row[name] for name in names]) for row in csv.DictReader(file)]


def load(directory, name):
    return Results(load_kind(directory / cost_file(name), "cost", COST) +
                   load_kind(directory / memory_file(name), "memory", MEMORY) +
                   load_kind(directory / sim_file(name), "sim", COST) +
                   load_kind(directory / calls_file(name), "call", CALL))


def in_order(values):
    return list(dict.fromkeys(values))


class Results:
    """Rows with the questions that the table and the plots ask."""

    def __init__(self, rows):
        self.costs = [row for row in rows if row["kind"] == "cost"]
        self.memory = [row for row in rows if row["kind"] == "memory"]
        self.clocks = [row for row in rows if row["kind"] == "clock"]
        self.sim = [row for row in rows if row["kind"] == "sim"]
        self.calls = [row for row in rows if row["kind"] == "call"]
        self.index = {(row["method"], row["shape"], row["live"]): row for row in self.costs + self.sim}
        self.call_index = {tuple(row[key] for key in CALL[:5]): row for row in self.calls}

    def methods(self):
        return in_order(row["method"] for row in self.costs if row["method"] not in GENERAL)

    def shapes(self):
        return in_order(row["shape"] for row in self.costs)

    def levels(self):
        return sorted({row["live"] for row in self.costs})

    def cost(self, method, shape, live):
        """The row; the raw core and the DMA API know no MDL, so theirs is that of the same pages."""
        row = self.index.get((method, shape, live))
        if row is None and shape.endswith("-mdl"):
            row = self.index.get((method, shape.removesuffix("-mdl"), live))
        return row

    def ratio(self, method, base, shape, live):
        """The worse of mean and median, so that neither rare dear calls nor common ones hide."""
        ours, theirs = self.cost(method, shape, live), self.cost(base, shape, live)
        if ours is None or theirs is None:
            return None
        return max(ours[key] / theirs[key] for key in ("pair_mean", "pair_median"))

    def growth(self, method, shape, first, last):
        """Cost with @last live ranges over that with @first."""
        start, end = self.cost(method, shape, first), self.cost(method, shape, last)
        if start is None or end is None:
            return None
        return max(end[key] / start[key] for key in ("pair_mean", "pair_median"))

    def call(self, study, what, op, side, live):
        return self.call_index.get((study, what, op, side, live))

    def call_keys(self, study):
        """What there is of @study, whichever side it was measured on."""
        return in_order((row["what"], row["op"], row["live"]) for row in self.calls if row["study"] == study)

    def call_ratio(self, row, base):
        """As ratio(), but of medians where interrupts were on: a mean would count them."""
        if row is None or base is None:
            return None
        keys = ("median",) if row["study"] in SLEEPING else ("mean", "median")
        return max(row[key] / base[key] for key in keys)

    def call_growth(self, study, what, op, first, last):
        return self.call_ratio(self.call(study, what, op, "v3", last), self.call(study, what, op, "v3", first))

    def memory_per_range(self, method):
        """Growth of the largest step, per range added, or None."""
        steps = [row for row in self.memory if row["method"] == method and row["what"] == "live"]
        step = max(steps, key=lambda row: row["added"], default=None)
        if step is None:
            return None
        return {key: step[key] / step["added"] for key in MEMORY[4:]}

    def memory_opening(self, method):
        return self.memory_row(method, "open")

    def memory_row(self, method, what):
        rows = [row for row in self.memory if row["method"] == method and row["what"] == what]
        return rows[0] if rows else None

    def memory_methods(self, what):
        return in_order(row["method"] for row in self.memory if row["what"] == what)

    def memory_beyond(self, method, what):
        """Bytes that @method takes more than raw does, or None."""
        ours, theirs = self.memory_row(method, what), self.memory_row("raw", what)
        return None if ours is None or theirs is None else ours["total_bytes"] - theirs["total_bytes"]

    def memory_beyond_share(self, method, what):
        """The same as a part of raw's page tables, or None."""
        beyond, theirs = self.memory_beyond(method, what), self.memory_row("raw", what)
        return None if beyond is None or theirs["table_bytes"] <= 0 else beyond / theirs["table_bytes"]

    def own_share(self, what, live):
        """Longest time with interrupts or preemption off that raw, or else the probe, does not have, or None."""
        ours = self.call("section", what, "either off", "v3", live)
        theirs = (self.call("section", what, "either off", "raw", live) or
                  self.call("section", "nothing", "either off", "v3", 1))
        return None if ours is None or theirs is None else max(0, ours["max"] - theirs["max"])
