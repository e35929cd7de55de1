"""Model servers that people run on this machine, found on their usual ports."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PORTS = {11434: "Ollama", 1234: "LM Studio", 8000: "vLLM", 8080: "llama.cpp"}
_HOST = "127.0.0.1"
_PATIENCE = 0.5  # seconds
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
        answer = json.loads(connection.getresponse().read(_MOST))
        return [name for entry in answer["data"] if (name := _name(entry["id"]))]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return []
    finally:
        connection.close()


def _name(value: object) -> str:
    """A name that can stand on the magic's line."""
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() and " " not in value
    return str(value) if fits else ""


def _options(server: str, port: int, name: str) -> str:
    if server == "Ollama":
        return f"--model ollama_chat/{name}"
    return f"--model hosted_vllm/{name} --api-base http://{_HOST}:{port}/v1"
