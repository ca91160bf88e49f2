"""Asserts of the contract explain themselves."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("contract_of_profiles", "contract_of_runs")
