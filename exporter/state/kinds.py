"""The kinds of store that keep dead letters and mapping times: one line for each."""

from __future__ import annotations

from exporter.state.sqlite import SqliteSettings

#: What ``state:`` in the configuration may be. A second kind makes this
#: ``Annotated[SqliteSettings | ..., Field(discriminator="kind")]``; pydantic wants no discriminator for one.
StateSettings = SqliteSettings
