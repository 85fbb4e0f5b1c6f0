"""The statistics of `compare`: from the figures of single runs to ratios.

    statistics.py header
    statistics.py row CASES ROUNDS JSON CASE [--quick]

`row` reads the case's line in the table CASES and its figures in ROUNDS (case,
round, program, setting, figure, value, unit a line), appends its object to
JSON and prints its row of the table.

The ratio of a round is zanni's value over that of the best peer in the same
round (for times and bytes the quotient is the other way round): over 1 means
that zanni is better. The ratio of the case is the median of its rounds'; its
95 % interval is the bootstrap's: the medians of many resamples of the rounds,
with a fixed seed, without the outer 2.5 % at each end. The bar is met when the
interval reaches it and the median is no more than 3 % below it.

A peer with a bar of its own has a ratio of its own, in a row beneath.
"""

import collections
import json
import os
import random
import sys

RESAMPLES = 10000
SEED = 1
TOLERANCE = 0.97
PEERS = ("caf", "erlang", "zmq", "limit")
ROW = "{:<18}  {:>10} {:>10} {:>10} {:>10} {:>10} {:>17}  {:>6}  {:>14}  {:>5}  {}"

Case = collections.namedtuple("Case", "name better bar peers bars limit")


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def number(text):
    """A number, or a quotient of two."""
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def read_case(path, name):
    with open(path, encoding="utf-8") as file:
        words = next(line.split() for line in file if line.split()[:1] == [name])
    limits = [word[6:] for word in words[3:] if word.startswith("limit=")]
    against = [word.split(":") for word in words[3:] if not word.startswith("limit=")]
    peers = [word[0] for word in against if len(word) == 1]
    bars = {word[0]: number(word[1]) for word in against if len(word) == 2}
    return Case(name, words[1], number(words[2]), peers, bars, limits[0] if limits else None)


def read_rounds(path, name):
    """Returns {round: {program: {figure: value}}}, {program: setting}, unit."""
    rounds = collections.defaultdict(lambda: collections.defaultdict(dict))
    settings, unit = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            case, round_, program, setting, figure, value, figure_unit = line.split()
            if case == name:
                rounds[int(round_)][program][figure] = float(value)
                settings[program] = setting
                if figure == name:
                    unit = figure_unit
    return rounds, settings, unit


def limit_of(case, figures):
    """The limit of a round: a number, or a factor times a figure of zanni's."""
    factor, _, figure = case.limit.partition("*")
    return float(factor) * (figures["zanni"][figure] if figure else 1)


def values_of(case, rounds):
    """Returns, for each round, {"zanni" or peer or "limit": value}."""
    result = []
    for _, figures in sorted(rounds.items()):
        values = {program: each[case.name] for program, each in figures.items()}
        if case.limit:
            values["limit"] = limit_of(case, figures)
        result.append(values)
    return result


def rivals_of(case):
    """What the case's own bar is about: the limit, or the best of the peers."""
    return ["limit"] if case.limit else case.peers


def round_ratio(case, values, rivals):
    """zanni against the best of the rivals; None where there is none of them."""
    rivals = [rival for rival in rivals if rival in values]
    if not rivals:
        return None
    if case.better == "higher":
        return values["zanni"] / max(values[rival] for rival in rivals)
    return min(values[rival] for rival in rivals) / values["zanni"]


def bootstrap(ratios):
    source = random.Random(SEED)
    medians = sorted(median(source.choices(ratios, k=len(ratios)))
                     for _ in range(RESAMPLES))
    return [medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1]]


def significant(value, digits=4):
    return None if value is None else float("%.*g" % (digits, value))


def shown(value, unit):
    if value is None:
        return "-"
    scale, prefix = 1, ""
    if unit == "/s":
        scale, prefix = next(((s, p) for s, p in ((1e6, "M"), (1e3, "k"))
                              if value >= s), (1, ""))
    if unit == "B" and value >= 1e6:
        scale, prefix = 1e6, "M"
    text = "%.3g" % (value / scale) if value / scale < 1000 else "%.0f" % (value / scale)
    return "%s %s%s" % (text, prefix, unit)


def verdict(bar, ratio, interval):
    if ratio is None:
        return "no peer"
    met = interval[1] >= bar and ratio >= TOLERANCE * bar
    return "met" if met else "not met"


def against(case, values, rivals):
    """The median of the rounds' ratios and its interval; None where no rival took part."""
    ratios = [ratio for ratio in (round_ratio(case, each, rivals) for each in values) if ratio]
    return (median(ratios), bootstrap(ratios)) if ratios else (None, [None, None])


def cells(bar, ratio, interval):
    """The last columns of a row."""
    if ratio is None:
        return "-", "-", "%.2f" % bar, verdict(bar, ratio, interval)
    return "%.2f" % ratio, "%.2f to %.2f" % tuple(interval), "%.2f" % bar, verdict(bar, ratio, interval)


def other(case, medians, unit):
    """The column of the peers that have none of their own."""
    return ", ".join("%s %s" % (peer, shown(medians[peer], unit))
                     for peer in case.peers if peer in medians and peer not in PEERS) or "-"


def settings_of(settings, rounds, quick):
    result = {"rounds": len(rounds), "quick": quick,
              "cpus": len(os.sched_getaffinity(0))}
    for program, setting in sorted(settings.items()):
        words = {"default": "defaults", "1": "1 scheduler"}
        result[program] = words.get(setting, setting + " schedulers")
    return result


def row(cases_path, rounds_path, json_path, name, quick):
    case = read_case(cases_path, name)
    rounds, settings, unit = read_rounds(rounds_path, name)
    values = values_of(case, rounds)
    programs = sorted({program for each in values for program in each})
    medians = {program: median([each[program] for each in values if program in each])
               for program in programs}
    zanni = medians.pop("zanni")
    ratio, interval = against(case, values, rivals_of(case))
    own = {peer: against(case, values, [peer]) for peer in case.bars}

    with open(json_path, "a", encoding="utf-8") as file:
        json.dump({"case": name, "unit": unit, "better": case.better,
                   "zanni": significant(zanni),
                   "peers": {peer: significant(value) for peer, value in medians.items()},
                   "ratio_best_peer": significant(ratio),
                   "interval": [significant(end) for end in interval],
                   "bars": {peer: {"bar": case.bars[peer], "ratio": significant(each[0]),
                                   "interval": [significant(end) for end in each[1]]}
                            for peer, each in own.items()},
                   "settings": settings_of(settings, rounds, quick)}, file)
        file.write("\n")

    print(ROW.format(name, shown(zanni, unit), *(shown(medians.get(peer), unit) for peer in PEERS),
                     other(case, medians, unit), *cells(case.bar, ratio, interval)), flush=True)
    for peer, each in own.items():
        text = "%s %s" % (peer, shown(medians.get(peer), unit))
        print(ROW.format("", "", *("" for _ in PEERS), text, *cells(case.bars[peer], *each)), flush=True)


def main(arguments):
    if arguments == ["header"]:
        print(ROW.format("case", "zanni", *PEERS, "other", "ratio", "95 % interval", "bar", ""))
        return 0
    if len(arguments) in (5, 6) and arguments[0] == "row":
        row(*arguments[1:5], quick=arguments[5:] == ["--quick"])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
