"""Give tests the paths they share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# On people's machines the examples of property tests are random, so that they find what
# nobody thought of; a check before landing must come out the same twice.
settings.register_profile("random", settings())
# Where every change is checked: always the same examples, and fewer of them.
settings.register_profile("repeatable", derandomize=True, max_examples=40)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "random"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real test data beside the checkout; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real test data is not beside this checkout (expected ../shared/data)")
    return folder
