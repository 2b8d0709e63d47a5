"""What every test may ask for."""

import os

import pytest

# As in a worker: numpy's threads are of no use here, and tests fork.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew, then compare"
    )
