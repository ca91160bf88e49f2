"""Makes plain asserts in the contract suite explain themselves."""

import pytest

pytest.register_assert_rewrite("contract")
