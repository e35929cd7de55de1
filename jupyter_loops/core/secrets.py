"""Which names hold secrets."""

from __future__ import annotations

import re
from itertools import pairwise

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # of aws_key, AWS_KEY, awsKey and aws-key
_SECRET = re.compile(
    r"secrets?|passw(or)?ds?|passphrases?|passcodes?|pwds?|pws?|pgpassword|credentials?|creds|api_?keys?|jwt|dsn"
)
_OFTEN = re.compile(
    r"token|auth|keys?|bearer|authorization|cookies?|pem|sas|sessionid"
)  # a word's, a dictionary's or a sort's is none
_OWNER = re.compile(  # whose key or token is a secret
    r"api|aws|azure|gcp|google|openai|anthropic|gemini|groq|mistral|cohere|xai|openrouter|deepseek|huggingface|hf"
    r"|github|gitlab|slack|stripe|twilio|sendgrid|databricks|wandb|langsmith|tavily|access|account|private|signing"
    r"|encryption|decryption|master|license|service|client|app|auth|ssh|pgp|gpg|rsa|admin|root|refresh|session|bearer|bot"
)
_SERVER = re.compile(r"database|db|postgres|postgresql|pg|mysql|mongo|mongodb|redis|amqp|connection|conn|webhook")
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w+/=.~-]{12,}")


def is_secret(name: str, value: str | bytes = "") -> bool:
    """Whether a name says that it holds a secret; where it only may, the value has to look like one."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(map(_SECRET.fullmatch, words)) or any(_is_pair(*pair) for pair in pairwise(words)):
        return True
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return any(map(_OFTEN.fullmatch, words)) and _RANDOM.fullmatch(text) is not None


def _is_pair(first: str, second: str) -> bool:
    if second in {"key", "keys", "token"}:
        return _OWNER.fullmatch(first) is not None
    if second in {"cookie", "cookies"}:
        return _OWNER.fullmatch(first) is not None
    return second in {"url", "uri", "string", "str"} and _SERVER.fullmatch(first) is not None
