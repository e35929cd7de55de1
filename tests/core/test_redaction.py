"""Secrets never get far, whatever their shape."""

import time

import pytest

from jupyter_loops.core.redaction import clean, redact
from jupyter_loops.core.secrets import is_secret

A1, X1 = "a1B2c3D4", "0f1e2d3c"
KEYS = {
    "OpenAI": "sk-proj-" + A1 * 4,
    "Anthropic": "sk-ant-api03-" + A1 * 4,
    "Groq": "gsk_" + A1 * 3,
    "xAI": "xai-" + A1 * 4,
    "Perplexity": "pplx-" + A1 * 4,
    "NVIDIA": "nvapi-" + A1 * 4,
    "Replicate": "r8_" + A1 * 4,
    "Hugging Face": "hf_" + A1 * 4,
    "LangSmith": "lsv2_pt_" + X1 * 4 + "_" + X1,
    "AWS": "AKIA" + "A1" * 8,
    "AWS, temporary": "ASIA" + "A1" * 8,
    **{f"GitHub {kind}": f"gh{kind}_" + A1 * 4 for kind in "pousr"},
    "GitHub, fine-grained": "github_pat_" + A1 * 4,
    "GitLab": "glpat-" + A1 * 2 + "-_xY",
    "Google": "AIza" + A1 * 4,
    "Google, access": "ya29.a0" + A1 * 5,
    "Google, refresh": "1//0" + A1 * 5,
    "Google, client": "GOCSPX-" + A1 * 3,
    "Stripe": "sk_live_" + A1 * 3,
    "Stripe, restricted": "rk_test_" + A1 * 3,
    "Stripe, webhook": "whsec_" + A1 * 3,
    "SendGrid": "SG." + A1 * 2 + "-_abcd." + A1 * 5,
    "Twilio": "SK" + X1 * 4,
    "Mailgun": "key-" + X1 * 4,
    "npm": "npm_" + A1 * 4,
    "PyPI": "pypi-AgEIcHlwaS5vcmc" + A1 * 4,
    "Databricks": "dapi" + X1 * 4,
    "Slack": "xoxb-1234567890-" + A1,
    "Slack, app": "xapp-1-A1-" + A1,
    "DigitalOcean": "dop_v1_" + X1 * 8,
    "Docker": "dckr_pat_" + A1 * 3,
    "Vault": "hvs." + A1 * 3,
    "Shopify": "shpat_" + X1 * 4,
    "Atlassian": "ATATT3" + A1 * 5,
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + A1 * 4,
    "Azure client": "abc8Q~" + A1 * 4,
    "Together": "tgp_v1_" + A1 * 5,
    "Fireworks": "fw_" + A1 * 3,
    "Airtable": "patA1b2C3d4E5f6G7." + X1 * 8,
    "Heroku": "HRKU-" + A1 * 5,
    "Supabase": "sbp_" + X1 * 5,
    "PlanetScale": "pscale_tkn_" + A1 * 5,
    "PostHog": "phx_" + A1 * 5,
    "Square": "EAAA" + A1 * 7,
    "Netlify": "nfp_" + A1 * 5,
    "Vercel": "vcp_" + A1 * 5,
    "OpenRouter": "sk-or-v1-" + X1 * 8,
    "OpenAI, service": "sk-svcacct-" + A1 * 5,
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE" + A1 * 4 + "\n-----END RSA PRIVATE KEY-----",
}
KEPT = {  # what is secret in a text of which something may stay
    "[('password', 'hunter2PWhunter2'), ('n', 3)]": "hunter2PWhunter2",
    "next=%2Flogin&password%3Dhunter2PWhunter2&x=1": "hunter2PWhunter2",
    "https://hooks.slack.com/services/T0001/B0001/" + A1 * 3: A1 * 3,
    "https://discord.com/api/webhooks/123456789/" + A1 * 3: A1 * 3,
    "Authorization: Bearer abcdefghijklmnop.qrst": "abcdefghijklmnop.qrst",
    "Authorization: Basic dXNlcjpodW50ZXIy": "dXNlcjpodW50ZXIy",
    "postgres://me:pa55word@host/db": "pa55word",
    "redis://:hunter2-hunter2@host:6379/0": "hunter2-hunter2",
    "db_password=hunter2-hunter2": "hunter2-hunter2",
    "host=db password=hunter22 user=me": "hunter22",
    "https://x.test/?api_key=hunter22&n=1": "hunter22",
    'PASSWORD = "correct-horse"': "correct-horse",
    '{"password": "correct-horse", "user": "me"}': "correct-horse",
    "{'clientSecret': 'correct-horse'}": "correct-horse",
    '"{\\"api_key\\": \\"correct-horse\\"}"': "correct-horse",
    "config['password'] = 'correct-horse'": "correct-horse",
    'password: str = "correct-horse"': "correct-horse",
    "X-Api-Key: 0f1e2d3c-0f1e-2d3c": "0f1e2d3c-0f1e-2d3c",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY": "wJalrXUtnFEMI",
    "AccountName=a;AccountKey=abc1DEF2ghi3JKL4mno5PQR6stu7VWX8yz9==;EndpointSuffix=x": "abc1DEF2ghi3JKL4",
    "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=abc1DEF2ghi3JKL4=": "abc1DEF2ghi3JKL4",
    "https://x.blob.core.windows.net/c?sv=1&sig=abc1DEF2ghi3JKL4mno5PQR6%3D": "abc1DEF2ghi3JKL4",
    "…" + (A1 * 8 + "\n") * 2 + "-----END RSA PRIVATE KEY-----": A1 * 8,  # its beginning was cut off
    "https://" + X1 * 4 + "@o1.ingest.sentry.io/2": X1 * 2,
    "bot 123456789:AA" + A1 * 4 + "B": A1,
    "Cookie: session=" + A1 * 4: A1,
    "Set-Cookie: sessionid=" + A1 * 4 + "; HttpOnly": A1,
    "Authorization: Token " + A1 * 4: A1,
    "Authorization: ApiKey " + A1 * 4: A1,
    "tool --password hunter22-x": "hunter22-x",
    "tool --token " + A1 * 4: A1,
    '{"auth": {"token": "' + A1 * 4 + '"}}': A1,
    '{"auth": "bWU6aHVudGVyMjI="}': "bWU6aHVudGVyMjI=",
    "<password>hunter22x</password>": "hunter22x",
    "https://s3.test/x?X-Amz-Signature=" + X1 * 8: X1 * 2,
    "bearer=" + A1 * 4: A1,
    "session_cookie='" + A1 * 3 + "'": A1,
    "private_key_pem = '" + A1 * 4 + "'": A1,
    "client_secret=" + A1 * 3: A1,
    "client = C(api_key='" + A1 * 3 + "')\nValueError: bad": A1,
    "Server=x;User Id=me;Password=hunter22;": "hunter22",
    "//registry.test/:_authToken=" + A1 * 4: A1,
    "key sk-proj-" + A1 * 2 + "\n" + A1 * 2: A1,  # printed on two lines
    "sk-proj-a1B2c3D4...c3D4": "a1B2c3D4",  # its middle was cut out
}
ORDINARY = """\
risk-averse task-oriented desk-bound words, key-value pairs, disk-usage-of-2024-01-01-backups
def login(user: str, password: str, api_key: Optional[str] = None, token=tokens[0]) -> bool: ...
password = getpass(); secret = input(); api_key = os.environ["KEY"]; self.password = password
connect(password=password, secret_key=settings.secret)
{"password": {"type": "string"}, "secret": "string"}  # a schema
tokens: 1200, pad_token="[PAD]", max_tokens=1024, keys = {"a": 1}, sort(key=lambda x: x.price_2024)
http://localhost:8888/lab?x=1 mask-rcnn-resnet50-fpn, SKU0123, 3:45, https://a.b/c:d
<token>, a cookie: no, Token classes, --token TOKEN, --password PASSWORD, "token": "string", pattern, path.join
the bearer of news; sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
"""


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_key_is_found_wherever_it_stands(key):
    for before, after in [
        ("", ""),
        ("x = '", "'"),
        ("a" * 5000, " "),
        ("\n", "\n"),
        ("(", ")"),
        ("é", "é"),
        ("x=", "!"),
    ]:
        assert key not in redact(f"{before} {key} {after}")
    assert "a1B2" not in redact(repr(f"first\n{key}"))
    assert clean({"a": [1.0, {"b": key}]}) == {"a": [1.0, {"b": redact(key)}]}
    assert key not in str(clean({key: 1, "b": {f"column {key}": 2}}))


@pytest.mark.parametrize(("text", "secret"), KEPT.items())
def test_what_is_secret_by_its_place_goes_and_the_rest_stays(text, secret):
    for found in (redact(text), redact(f"said: {text}\nnext")):
        assert secret not in found
        assert "[redacted]" in found
        assert redact(found) == found
    assert redact(text)[:4] == text[:4] or text.startswith(("sk-", "…"))


def test_ordinary_text_stays_as_it_is():
    assert redact(ORDINARY) is ORDINARY


def test_secrets_of_the_environment_and_given_ones_are_found_by_their_value(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_TOKEN", "plain words as a secret")
    monkeypatch.setenv("PATH_TO_KEY", "/etc/ordinary")
    monkeypatch.setattr("jupyter_loops.core.redaction._environment_cache", (-1.0, frozenset()))

    assert redact("it was plain words as a secret, in /etc/ordinary") == "it was [redacted], in /etc/ordinary"
    assert redact("opens with correct-horse", "correct-horse", None) == "opens with [redacted]"


def test_what_holds_no_key_is_the_same_object():
    value = {"a": ["x" * 100, 1.0, None, {"b": "desk-top, ask-me, gh, hf, Bearer x"}], "c": 3}

    assert clean(value) is value


@pytest.mark.parametrize(
    "piece",
    [
        *("eyJ", "eyJaaaaaaaa.", "password=", "://a:b", "SG.aaaaaaaaaaaaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----"),
        *("1//0", "A" * 64 + "\nPRIVATE KEY", "api_key: ", 'secret="aaaaaaaa ', "token:api ", "key-0"),
        *("patA", ":AAa1", "ookie: a=", "--token 1", '"token": "1', "oken 1a", "<password>aaaaaa", "://aaaaaaaa1"),
        *("sk-" + "a1" * 20 + "\n", "EAAA", "ignature=a", "bearer=a "),
    ],
)
def test_text_that_is_made_to_be_slow_to_read_is_not(piece):
    text = piece * (60_000 // len(piece))
    began = time.perf_counter()
    redact(text)

    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "name", ["pwd", "conn_str", "private_key_pem", "session_cookie", "client_secret", "PGPASSWORD", "user_pw", "dsn"]
)
def test_names_of_secrets_are_known(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["auth", "bearer", "authorization", "cookie", "sas", "key"])
def test_a_name_that_may_be_a_secret_s_is_one_where_its_value_looks_like_it(name):
    assert is_secret(name, A1 * 2)
    assert not is_secret(name, "a plain word")


@pytest.mark.parametrize("name", ["author", "tokenizer", "keyboard", "monkey", "structure", "cookiecutter"])
def test_names_that_only_sound_alike_are_not(name):
    assert not is_secret(name, A1 * 2)
