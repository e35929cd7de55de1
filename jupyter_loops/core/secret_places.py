"""Secrets that are known by where they stand: in a command, a header, a configuration file, a connection string.

A new place comes with a case in tests/core/test_secret_places.py.
"""

from __future__ import annotations

import re

_REST = r"(?:\S{1,200}(?:[ \t]{1,9}|(?<=\\)\r?\n[ \t]{0,20})){0,30}?"  # words of a command, up to an option
_NO = r"(?![<\[{$%]|(?i:your)|[A-Za-z_-]{0,8}\.\.\.|\*\*\*)"  # how a placeholder begins
_VALUE = (  # of an option, in quotes or bare
    rf"""(?:"(?P<double>{_NO}[^"\n]{{3,200}})"|'(?P<single>{_NO}[^'\n]{{3,200}})'"""
    rf"""|(?P<bare>{_NO}[^\s'"`;|&<>()]{{3,200}}))"""
)
_USER = r"""["']?[^\s:'"/@]{1,100}:"""
_QUOTED = rf"""(?P<bare>{_NO}[^\s'"]{{3,200}})"""
_SCHEMES = "basic|bearer|digest|token|apikey|negotiate|ntlm|hawk|ssws|hmac|googlelogin|aws4-hmac-sha256|signature"
_CONNECTION = "pwd|password|passwd|pass|secret|access_?token|api_?key|accountkey|sharedaccesskey"
_LIBPQ = r"(?:host|hostaddr|port|user|dbname|sslmode)=[^\s,]{1,200}"


def _place(*words: str, pattern: str, any_case: bool = False) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """A pattern whose one named group is the secret, and the words of which a text with it has one."""
    return words, re.compile(pattern, re.IGNORECASE | re.MULTILINE if any_case else re.MULTILINE)


def _option(command: str, option: str) -> str:
    """A command, and what stands before its secret."""
    return rf"\b(?:{command})[ \t]{{1,9}}{_REST}(?:{option})"


_MYSQL, _MONGO = r"(?:mysql|mariadb)\w{0,20}", r"mongo\w{0,20}"
_PLACES = (
    _place("curl", "http ", "https ", "xh ", pattern=_option(
        "curl|https?|xh", r"-[A-Za-z]{0,8}[uUa]|--(?:proxy-)?user|--auth") + rf"[ =]?{_USER}{_QUOTED}"),
    _place("curl", pattern=_option("curl", r"-b|--cookie") + rf"[ =]?[\"']?[\w.-]{{1,64}}={_QUOTED}"),
    _place("mysql", "mariadb", "7z", pattern=_option(rf"{_MYSQL}|7z[ar]?", "-p") + _VALUE),
    _place("--password", pattern=_option(
        rf"wget|{_MYSQL}|{_MONGO}|docker|podman|helm|svn|twine|http", "--password[ =]") + _VALUE),
    _place("sshpass", "mongo", " login ", pattern=_option(
        rf"sshpass|{_MONGO}|(?:docker|podman|registry|az|oc) login", "-p ?") + _VALUE),
    _place("redis-cli", pattern=_option("redis-cli", "(?:-a|--pass)[ =]") + _VALUE),
    _place("ldap", pattern=_option(r"ldap\w{2,10}", "-w ?") + _VALUE),
    _place("zip ", "mosquitto", "sqlcmd", "bcp ", pattern=_option(
        "(?:un)?zip|mosquitto_[ps]ub|sqlcmd|bcp", "-P ?") + _VALUE),
    _place("keytool", pattern=_option("keytool", "-(?:store|key)pass ") + _VALUE),
    _place("openssl", pattern=_option("openssl", r"-(?:passin|passout|pass)\spass:|-k\s")
           + _VALUE),
    _place("smbclient", pattern=_option("smbclient", "-U ?") + rf"[\"']?[^\s%'\"]{{1,100}}%{_QUOTED}"),
    _place("password=", "passwd=", "secret=", "token=", "key=", pattern=  # of a command's environment
           r"^[ \t$#>]{0,9}(?:export )?(?:[A-Z][A-Z0-9_]{0,60}=\S{1,100} ){0,9}"
           rf"[A-Z0-9_]{{0,60}}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY)={_VALUE}(?= [a-z])"),
    _place("login", pattern=r"\b(?:machine\s{1,9}\S{1,200}|default)\s{1,9}login\s{1,9}\S{1,200}\s{1,9}"
           rf"(?:account\s{{1,9}}\S{{1,200}}\s{{1,9}})?password\s{{1,9}}{_VALUE}"),
    _place("login", pattern=rf"\bmachine\s{{1,9}}\S{{1,200}}\s{{1,9}}password\s{{1,9}}{_VALUE}(?=\s{{1,9}}login\s)"),
    _place(":", pattern=r"^[\w.*-]{1,200}:(?:\d{4,5}|\*):[\w*-]{1,64}:[\w.@*-]{1,64}:"  # .pgpass
           rf"(?P<bare>{_NO}[^\s:]{{3,200}})$"),
    _place("authorization", any_case=True, pattern=
           r"\bauthorization[\"']?\]?\s{0,2}[:=]\s{0,2}[fbr]?[\"']?"
           rf"(?:digest\s(?P<digest>{_NO}[^\r\n]{{6,4096}})"
           rf"|(?:{_SCHEMES})\s{{1,2}}(?!(?-i:[A-Z_]{{1,64}})\b)(?P<scheme>{_NO}[^\s\"'<{{]{{6,4096}}"
           rf"(?:, ?[\w-]{{1,60}}=[^\s\"'<{{]{{1,1000}}){{0,20}})(?<!token=)(?=\\?[\"'\r\n\\]|\s{{0,9}}$)"
           rf"|(?!(?:{_SCHEMES})\s)(?=[^\s\"']{{0,200}}\d)(?P<raw>{_NO}[\w.~+/=:-]{{16,4096}}))"),
    _place("cookie", any_case=True, pattern=
           rf"cookie[\"']?\]?\s{{0,2}}[:=]\s{{0,2}}[\"']?[\w.-]{{1,64}}=(?P<bare>{_NO}[^\r\n\"'()]{{6,4096}})"),
    _place("=", any_case=True, pattern=
           rf"(?:[?&]|;\s?)(?:{_CONNECTION})=(?:\{{(?P<braces>[^}}\n{{]{{3,200}})\}}"
           rf"|(?P<bare>{_NO}[^;&\"'\s#(){{}}]{{3,200}})(?=[;&\"'\s#]|\Z))"),
    _place("password=", pattern=rf"\b{_LIBPQ}\s(?:\w{{1,30}}=[^\s,]{{1,200}}\s){{0,6}}password={_VALUE}(?!,)"),
    _place("password=", pattern=rf"\bpassword=(?P<bare>{_NO}[^\s,'\"()]{{3,200}})(?=\s{_LIBPQ})"),
    _place("private-lines", pattern=
           r"\bPrivate-Lines: ?\d{1,3}\r?\n(?P<bare>(?:[A-Za-z0-9+/=]{1,100}(?:\r?\n|\Z)){1,100})"),
    _place("---- begin ", pattern=
           r"---- BEGIN SSH2 [A-Z ]{0,20}PRIVATE KEY ----(?P<bare>[\s\S]{1,20000}?)(?:---- END|\Z)"),
)  # fmt: skip
_LINE = re.compile(  # of a configuration: a name, a sign, a value, a remark
    r"""[ \t>|#-]*(?:export[ ])?(?P<name>["']?[\w. -]{0,100}\w["']?)[ \t]{0,20}(?P<sign>[:=])[ \t]{0,20}
    (?P<value>(?![<\[{$%*(&!|>@/~]|\./|os\.|env:|file:|[A-Z]+(?:_[A-Z]+)+\b)
    [^\s"'(){}\[\],;`<>]{4,200})[ \t]{0,20}(?:[#;][^\r\n]*)?(?=["']?[\r\n]|["']|\Z)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]*")
_SECTION = re.compile(r"^\[[\w .:-]{1,100}\][ \t]*\r?$", re.MULTILINE)
_CODE = re.compile(
    r"^\s*(?:async |export |pub(?:lic)? |private |static )*"
    r"(?:def|class|import|from|interface|type|const|let|var|function|func|fn|struct|return|assert|if|for|@\w+)\b|[;{(]\s*$",
    re.MULTILINE,
)
_LONGEST = 150  # characters of a line before the end of a name
_TYPES = frozenset(
    {"string", "bool", "boolean", "integer", "number", "object", "bytes", "none", "null", "true", "false", "required",
     "optional", "secretstr", "password", "token", "secret", "unknown", "never", "empty", "default"}
)  # fmt: skip


def placed(text: str) -> list[tuple[int, int]]:
    """Where secrets stand by their place, in any order: begin and end."""
    lower, spans = text.lower(), list[tuple[int, int]]()
    for words, pattern in _PLACES:
        if any(word in lower for word in words):
            spans += [match.span(match.lastgroup) for match in pattern.finditer(text) if match.lastgroup]
    return spans


def configured(text: str, end: int) -> tuple[int, int] | None:
    """Where the value stands of a line of a configuration, whose secret name ends at `end`; None where it is none.

    A word may be a name in a program as well: it counts where the line or the text shows that it is none.
    """
    start = max(text.rfind("\n", 0, end), text.rfind("'", 0, end), text.rfind('"', 0, end), -1) + 1
    match = _LINE.match(text, start) if end - start <= _LONGEST else None
    if not match or match.end("name") != end or (word := match["value"]).lower() in _TYPES:
        return None
    name = match["name"].strip()
    if _WORD.fullmatch(word) and not (
        "-" in name
        or name.count(".") > 1
        or (match["sign"] == ":" and "." not in name and not _CODE.search(text))
        or (match["sign"] == "=" and text[match.end("name")] == "=" and _ENVIRONMENT.fullmatch(name))
        or (match["sign"] == "=" and _SECTION.search(text, 0, start))
    ):
        return None
    return match.span("value")
