from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest

from jupyter_loops.core.candidate import Exit, Limits
from jupyter_loops.execution import png, received_figures
from jupyter_loops.execution.channel import GarbageError

LINE = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 3, 2])\nax.set_title('A <b>line</b>')\n"
GOOD = "def f(x): return x\n"
LONG = Limits(seconds=60)  # others may be using this machine


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def picture(*, width=2, height=2, pixels=None, before=b"", after=b"", bits=8, colour=6, interlace=0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    packed = zlib.compress(b"\0" * ((1 + width * 4) * height) if pixels is None else pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", packed) + chunk(b"IEND") + after


def test_a_picture_keeps_its_pixels_and_nothing_else():
    words = chunk(b"tEXt", b"Comment\0<script>") + chunk(b"acTL", b"x" * 8)
    clean, width, height = png.read(picture(before=words, after=chunk(b"eXIf", b"x")))

    assert clean == picture()
    assert (width, height) == (2, 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg onload='x'/>",
        picture()[:-3],
        picture()[:40] + b"\0" + picture()[41:],
        picture(after=b"<script>alert(1)</script>"),
        picture(width=100_000),
        picture(height=0),
        picture(pixels=b""),
        picture(pixels=b"\0" * 10_000_000),
        picture(colour=5),
        picture(interlace=1),
        picture().replace(b"IHDR", b"IHDX"),
        chunk(b"IEND"),
    ],
)
def test_what_is_no_ordinary_picture_is_refused(content):
    with pytest.raises(png.BadPng):
        png.read(content)


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked():
    bomb = picture(width=4096, height=4096, bits=16, pixels=b"\0" * 1000)  # 134 MB, and the rest never comes

    with pytest.raises(png.BadPng, match="too much memory"):
        png.read(bomb)


def test_pictures_of_one_action_share_what_they_may_fill():
    told = [{"kind": "png", "title": title} for title in "abcd"]
    large = picture(width=2000, height=2000)  # 16 MB each
    found = received_figures.read({"figures": told}, [large, large, large, picture()])

    assert png.size(large) == 2000 * (1 + 4 * 2000)
    assert [figure.title for figure in found] == ["a", "b", "d"]


def test_a_figure_that_is_not_what_it_says_is_left_out():
    told = [{"kind": "png", "title": "a"}, {"kind": "png", "title": "b"}, {"kind": "svg", "title": "c"}]
    found = received_figures.read({"figures": told}, [picture(), b"<svg/>", b"<svg/>"])

    assert [(figure.title, figure.width) for figure in found] == [("a", 2)]
    assert base64.b64decode(found[0].content) == picture()


@pytest.mark.parametrize(
    ("told", "blobs"),
    [
        ("x", []),
        ([{}] * 9, [b""] * 9),
        ([{"kind": "png", "title": "a"}], []),
        ([7], [b""]),
        ([{"kind": 7, "title": "a"}], [b""]),
        ([], [b"x"]),
    ],
)
def test_figures_that_do_not_add_up_break_the_protocol(told, blobs):
    with pytest.raises(GarbageError):
        received_figures.read({"figures": told}, blobs)


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b"[" * 100_000, b'{"traces": 1}', b'{"traces": [1], "more": 0}', b'{"traces": []}']
)
def test_numbers_that_are_none_are_left_out(content):
    assert received_figures.read({"figures": [{"kind": "plotly", "title": ""}]}, [content]) == ()


async def test_what_a_candidate_draws_is_captured(level, open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    async with open_sandbox(level, make_recipe("assert f(1) == 1"), LONG) as box:
        outcome = await box.run(LINE + "plt.show()\n" + GOOD)

    (figure,) = outcome.executed.figures
    assert (figure.kind, figure.title) == ("png", "A <b>line</b>")
    assert base64.b64decode(figure.content).startswith(b"\x89PNG")
    assert 300 < figure.width < 1300
    assert outcome.passed == [True]
    assert outcome.examined.figures == (), "it is told once"


async def test_what_the_setup_drew_is_not_the_candidates_and_what_a_check_draws_is(open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    from jupyter_loops.core.recipe import Check

    check = Check(name="drawn", source="assert ax2.plot([f(1)])", prelude="_, ax2 = plt.subplots()", line=30)
    recipe = make_recipe(check, setup=LINE)
    async with open_sandbox("process", recipe, LONG) as box:
        quiet = await box.run(GOOD)
        one = await box.run(f"ax.set_title('changed')\nown = plt.figure()\n{GOOD}")

    assert quiet.executed.figures == ()
    assert len(quiet.examined.figures) == 1, "the check's"
    assert quiet.passed == [True], quiet.verdicts
    assert len(one.executed.figures) == 1
    assert len(one.examined.figures) == 1


async def test_a_figure_of_a_candidate_that_fails_is_captured_too(open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    async with open_sandbox("process", make_recipe("assert f(1)"), LONG) as box:
        executed = (await box.run(f"{LINE}\n1 / 0")).executed

    assert executed.exit is Exit.RAISED
    assert len(executed.figures) == 1


async def test_figures_are_few_and_small(open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    many = "import matplotlib.pyplot as plt\nimport numpy as np\n"
    many += "for _ in range(6): plt.figure(figsize=(300, 200)); plt.imshow(np.random.rand(500, 500))\n"
    async with open_sandbox("process", make_recipe("assert f(1) == 1"), Limits(seconds=120)) as box:
        executed = (await box.run(many + GOOD)).executed

    assert executed.exit is Exit.OK, executed.fault
    assert len(executed.figures) <= 4
    assert all(max(figure.width, figure.height) <= 1300 for figure in executed.figures)
    assert all(len(figure.content) < 400_000 for figure in executed.figures)


HOSTILE = [
    "plt.Figure.savefig = lambda *a, **k: a[1].write(b'<svg onload=alert(1)>')",
    "plt.Figure.savefig = lambda *a, **k: 1 / 0",
    "plt.Figure.savefig = lambda *a, **k: exit(3)",
    "plt.Figure.get_axes = lambda *a: None",
    "import matplotlib._pylab_helpers as h; h.Gcf = None",
    "import sys; sys.modules['matplotlib.figure'] = 7; sys.modules['matplotlib._pylab_helpers'] = 8",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_figure_is_left_out_and_costs_nothing(text, open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    recipe = make_recipe("assert f(1) == 1")
    async with open_sandbox("process", recipe, LONG) as box:
        outcome = await box.run(LINE + text + "\n" + GOOD)

    assert outcome.executed.exit is Exit.OK
    assert all(base64.b64decode(figure.content).startswith(b"\x89PNG") for figure in outcome.executed.figures)
    assert outcome.verdicts[-1].passed


@pytest.mark.parametrize("setup", ["", "import plotly.graph_objects as go"])
async def test_a_plotly_figure_is_told_in_numbers(setup, open_sandbox, make_recipe):
    text = "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=['a', 'b'], y=[1.5, 4], name='n<b>'))"
    text += ".update_layout(title='T').show()\nkept = go.Figure(go.Scatter(y=list(range(50_000))))\n"
    async with open_sandbox("process", make_recipe("assert f(1) == 1", setup=setup), LONG) as box:
        outcome = await box.run(text + GOOD)

    shown, kept = (json.loads(figure.content) for figure in outcome.executed.figures)
    assert outcome.executed.figures[0].title == "T"
    bar = {"type": "bar", "name": "n<b>", "points": 2, "x": ["a", "b"], "y": ["1.5", "4"]}
    assert shown["traces"] == [bar]
    assert shown["figure"]["data"][0]["type"] == "bar"
    assert kept["traces"][0]["points"] == 50_000
    assert kept["figure"] is None, "too large to be kept whole"
    assert outcome.passed == [True], outcome.verdicts


async def test_the_line_of_a_module_tells_the_values_that_it_speaks_of(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)", setup="GIVEN = 7\nOTHER = 8")) as box:
        fault = (await box.run("half = GIVEN - 7\nunrelated = 1\nwhole = GIVEN / half")).executed.fault

    assert fault.frames[0].values == {"GIVEN": "7", "half": "0"}
