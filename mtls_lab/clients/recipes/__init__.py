"""Recipes: how each program speaks mutual TLS, as a person would save and type it; what is shown is what is run.

`RECIPES` are the client programs, `POLICIES` the servers: one policy (who calls must show a certificate of one
authority), in the words of each.
"""

from mtls_lab.clients.recipes.clients import RECIPES
from mtls_lab.clients.recipes.policy import Policy
from mtls_lab.clients.recipes.recipe import FORMS, PASSWORD, Form, Paste, Recipe
from mtls_lab.clients.recipes.running import Run, run
from mtls_lab.clients.recipes.servers import POLICIES
from mtls_lab.clients.recipes.trial import CALLERS, Reception, receive

__all__ = [
    "CALLERS",
    "FORMS",
    "PASSWORD",
    "POLICIES",
    "RECIPES",
    "Form",
    "Paste",
    "Policy",
    "Reception",
    "Recipe",
    "Run",
    "receive",
    "run",
]
