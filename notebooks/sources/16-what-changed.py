# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What did you believe before?
#
# By the end you can
#
# - say what you believe about TLS before the course, and find out what of it holds;
# - put a belief to a handshake, and let the handshake judge it;
# - see what the course changed, and which notebook is worth another look.
#
# **Minutes:** 20: ten before the course, ten after it. **Before this:** nothing for the first half; the rest of the course for
# the second.

# %% [markdown]
# ## Twelve beliefs
#
# Each of these questions has an answer that many people would give, and that does not hold. Guess where you do not know.
# Nothing is sent anywhere: your answers are kept in a small file beside this notebook, `mtls-lab-progress.json`.

# %%
from mtls_lab.exercises import progress, reset, self_test, what_changed
from mtls_lab.views.question_panel import QuestionPanel

before = self_test("before")
before

# %% [markdown]
# Before the course you are told nothing until all twelve are answered: what one question explains would answer the next.
# Choose with the mouse, or with Tab and Space; then press Answer. Until the last one you can change your mind.

# %%
QuestionPanel(before)

# %% [markdown]
# Where no panel shows, the same goes by hand: the number of the question, and a letter.

# %% tags=["exercise"]
before.answer(1, ...)

# %% tags=["solution"]
before.answer(1, "a")

# %% [markdown]
# Or all at once: one letter for each question in place of the dots.

# %% tags=["exercise"]
for number, letter in enumerate("............", 1):
    before.answer(number, letter)
before.result

# %% tags=["solution"]
for number, letter in enumerate("abaaaabaabac", 1):
    before.answer(number, letter)
before.result

# %% [markdown]
# ## Who says so?
#
# Nowhere is it written which option is the right one. Each option says what would have to be seen if it held, and a
# handshake is made to see. Here is what the options of question 9 expect:

# %%
ninth = before.questions[8]
print(ninth.text)
for option in ninth.options:
    print("-", option.expects)

# %% [markdown]
# And here is what a real handshake finds, one with an impostor and one with a client that the server does not know. Notebook 06
# is about this one.

# %% tags=["lesson-only"]
print("Ask the handshake with ninth.experiment(), once you have answered.")

# %% tags=["solved-only"]
finding = ninth.experiment()
print(finding.found)
print(finding.seen)

# %% [markdown]
# ## After the course
#
# Stop here, and come back after the last notebook. The questions are the same. This time each answer is judged at once.

# %%
after = self_test("after")
QuestionPanel(after)

# %% [markdown]
# By hand:

# %% tags=["exercise"]
after.answer(1, ...)

# %% tags=["solution"]
after.answer(1, "c")

# %% tags=["exercise"]
for number, letter in enumerate("............", 1):
    after.answer(number, letter)
after.result

# %% tags=["solution"]
for number, letter in enumerate("caccbbacccbc", 1):
    after.answer(number, letter)
after.result

# %% [markdown]
# ## What changed
#
# Side by side: what held before, and what holds now. Below the table stands which notebooks are worth another look.

# %%
what_changed()

# %% [markdown]
# ## How far you are
#
# Every exercise of the course, and what to do next. An exercise that is right has three points. The first hint is free, and each
# further one that you took before costs a point. What you have earned stays, whatever you answer later.

# %%
progress()

# %% [markdown]
# To begin again, tell it so. Without `confirm=True` nothing is lost; it says what would be.

# %%
reset("self-test-after")

# %% [markdown]
# ## What you can do now
#
# - You said what you believed, and found out what of it holds.
# - You put a belief to a handshake, and the handshake judged it.
# - You saw what the course changed, and which notebook is worth another look.
#
# Next: notebook 00 if you have just begun; else your own servers, with what you know now.
