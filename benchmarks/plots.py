"""The plots: SVG that reads on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from benchmarks.brokers import KINDS
from benchmarks.plan import SHARES_PERCENT, TRANSPORTS
from benchmarks.tables import Records, of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Lines and areas: bright and dark enough for both pages.
_COLOURS = ("#2f81f7", "#d97706", "#2da44e", "#a371f7")
_TEXT, _TEXT_ON_DARK, _GRID = "#424a53", "#c9d1d9", "#8c959f"
#: Part of each SVG; a browser that prefers dark takes the second colour, also for an image on a page.
_STYLE = f"<style>@media (prefers-color-scheme: dark) {{ text {{ fill: {_TEXT_ON_DARK} !important }} }}</style>"
_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "exporter",  # the same numbers give the same file
        "font.size": 10,
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "axes.titlecolor": _TEXT,
        "axes.titlesize": 10,
        "axes.edgecolor": _GRID,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": _GRID,
        "grid.alpha": 0.3,
        "xtick.color": _GRID,
        "ytick.color": _GRID,
        "xtick.labelcolor": _TEXT,
        "ytick.labelcolor": _TEXT,
        "legend.frameon": False,
        "savefig.transparent": True,
    }
)


def write_plots(folder: Path, records: Records) -> list[str]:
    """Write the plots whose numbers were measured; returns the names.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # The figure alone: no window system and no state of the module.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: Any = {**_SETTINGS}
    written = []
    for name, draw in PLOTS.items():
        with rc_context(settings):
            figure = Figure(figsize=(8, 3.4), layout="constrained")
            if draw(figure, records):
                _save(figure, folder / f"{name}.svg")
                written.append(name)
    return written


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.read_text(encoding="utf-8")
    text = text.replace("<defs>", f"{_STYLE}\n <defs>", 1)
    file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")


def _throughput(figure: Figure, records: Records) -> bool:
    found = {
        transport: {
            kind: each for kind in KINDS if (each := of(records, f"end to end {kind}", f"{transport}, throughput"))
        }
        for transport in TRANSPORTS
    }
    if not any(found.values()):
        return False
    rate, cost = figure.subplots(1, 2)
    for axes, key, title in (
        (rate, "deliveries a second", "Deliveries a second"),
        (cost, "deliveries a CPU second", "Deliveries a CPU second of the daemon"),
    ):
        _bars(axes, KINDS, {t: {kind: each[key] for kind, each in of_kind.items()} for t, of_kind in found.items()})
        axes.set_title(title)
        axes.yaxis.set_major_formatter(_thousands)
    _legend(figure, rate)
    return True


def _bars(axes: Axes, groups: tuple[str, ...], series: Mapping[str, Mapping[str, float]]) -> None:
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(groups))]
        axes.bar(places, [values.get(group, 0.0) for group in groups], width, label=name, color=_COLOURS[number])
    axes.set_xticks(range(len(groups)), groups)
    axes.grid(visible=False, axis="x")


def _latency(figure: Figure, records: Records) -> bool:
    quantiles = ("p50 ms", "p99 ms", "p99.9 ms")
    found = {
        kind: {
            f"{percent} %": each
            for percent in SHARES_PERCENT
            if (each := of(records, f"end to end {kind}", f"lean, {percent} %"))
        }
        for kind in KINDS
    }
    if not any(found.values()):
        return False
    loads = tuple(f"{percent} %" for percent in SHARES_PERCENT)
    for axes, quantile in zip(figure.subplots(1, 3, sharey=True), quantiles, strict=True):
        _bars(
            axes,
            loads,
            {kind: {load: each[quantile] for load, each in of_kind.items()} for kind, of_kind in found.items()},
        )
        axes.set_title(f"{quantile.removesuffix(' ms')}, milliseconds")
        axes.set_xlabel("of the highest rate")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _legend(figure, figure.axes[0])
    return True


def _ramp(figure: Figure, records: Records) -> bool:
    found: Mapping[str, Any] = of(records, "ramp") or {}
    if not found:
        return False
    axes = figure.subplots()
    for colour, (milliseconds, each) in zip(_COLOURS, found.items(), strict=False):
        seconds = range(1, len(each["by second"]) + 1)
        axes.plot(seconds, each["by second"], label=f"{milliseconds} ms", color=colour, marker=".")
    allowed = max(each["allowed a second"] for each in found.values())
    axes.axhline(allowed, color=_GRID, linestyle="--", linewidth=1)
    axes.set_title("Deliveries in each second after the first request, to a receiver that takes …")
    axes.set_xlabel("seconds")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(_thousands)
    _legend(figure, axes)
    return True


def _destinations(figure: Figure, records: Records) -> bool:
    found: Mapping[str, Any] = of(records, "destinations") or {}
    if not found:
        return False
    counts = [int(count) for count in found]
    panels = (
        ("Idle: RSS, MB", "idle RSS MB"),
        ("Idle: CPU, % of a core", "idle CPU % of a core"),
        ("CPU an event that one wants, µs", "daemon CPU us an event that one wants"),
    )
    for axes, (title, key) in zip(figure.subplots(1, 3), panels, strict=True):
        axes.plot(counts, [found[str(count)][key] for count in counts], color=_COLOURS[0], marker="o")
        axes.set_title(title)
        axes.set_xlabel("destinations")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(_thousands)
    return True


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def _thousands(value: float, _: float | None) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"


#: By the name of the file; each function draws into a figure, and returns whether there was anything to draw.
PLOTS: Mapping[str, Callable[[Figure, Records], bool]] = MappingProxyType(
    {"throughput": _throughput, "latency": _latency, "ramp": _ramp, "destinations": _destinations}
)
