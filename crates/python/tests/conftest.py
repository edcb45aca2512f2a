"""What the tests share."""

import numpy as np
import pytest

import phaseloom as pl


@pytest.fixture
def weights():
    return np.random.default_rng(0).normal(size=(10, 20))


@pytest.fixture
def process():
    return pl.Process(splitter_error={"sigma_rad": 0.02}, phase_error={"sigma_rad": 0.05})
