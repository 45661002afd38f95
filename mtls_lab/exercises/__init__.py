"""Predict, check, hint: exercises judged by doing the handshake; what you have done so far; a self-test."""

from mtls_lab.exercises.exercise import Exercise, check, find, hint
from mtls_lab.exercises.learner import seed
from mtls_lab.exercises.outcome import Outcome
from mtls_lab.exercises.predict import predict
from mtls_lab.exercises.progress import progress, reset
from mtls_lab.exercises.self_test import self_test, what_changed

__all__ = [
    "Exercise",
    "Outcome",
    "check",
    "find",
    "hint",
    "predict",
    "progress",
    "reset",
    "seed",
    "self_test",
    "what_changed",
]
