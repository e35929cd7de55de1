"""The wheel brings the built front end along: installing it needs no Node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import jupyter_loops

ROOT = Path(__file__).parents[2]
LABEXTENSION = "share/jupyter/labextensions/jupyter-loops"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with wheel and sdist, as `make dist` builds them."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where jupyter-builder is
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path})
    return out


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


def test_the_wheel_holds_the_labextension_and_the_widget_script(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    data = f"jupyter_loops-{jupyter_loops.__version__}.data/data/{LABEXTENSION}"

    assert {f"{data}/package.json", f"{data}/install.json", f"{data}/static/style.js"} <= set(names)
    assert {"jupyter_loops/view/static/run.js", "jupyter_loops/view/static/run.css"} <= set(names)
    assert not any("node_modules" in name or name.startswith("jupyter_loops/labextension") for name in names)


def test_nothing_in_the_wheel_names_the_machine_it_was_built_on(wheel):
    archive = zipfile.ZipFile(wheel)

    assert not [name for name in archive.namelist() if str(ROOT).encode() in archive.read(name)]


def test_it_installs_without_node_and_jupyterlab_accepts_it(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    bare = {"PATH": str(tmp_path / "env" / "bin"), "HOME": str(tmp_path)}
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--no-deps", "--no-index", wheel], check=True, capture_output=True, env=bare
    )
    environment = {**bare, "JUPYTER_PATH": str(tmp_path / "env" / "share" / "jupyter")}
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    line = next(line for line in (listed.stderr + listed.stdout).splitlines() if "jupyter-loops" in line)

    assert (tmp_path / "env" / LABEXTENSION / "install.json").exists()
    assert jupyter_loops.__version__ in line
    assert "enabled" in line
    assert "OK" in line


def test_the_sdist_becomes_the_same_wheel_without_node(built, wheel, tmp_path):
    (sdist,) = built.glob("*.tar.gz")
    (tmp_path / "bin").mkdir()
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "-w",
        tmp_path,
        sdist,
    ]
    bare = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, env=bare)
    (again,) = tmp_path.glob("*.whl")

    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_an_index_would_take_both(built):
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]

    subprocess.run(command, check=True, capture_output=True)


def test_the_documentation_and_the_skill_are_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"jupyter_loops/docs/budgets.md", "jupyter_loops/skill/SKILL.md"} <= names


def test_package_and_labextension_have_one_version():
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    lock = json.loads((ROOT / "labextension" / "package-lock.json").read_text())

    assert package["version"] == lock["version"] == jupyter_loops.__version__


def test_the_lock_names_no_registry():
    lock = (ROOT / "labextension" / "package-lock.json").read_text()

    assert '"resolved"' not in lock
    assert '"integrity"' in lock
