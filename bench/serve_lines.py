"""The other end of `openLineProcess` in Python: answers each line of JSON with one, until `close` or the end of the input."""

import json
import os
import sys

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What libraries print must not come between the answers.


def answer(commands, line):
    """@returns the name of the command, and its answer as JSON"""
    name = None
    try:
        request = json.loads(line)
        name = request["command"]
        if name == "close":
            return name, "{}"
        if name not in commands:
            raise LookupError(f"there is no command {name!r}")
        return name, json.dumps(commands[name](request), allow_nan=False)
    except Exception as error:
        return name, json.dumps({"error": f"{type(error).__name__}: {error}"})


def serve(commands):
    for line in sys.stdin:
        name, text = answer(commands, line)
        print(text, file=answers, flush=True)
        if name == "close":
            break
