"""Every sentence of a round's prompt that is ours, in one place.

Nothing is formatted into a text of the user, the model or a tool: those stand behind these sentences as they are,
fenced or as items of a list.
"""

from __future__ import annotations

# What the answer is to look like.
CODE = (
    "You are an expert Python programmer. Answer with one ```python block that has the complete code, and nothing else."
)
DATA = "Answer with one JSON object and nothing else."
TEXT = "Answer with the text itself and nothing else."
AGAIN = "Answer again, with all of it and no part left out."

# Headings of parts that every round has.
SETUP = "This code runs before:"
NAMES = "These names exist already:"
JSON = "Answer with this JSON object:"
ROW = "This is the `row`:"
SCORES = "The better these numbers, the better the answer:"

# Headings of parts that come from earlier rounds.
GUIDANCE = "Notes of the person you work for:"
LESSONS = "Learnt in earlier runs:"
EPISODES = "Checks that failed in earlier runs:"
FUNCTIONS = "This function with the same signature passed the checks of another task, and not all of this one:"
REACHED = "Scores of the attempts so far: "
BETTER = "What made it better than the best before:"
WORSE = "What made it no better than the best:"
EDITS = (
    "Where little of an attempt above has to change, answer with edits of it instead of the whole code, each in this "
    "form. The lines after SEARCH are copied from the attempt, complete and with their indentation, and stand in it "
    "once.\n\n<<<<<<< SEARCH\nold lines\n=======\nnew lines\n>>>>>>> REPLACE"
)
MISFIT = "Your edits could not be applied, so copy the old lines exactly:"
WHOLE = "Your edits could not be applied again, so answer with the whole code:"
FAILED = "The last attempt failed:"
UNUSABLE = "Your last answer could not be used:"
GENERAL = (
    "All that you see passes, so the code is right for the examples only. Other inputs are tried too. Read every word "
    "of the task again and write code that is right for each of these:"
)
REJECTED = "These approaches failed:"
REJECTED_TOO = "These approaches failed too:"
CONDENSED = "Rounds before, in short:"
UNREADABLE = "(nothing that could be read)"
NOTES = "Note:"
HINTS = "Hints from the person you work for:"
