"""``exporter source``: what operators do with the way in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli.shared.config import load_or_exit
from exporter.cli.shared.look.help import Commands
from exporter.cli.source.deadletters import deadletters_of
from exporter.cli.source.forget import forget
from exporter.cli.source.preview import preview
from exporter.cli.source.reprocess import reprocess
from exporter.cli.source.send import send
from exporter.cli.source.status import status

if TYPE_CHECKING:
    from exporter.cli.source.way_in import WayIn


def _way_in(config: Path) -> WayIn:
    """What the commands need of the configuration in ``config``; exits with 78 where that is wrong."""
    from exporter.cli.source.addressing import flows_of
    from exporter.cli.source.lanes import lane_key_of
    from exporter.cli.source.way_in import WayIn
    from exporter.daemon.serving.parts import GROUP
    from exporter.source.collection.taken import TakenRecord, UnreadableRecord

    settings = load_or_exit(config).settings

    def body_of(message: bytes) -> bytes | None:
        try:
            return TakenRecord.from_bytes(message).body
        except UnreadableRecord:
            return None

    return WayIn(
        settings.state,
        settings.intake,
        (GROUP,),
        body_of,
        lane_key_of(settings.sources),
        [each.name for each in settings.sources],
        lambda: flows_of(settings),
    )


source = Commands(
    help="Look after the way in: its state, its records, bad records.",
    no_args_is_help=True,
)
source.command("status")(status)
source.command("preview")(preview)
source.command("send")(send)
source.command("reprocess")(reprocess)
source.command("forget")(forget)
source.add_typer(deadletters_of(_way_in), name="deadletters")
