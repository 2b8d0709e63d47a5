"""One reader a kind of build: from the build's bytes to an `App`. Runs in the worker only."""

from gate.read.card import card
from gate.read.open import NotAnApp, open_app

__all__ = ["NotAnApp", "card", "open_app"]
