import pytest

from jupyter_loops.core.recipe import TargetKind
from jupyter_loops.errors import CellError
from jupyter_loops.language import parse

STACK = '''\
class Stack:
    """A stack with push and pop."""

    def push(self, item: int) -> None: ...

    def pop(self) -> int: ...

s = Stack()
s.push(1)
assert s.pop() == 1
'''


def test_a_class_of_empty_methods_is_a_target():
    recipe = parse(STACK)
    (target,) = recipe.targets

    assert (target.name, target.kind, target.annotation) == ("Stack", TargetKind.CLASS, "")
    assert target.source == STACK.partition("\n\ns = ")[0]
    assert target.doc == recipe.goal == "A stack with push and pop."
    assert recipe.asks_for_code
    assert recipe.setup == ""
    assert recipe.checks[0].prelude == "s = Stack()\ns.push(1)"


@pytest.mark.parametrize(
    "stub",
    [
        "@dataclass\nclass C(Base):\n    x: float\n    @property\n    def norm(self) -> float: ...",
        "class C(Generic[T], metaclass=M):\n    'Doc.'\n    @classmethod\n    def of(cls, x: T): pass",
        "class C:\n    @staticmethod\n    def f(x): ...\n    async def g(self):\n        'Doc.'",
        "class C(ABC):\n    def __eq__(self, other): ...\n    @abstractmethod\n    def g(self): ...",
    ],
)
def test_a_stub_may_have_bases_fields_and_methods_of_every_sort(stub):
    recipe = parse(f"'go'\n{stub}\nassert C")
    assert [(target.kind, target.source) for target in recipe.targets] == [(TargetKind.CLASS, stub)]


def test_what_a_stub_names_comes_from_the_notebook():
    recipe = parse("'go'\n@mark\nclass C(Base):\n    x: Kind\n    def f(self, y: Other = LEAST): ...\nassert C")
    assert recipe.uses == {"mark", "Base", "Kind", "Other", "LEAST"}


@pytest.mark.parametrize(
    "other",
    [
        "class C:\n    def f(self): ...\n    def g(self):\n        return 1",
        "class C:\n    limit = 3\n    def f(self): ...",
        "class C(BaseModel):\n    x: int",
        "class C(Protocol):\n    def f(self): ...",
        "class C(typing.Protocol[T]):\n    def f(self): ...",
        "class C(ABC):\n    @abc.abstractmethod\n    def f(self): ...",
        "class C(Enum):\n    A = 1",
        "class C(Exception): ...",
    ],
)
def test_a_class_that_has_a_body_or_nothing_to_write_is_setup(other):
    recipe = parse(f"'go'\n{other}\nx: int\nassert x")
    assert [target.name for target in recipe.targets] == ["x"]
    assert recipe.setup.strip() == other


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("'go'\nclass A:\n    def f(self): ...\n    x = 1\nassert A", "line 3: nothing to produce: `A` is set-up"),
        (
            "'go'\nclass A:\n    def f(self): ...\nclass A:\n    def g(self): ...\nassert A",
            "line 5: `A` is stated twice",
        ),
        ("'go'\nclass A:\n    def f(self): ...\nassert A\na = A()", "line 6: no check follows"),
        ("'go'\nclass A:\n    def f(self): ...\nx: int\nassert x", "line 3: nothing decides whether `A` is right"),
        (
            "'go'\nx: int\nassert x\nwith hidden:\n    class A:\n        def f(self): ...",
            "line 6: a target or tool belongs",
        ),
        (
            "'go'\n@overload\ndef f(x: int): ...\ndef f(x): ...\nassert f",
            "line 3: `@overload` is not read: state `f` once",
        ),
    ],
)
def test_a_mistake_with_a_class_gets_one_clear_line(cell, said):
    with pytest.raises(CellError) as caught:
        parse(cell)
    assert str(caught.value).startswith(said)
