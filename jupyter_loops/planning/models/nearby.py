"""Model servers that people run on this machine, found on their usual ports."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PORTS = {11434: "Ollama", 1234: "LM Studio", 8000: "vLLM", 8080: "llama.cpp"}
_HOST = "127.0.0.1"
_PATIENCE = 0.5  # seconds between two pieces
_DEADLINE = 2.0  # seconds for all of it
_MOST = 1_000_000  # bytes of an answer
_LONGEST = 200  # characters of a name


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server of this machine offers."""

    server: str
    model: str
    options: str  # of %%loop, to use it


def served(ports: Mapping[int, str] = PORTS) -> list[Served]:
    """What answers `/v1/models` on these ports of the loopback interface. What answers otherwise is left out."""
    with ThreadPoolExecutor(len(ports) or 1) as threads:
        model_names = threads.map(_models, ports)
    return [
        Served(server, name, _options(server, port, name))
        for (port, server), names in zip(ports.items(), model_names, strict=True)
        for name in names
    ]


def _models(port: int) -> list[str]:
    connection = http.client.HTTPConnection(_HOST, port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/v1/models")
        answer = json.loads(_body(connection.getresponse()))
        return [name for entry in answer["data"] if (name := _name(entry["id"]))]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return []
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse) -> bytes:
    """What arrives before the deadline: a server that drips would be read for days. Raises TimeoutError."""
    deadline, body = time.monotonic() + _DEADLINE, b""
    while piece := response.read1(_MOST - len(body)):
        body += piece
        if time.monotonic() > deadline:
            raise TimeoutError
    return body


def _name(value: object) -> str:
    """A name that can stand on the magic's line."""
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() and " " not in value
    return str(value) if fits else ""


def _options(server: str, port: int, name: str) -> str:
    if server == "Ollama":
        return f"--model ollama_chat/{name}"
    return f"--model hosted_vllm/{name} --api-base http://{_HOST}:{port}/v1"
