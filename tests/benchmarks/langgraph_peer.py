"""The same round of work in LangGraph: plan → execute → verify with a durable (sync) SQLite saver.

Runs in LangGraph's own environment (.bench/langgraph). Prints seconds of each round as JSON.
Usage: langgraph_peer.py ROUNDS [transcript]   (transcript: the answers are kept in the state, as chats do)
"""

import itertools
import json
import operator
import shutil
import sqlite3
import sys
import tempfile
import time
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

ROUNDS = int(sys.argv[1])
TRANSCRIPT = "transcript" in sys.argv
PROMPT, ANSWER = "p" * 2048, "a" * 2048


class State(TypedDict, total=False):
    number: int
    prompt: str
    answer: str
    output: str
    passed: bool
    transcript: Annotated[list, operator.add]


stamps = []


def plan(state):
    stamps.append(time.perf_counter())
    made = {"prompt": PROMPT + str(state["number"]), "answer": ANSWER + str(state["number"])}
    return made | ({"transcript": [(made["prompt"], made["answer"])]} if TRANSCRIPT else {})


def execute(state):
    return {"output": state["answer"][:200]}


def verify(state):
    return {"passed": False, "number": state["number"] + 1}


graph = StateGraph(State)
for step in (plan, execute, verify):
    graph.add_node(step.__name__, step)
graph.add_edge(START, "plan")
graph.add_edge("plan", "execute")
graph.add_edge("execute", "verify")
graph.add_conditional_edges("verify", lambda state: "plan" if state["number"] < ROUNDS else END)

folder = tempfile.mkdtemp()
saver = SqliteSaver(sqlite3.connect(f"{folder}/checkpoints.sqlite", check_same_thread=False))
saver.setup()
graph.compile(checkpointer=saver).invoke(
    {"number": 0}, {"configurable": {"thread_id": "1"}, "recursion_limit": 10 * ROUNDS}, durability="sync"
)
stamps.append(time.perf_counter())
shutil.rmtree(folder)
print(json.dumps([later - earlier for earlier, later in itertools.pairwise(stamps)]))
