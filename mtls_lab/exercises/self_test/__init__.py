"""The self-test: twelve things that people believe about TLS, each put to a handshake, before the course and after."""

from mtls_lab.exercises.self_test.change import what_changed
from mtls_lab.exercises.self_test.question import LETTERS, Finding, Option, Question
from mtls_lab.exercises.self_test.run import SelfTest, self_test

__all__ = ["LETTERS", "Finding", "Option", "Question", "SelfTest", "self_test", "what_changed"]
