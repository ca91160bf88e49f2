"""What test files here share: a broker for each file, and asserts in shared modules that explain themselves."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("broker_contract", "fault_table", "isolation", "judging", "kill_loop")

from brokers import Broker, running  # noqa: E402 - modules that they import are to be rewritten too


@pytest.fixture(scope="module")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The server of the kind that a test file names as ``KIND``, started once for the file."""
    with running(request.module.KIND, tmp_path_factory.mktemp("broker")) as broker:
        yield broker
