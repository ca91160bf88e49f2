from typing import final

from exporter.profile.decision import Excluded
from exporter.profile.native.projector import Projected

@final
class Projector:
    def __new__(cls, plan: bytes, excluded: tuple[Excluded, ...], /) -> Projector: ...
    def project(self, body: bytes, /) -> Projected | Excluded | None: ...
