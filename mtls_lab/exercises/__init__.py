"""Predict, check, hint: exercises judged by doing the handshake."""

from mtls_lab.exercises.exercise import Exercise, check, find, hint
from mtls_lab.exercises.outcome import Outcome
from mtls_lab.exercises.predict import predict

__all__ = ["Exercise", "Outcome", "check", "find", "hint", "predict"]
