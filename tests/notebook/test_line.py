import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.errors import OptionError
from jupyter_loops.notebook.first_line import arranged
from jupyter_loops.notebook.line import OPTIONS, read_line


def refusal(text, namespace=None):
    with pytest.raises(OptionError) as caught:
        read_line(text, namespace)
    return str(caught.value)


def test_a_line_gives_only_the_options_that_it_names():
    line = read_line("slug --model ollama/qwen -n 8 --usd=0.05 --time 5m --memory 512MB -b")
    assert line.name == "slug"
    assert line.options == {
        "model": "ollama/qwen",
        "iterations": 8,
        "usd": 0.05,
        "time": 300.0,
        "memory": 512 * 1024**2,
        "background": True,
    }


def test_every_option_of_the_issue_is_there():
    words = {option.long for option in OPTIONS} | {option.short for option in OPTIONS}
    wanted = "--model -m --api-base --usd --tokens --time --iterations -n --patience --temperature --max-tokens"
    wanted += " --timeout --setup-timeout --memory --background -b --no-raise --insert --fresh --dry-run --seed --help"
    wanted += " --repeat --all-checks --watchdog"
    wanted += " --give"
    wanted += " --allow-imports --deny-imports --sandbox --image --keep-files"
    assert set(wanted.split()) <= words


@pytest.mark.parametrize(
    ("value", "seconds"), [("90", 90.0), ("90s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25), ("2min", 120.0)]
)
def test_a_time_has_a_unit_or_is_in_seconds(value, seconds):
    assert read_line(f"x --time {value}").options["time"] == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("value", "count"), [("8", 8), ("50k", 50_000), ("1M", 1_000_000), ("1_000", 1000), ("1e3", 1000)]
)
def test_a_count_may_be_written_short(value, count):
    assert read_line(f"x --tokens {value}").options["tokens"] == count


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('--over df[df.state=="CA"]', 'df[df.state=="CA"]'),
        ('--over df[df.state == "C] A"] --sample 2', 'df[df.state == "C] A"]'),
        ("--over pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1, 2]})"),
        ("--over=rows[:3] -b", "rows[:3]"),
        ("--over 'df[df.a > 1]'", "df[df.a > 1]"),
        ("--over \"SELECT * FROM 'x y.csv'\"", "SELECT * FROM 'x y.csv'"),
        ("--over rows", "rows"),
        ("--over read('a b", "read('a b"),
    ],
)
def test_rows_are_an_expression_of_python_with_its_own_quotes(text, rows):
    assert read_line(f"x {text}").options["over"] == rows


def test_modules_are_a_list_without_blanks():
    options = read_line("x --allow-imports math,numpy.linalg --deny-imports=os").options
    assert options == {"allow_imports": ("math", "numpy.linalg"), "deny_imports": ("os",)}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("x -n 3 # don't hurry", {"iterations": 3}),
        ("x #-n 3", {}),
        ("x --image 'a # b'  # quick", {"image": "a # b"}),
        ("x --image a#b", {"image": "a#b"}),
        ('x --image "#b"', {"image": "#b"}),
    ],
)
def test_a_remark_may_stand_behind_the_options(text, options):
    assert read_line(text).options == options


def test_a_name_is_read_as_python_reads_it():
    assert read_line("ﬁt").name == "fit"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("# mine\n\n  # too\n%%loop x -n 3\ny: int\n", "%%loop x -n 3\n# mine\n\n  # too\ny: int\n"),
        ("%%loop x \\\n  -n 3 \\\n  -b\ny: int\n", "%%loop x -n 3 -b\n\n\ny: int\n"),
        ("# mine\n%%loop_sql \\\n --to df\nFROM runs\n", "%%loop_sql --to df\n# mine\n\nFROM runs\n"),
        ("# mine\n%%timeit\nx\n", "# mine\n%%timeit\nx\n"),
        ("# mine\n", "# mine\n"),
        ("%%loop --help\n", "%%loop --help\n\n"),
        ("x = 1 \\\n + 1\n", "x = 1 \\\n + 1\n"),
        ("%%loops\n", "%%loops\n"),
    ],
)
def test_remarks_go_below_and_what_is_continued_is_one_line(cell, said):
    assert "".join(arranged(cell.splitlines(keepends=True))) == said


def test_none_is_no_limit_and_a_variable_is_named_by_a_dollar():
    assert read_line("x --usd none --tokens $most", {"most": 500}).options == {"usd": None, "tokens": 500}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give the loop a name: %%loop NAME"),
        ("--usd 1", "give the loop a name"),
        ("2nd", "'2nd' cannot be a name in Python"),
        ("class", "'class' cannot be a name in Python"),
        ("x y", "unexpected 'y' after the loop's name"),
        ("x --iteration 3", "unknown option --iteration; did you mean --iterations?"),
        ("x --ITERATIONS 3", "unknown option --ITERATIONS; did you mean --iterations?"),
        ("x --zzz", "unknown option --zzz"),
        ("x --usd", "--usd needs a value: --usd DOLLARS"),
        ("x --usd --fresh", "--usd needs a value"),
        ("x --usd 1 --usd 2", "--usd is given twice"),
        ("x -n 1 --iterations 2", "--iterations is given twice"),
        ("x --fresh=1", "--fresh takes no value"),
        ("x --usd 0", "--usd got '0', expected US dollars such as 0.05, more than 0"),
        ("x --usd -1", "--usd needs a value"),
        ("x --usd=-1", "--usd got '-1'"),
        ("x --usd nan", "--usd got 'nan'"),
        ("x --usd inf", "--usd got 'inf'"),
        ("x --usd 1e400", "--usd got '1e400'"),
        ("x --iterations 0", "--iterations got '0'"),
        ("x --iterations 2.5", "--iterations got '2.5', expected a whole number"),
        ("x --memory 512", "--memory got '512', expected a size with its unit"),
        ("x --time 5 parsecs", "unexpected 'parsecs'"),
        ("x --time 5parsecs", "--time got '5parsecs', expected a time"),
        (
            "x --sandbox chroot",
            "--sandbox got 'chroot', expected auto or bubblewrap or landlock or container or process",
        ),
        ("x --allow-imports math,2d", "--allow-imports got 'math,2d', expected module names such as math,numpy.linalg"),
        ("x --deny-imports ''", "--deny-imports needs a value"),
        ("x --usd $limt", "--usd got $limt, and nothing is called limt; did you mean limit?"),
        ("x --model 'unfinished", "the line cannot be read: no closing quotation"),
        ("x --api-key abc", "keys do not belong into a notebook"),
        ("x --openai-key=abc", "keys do not belong into a notebook"),
    ],
)
def test_a_mistake_is_told_in_one_line(text, said):
    message = refusal(text, {"limit": 3})
    assert message.startswith(said)
    assert "\n" not in message


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcdefghijklmnop1234",
        "AIzaSyA1234567890abcdefghijk",
        "ghp_abcdefghijklmnopqrstuv",
        "0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_a_value_that_looks_like_a_key_is_refused_and_not_repeated(key):
    for text in (f"x --model {key}", f"x --api-base={key}", f"x {key}", "x --model $secret"):
        message = refusal(text, {"secret": key})
        assert "looks like an API key" in message
        assert key not in message


@given(st.text(max_size=80))
def test_any_line_is_read_or_refused(text):
    try:
        read_line(text)
    except OptionError:
        return


def test_conditions_and_prices_are_read_where_they_are_written():
    line = read_line('x --until "Verified() | Plateau(3)" --price 3,15 --calls 20')
    assert line.options == {"until": "Verified() | Plateau(3)", "price": "3,15", "calls": 20}
    assert "--until got 'Verified', expected a call: write Verified()" in refusal("x --until Verified")
    assert "--price got '3', expected US dollars for a million tokens" in refusal("x --price 3")
    several = read_line("x --price 3,15 --price mine=1,2 --price=openai/gpt=4,20,1")
    assert several.options == {"price": "3,15;mine=1,2;openai/gpt=4,20,1"}
    for wrong in ("x --price mine=3", "x --price mine=", "x --price =3,15;3,15"):
        assert "expected" in refusal(wrong)
