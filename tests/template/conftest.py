"""The template under test."""

import loaded
import pytest


@pytest.fixture
def template() -> dict:
    return loaded.TEMPLATE
