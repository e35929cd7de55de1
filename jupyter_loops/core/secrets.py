"""Which names hold secrets."""

from __future__ import annotations

import re
from itertools import pairwise

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # of aws_key, AWS_KEY, awsKey and aws-key
_SECRET = re.compile(
    r"secrets?|passw(or)?ds?|passphrases?|passcodes?|pwds?|credentials?|creds|token|api_?keys?|auth|jwt|dsn"
)
_OWNER = re.compile(  # whose key is a secret; a dictionary's, a column's or a sort's is none
    r"api|aws|azure|gcp|google|openai|anthropic|gemini|groq|mistral|cohere|xai|openrouter|deepseek|huggingface|hf"
    r"|github|gitlab|slack|stripe|twilio|sendgrid|databricks|wandb|langsmith|tavily|access|account|private|signing"
    r"|encryption|decryption|master|license|service|client|app|auth|ssh|pgp|gpg|rsa|admin|root"
)
_SERVER = re.compile(r"database|db|postgres|postgresql|pg|mysql|mongo|mongodb|redis|amqp|connection|conn|webhook")


def is_secret(name: str) -> bool:
    """Whether a name says that it holds a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(map(_SECRET.fullmatch, words)) or any(_is_pair(*pair) for pair in pairwise(words))


def _is_pair(first: str, second: str) -> bool:
    if second in {"key", "keys"}:
        return _OWNER.fullmatch(first) is not None
    return second in {"url", "uri", "string"} and _SERVER.fullmatch(first) is not None
