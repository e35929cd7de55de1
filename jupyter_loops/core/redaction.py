"""Takes secrets out of text, once, before anything is sent, kept or shown, and before it is clipped.

A secret is known by its own shape, by the name that it is assigned to, or as a value of the environment.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from functools import cache, lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from .secret_places import configured, placed
from .secrets import is_secret

MARK = "[redacted]"

# What a key begins with, and how it goes on. A new shape comes with a case in tests/core/test_redaction.py.
_SHAPES = (
    (("sk-", "gsk_", "xai-", "pplx-", "nvapi-", "csk-", "tvly-"), r"[A-Za-z0-9_*-]{16,}"),  # makers of models
    (("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_", "whsec_"), r"[A-Za-z0-9+/=]{10,}"),
    (("AKIA", "ASIA"), r"[A-Z0-9]{12,}"),  # AWS
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"[A-Za-z0-9_]{20,}"),
    (("glpat-", "gldt-", "glrt-", "glptt-"), r"[A-Za-z0-9_-]{16,}"),  # GitLab
    (("hf_", "r8_", "npm_", "figd_", "ntn_", "lin_api_"), r"[A-Za-z0-9_-]{20,}"),
    (("lsv2_pt_", "lsv2_sk_", "dckr_pat_", "dop_v1_", "doo_v1_", "glc_", "glsa_", "sntrys_"), r"[A-Za-z0-9_=-]{20,}"),
    (("pypi-",), r"[A-Za-z0-9_-]{16,}"),
    (("AIza",), r"[A-Za-z0-9_-]{20,}"),  # Google: API, access, refresh, client
    (("ya29.", "1//0", "GOCSPX-"), r"[A-Za-z0-9_.-]{20,}"),
    (("dapi",), r"[0-9a-f]{32}(?:-\d)?"),  # Databricks
    (("SG.",), r"[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}"),  # SendGrid
    (("SK", "key-"), r"[0-9a-f]{32}(?![0-9a-f])"),  # Twilio, Mailgun
    (("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), r"[A-Za-z0-9.-]{10,}"),  # Slack
    (("hooks.slack.com/services/", "hooks.slack.com/workflows/"), r"[A-Za-z0-9_/]{16,}"),
    (("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"), r"[0-9]{8,}/[A-Za-z0-9_-]{16,}"),
    (("shpat_", "shpca_", "shppa_", "shpss_"), r"[0-9a-fA-F]{20,}"),  # Shopify
    (("ATATT3", "ATCTT3"), r"[A-Za-z0-9_=-]{20,}"),  # Atlassian
    (("hvs.", "hvb."), r"[A-Za-z0-9_-]{20,}"),  # Vault
    (("tgp_v1_", "fw_", "sbp_", "phx_", "nfp_", "vcp_", "HRKU-"), r"[A-Za-z0-9_-]{20,}"),
    (("pscale_tkn_", "pscale_oauth_", "pscale_pw_"), r"[A-Za-z0-9_.=-]{20,}"),  # PlanetScale
    (("pat",), r"[A-Za-z0-9]{14}\.[0-9a-f]{40,}"),  # Airtable
    (("EAAA",), r"[A-Za-z0-9_-]{40,}"),  # Square
    ((":AA",), r"[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),  # Telegram
    (("AGE-SECRET-KEY-1",), r"[A-Z0-9]{20,}"),
    (("eyJ",), r"[A-Za-z0-9_-]{8,400}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}"),  # JSON web tokens
    (("earer ", "asic "), r"(?=.[A-Za-z0-9._~+/=-]{0,200}[A-Z0-9._=])[A-Za-z0-9._~+/=-]{12,}"),  # of a header
    (("oken ", "piKey "), r"(?=[^\s]{0,200}\d)[A-Za-z0-9._~+/=-]{16,}"),
    (("ookie: ",), r"[\w.-]{1,64}=[^\r\n]{8,4096}"),
    (("--password ", "--token ", "--secret ", "--api-key ", "--apikey "), r"(?=[^\s]{0,200}\d)[^\s\"'\[]{6,200}"),
    (('"token": "', "'token': '", '"auth": "', "'auth': '"), r"(?=[^\"']{0,200}\d)[A-Za-z0-9._~+/=-]{16,}"),
    (("ignature=",), r"[A-Za-z0-9%+/=_-]{20,}"),  # of a signed address
    (("?sig=", "&sig="), r"[A-Za-z0-9%+/=_-]{20,}"),  # Azure
    (("8Q~",), r"[A-Za-z0-9._~-]{30,}"),
    (("JQQJ99",), r"[A-Za-z0-9]{16,}"),
    (("-----BEGIN ",), r"[A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,20}PRIVATE KEY|\Z)"),
)
_KEEPS_PREFIX = frozenset(
    {
        *("earer ", "asic ", "oken ", "piKey ", "ookie: ", ":AA", "ignature=", "?sig=", "&sig="),
        *("hooks.slack.com/services/", "hooks.slack.com/workflows/"),
        *("--password ", "--token ", "--secret ", "--api-key ", "--apikey "),
        *('"token": "', "'token': '", '"auth": "', "'auth': '"),
    }
)
_BROKEN = r"(?:\r?\n(?=[A-Za-z0-9_-]{0,200}\d)[A-Za-z0-9_-]{8,200}(?=\r?\n|\Z))?"  # its rest, on a line of its own
_INSIDE = frozenset({"8Q~", "JQQJ99"})  # of a key, and not at its beginning
_RESTS = {begin: pattern for begins, pattern in _SHAPES for begin in begins}

_URL = re.compile(r"(://[^\s/:@'\"]{0,64}:)(?!\[redacted\])[^\s@/'\"{}]{1,128}(?=@)")
_USER = re.compile(r"(://)(?=[A-Za-z0-9_-]{0,128}\d)[A-Za-z0-9_-]{20,128}(?=@)")  # a key for a name
_KEY_END = re.compile(  # of one whose beginning was cut off
    r"(?:(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{16,}\s+){1,100}(?=-----END [A-Z ]{0,20}PRIVATE KEY)"
)
_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "key",
    "token",
    "bearer",
    "session_cookie",
    "auth_cookie",
)
_OWNERS = {  # before a key or a token: without, it may be a dictionary's or a sentence's
    "key": ("api", "access", "account", "private", "encryption", "signing", "secret", "license"),
    "token": ("access", "auth", "refresh", "session", "security", "bot", "api", "id"),
}
_VALUE = re.compile(  # behind such a name: in quotes, `name=value`, `name: value`, or long and mixed
    r"""(?:[_-]?(?:access[_-]?)?(?:key|token))?(?:[_-](?:pem|str|value))?(?:\\?["'])?\]?(?::\s?[\w.]{1,20}(?=\s{0,4}=))?
    (?:
        \s{0,4}[=:]\s{0,4}[bBrRuU]{0,2}\\?["'](?!\[redacted\]|(?:string|object|number|integer|boolean)\b)
            ([^\s"'\\{}<>]{6,200}+)(?=\\?["'])
      | (?<=["'])\s?,\s?[bBrRuU]{0,2}["'](?=[^"']{0,200}\d)([^\s"'\\{}<>]{6,200}+)(?=["'])
      | >([^\s<>]{6,200}+)(?=</)
      | %3[Dd]([^\s%&"']{6,200}+)
      | =(?![A-Za-z_.]++(?:[\s;&"'`\\]|$))([^\s"'`(){}\[\],;&<>|\\]{6,200}+)(?=[\s;&"'`\\]|$)
      | :\s{0,2}(?=[^\s"']{0,200}?\d)(?![A-Za-z_][\w.]*+(?:[\s;&"'`\\]|$))
            ([^\s"'`(){}\[\],;&<>|\\]{6,200}+)(?=[\s;&"'`\\]|$)
      | \s{0,4}[=:]\s{0,4}(?=\S{0,200}?\d)(?=\S{0,200}?[A-Z])(?=\S{0,200}?[a-z])([A-Za-z0-9/+=_~-]{20,200}+)
    )""",
    re.VERBOSE,
)
_ASSIGNS = ("=", ":", "</", "',", '",', "%3")  # one of them stands between a name and its value
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SHORTEST = 8  # characters; no secret is shorter
_FRESH = 1.0  # seconds
_ENDS = ("_KEY", "_TOKEN")  # of a variable of the environment
_LARGE = 100_000  # characters; not worth remembering


def redact(text: str, *extra_secrets: str | None) -> str:
    """The text with a mark in the place of every secret, and of the extra ones."""
    if len(text) < _SHORTEST:
        return text
    secrets = _environment()
    if extra_secrets:
        secrets = secrets.union(secret for secret in extra_secrets if secret and len(secret) >= _SHORTEST)
    return _redacted(text, secrets) if len(text) < _LARGE else _redacted.__wrapped__(text, secrets)


@lru_cache(maxsize=512)  # the prompt that is sent is kept as well, and most of it is that of the round before
def _redacted(text: str, secrets: frozenset[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MARK)
    for begin in _RESTS:
        if begin in text:
            text = _shape(begin).sub(begin + MARK if begin in _KEEPS_PREFIX else MARK, text)
    if "://" in text:
        text = _USER.sub(rf"\1{MARK}", _URL.sub(rf"\1{MARK}", text))
    if "PRIVATE KEY" in text:
        text = _KEY_END.sub(f"{MARK}\n", text)
    text = _marked(text, placed(text))
    return _without_named(text) if any(mark in text for mark in _ASSIGNS) else text


def _marked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with a mark in the place of each span."""
    parts, done = list[str](), 0
    for start, end in sorted(spans):
        if start >= done:
            parts += text[done:start], MARK
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def clean(value: Any) -> Any:
    """JSON with every text in it redacted, keys too; the same object where there was nothing to redact."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        cleaned = [(clean(key), clean(item)) for key, item in value.items()]
        same = all(new is key and item is old for (new, item), (key, old) in zip(cleaned, value.items(), strict=True))
        return value if same else dict(cleaned)
    if isinstance(value, list):
        changed = {n: new for n, item in enumerate(value) if (new := clean(item)) is not item}
        return [changed.get(n, item) for n, item in enumerate(value)] if changed else value
    return value


def _without_named(text: str) -> str:
    """The text without values behind a name that says that they are secret."""
    spans, done = list[tuple[int, int]](), 0
    for end in sorted(_name_ends(text)):
        match = _VALUE.match(text, end) if end >= done else None
        span = (
            match.span(match.lastindex) if match and match.lastindex else configured(text, end) if end >= done else None
        )
        if span:
            spans.append(span)
            done = span[1]
    return _marked(text, spans)


def _name_ends(text: str) -> Iterator[int]:
    lower = text.lower()
    lower = lower if len(lower) == len(text) else text.translate(_LOWER)  # some letters become two
    for word in _WORDS:
        at = lower.find(word)
        while at >= 0:
            if word not in _OWNERS or lower[max(at - 12, 0) : at].rstrip("_- ").endswith(_OWNERS[word]):
                yield at + len(word)
            at = lower.find(word, at + 1)


@cache
def _shape(begin: str) -> re.Pattern[str]:
    """A key that is no end of a longer word; in the repr of a text, a line's end before it looks like a letter."""
    literal = re.escape(begin)
    edge = rf"(?:(?<![A-Za-z0-9]{literal})|(?<=\\[nrt]{literal}))" if begin not in _KEEPS_PREFIX | _INSIDE else ""
    cut = r"|[A-Za-z0-9_+/=-]{8,200}(?:\.{3}|…)[A-Za-z0-9_+/=-]*" if begin.endswith(("-", "_", ".")) else ""
    broken = _BROKEN if cut else ""
    return re.compile(f"{literal}{edge}(?:{_RESTS[begin]}{broken}{cut})")


_environment_cache: tuple[float, frozenset[str]] = (-_FRESH, frozenset())


def _environment() -> frozenset[str]:
    """Secrets of the environment, looked up once a second."""
    global _environment_cache  # noqa: PLW0603  # a cache
    now = time.monotonic()
    if now - _environment_cache[0] >= _FRESH:
        named = (value for name, value in os.environ.items() if is_secret(name) or name.upper().endswith(_ENDS))
        secrets = (value for value in named if len(value) >= _SHORTEST and not value.startswith(("/", "~")))
        _environment_cache = now, frozenset(secrets)
    return _environment_cache[1]
