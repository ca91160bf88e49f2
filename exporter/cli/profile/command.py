"""``exporter profile``: shows, deletes and unlinks profiles, and writes them to a file or reads them from one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.letters import refuse_unattended
from exporter.cli.shared.look.help import Commands

profile = Commands(help="Look at profiles, delete them, carry them elsewhere.", no_args_is_help=True)

Namespace = Annotated[
    str, typer.Argument(metavar="NAMESPACE", help="Name the namespace of an identity, such as email.")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="Name the identity's id.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")]


@profile.command("show")
def show(namespace: Namespace, id_: Id, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show the profile of an identity, which is personal data.

    Exits with 1 where there is none.
    Works while `exporter serve` runs, and without. What stands in the intake and is not applied yet is not in it.
    """
    from exporter.cli.profile.reading import shown

    typer.echo(shown(load_or_exit(config).settings, namespace, id_, as_json=as_json))


@profile.command("delete")
def delete(
    namespace: Namespace,
    id_: Id,
    config: ConfigOption = DEFAULT_CONFIG,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete the profile of an identity, with its bad records.

    The deletion stands in the intake when the command returns, and `exporter serve` applies it in its turn: after what
    was taken before. It tells that the profile left its segments, unless profiles.delete_tells is none.
    """
    from exporter.cli.profile.wishes import wish
    from exporter.source.collection.wish import WishKind

    refuse_unattended(yes=yes)
    settings = load_or_exit(config).settings
    if not yes and not typer.confirm("Delete the profile of this identity for good?", err=True):
        raise typer.Exit(1)
    wish(settings, WishKind.DELETE, namespace, id_, as_json=as_json)


@profile.command("unlink")
def unlink(namespace: Namespace, id_: Id, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Make an identity a profile of its own.

    It keeps what was said of it; a later record may link it again.
    The wish stands in the intake when the command returns, and `exporter serve` applies it in its turn.
    """
    from exporter.cli.profile.wishes import wish
    from exporter.source.collection.wish import WishKind

    wish(load_or_exit(config).settings, WishKind.UNLINK, namespace, id_, as_json=as_json)


@profile.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Name the file to write; - stands for stdout.")] = Path(
        "-"
    ),
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE, if it is there.")] = False,
) -> None:
    """Write all profiles as JSON lines.

    They have all that `import` needs to go on with them.
    They are personal data: only you may read the file, which is there once all is written. Works while `exporter serve`
    runs: each profile is then as it was at some time of the export.
    """
    from exporter.cli.profile.carrying import export_profiles

    export_profiles(load_or_exit(config).settings, file, force=force)


@profile.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Name a file of `export`; - stands for stdin.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Store exported profiles.

    Nothing is told of them, and what is there stays as it is. Works while `exporter serve` runs, and without.
    Destinations hear of a stored profile with its next change; `exporter backfill DESTINATION` tells one of the
    members of its segments at once, with --all of every profile.

    A profile one of whose identities is there already is left out. A line that is no profile ends the command with 1;
    what stood well before that line may be stored, and a second import leaves it out.
    """
    from exporter.cli.profile.carrying import import_profiles

    import_profiles(load_or_exit(config).settings, file, as_json=as_json)
