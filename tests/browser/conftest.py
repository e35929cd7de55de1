"""A real JupyterLab in a real browser, in folders of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
CONNECTED = """() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
SHOTS = ROOT / ".browser"  # the screenshots of the last run, for whoever wants to look


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


def extension(home: Path) -> Path:
    """A folder of data files with this checkout's labextension in it."""
    folder = home / "share" / "labextensions"
    folder.mkdir(parents=True)
    (folder / "jupyter-loops").symlink_to(ROOT / "jupyter_loops" / "labextension")
    return folder.parent


@pytest.fixture(scope="module")
def lab(folder):
    """The address of a JupyterLab that serves `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / ".home"
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    env = os.environ | {
        "JUPYTER_PATH": str(extension(home)),  # what is built here goes before what is installed
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_LOOPS_HISTORY": str(folder / "history.duckdb"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--port={port}", "--port-retries=0", f"--notebook-dir={folder}", "--IdentityProvider.token=test"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/api?token=test", timeout=1)
            break
        except OSError:
            time.sleep(0.2)
    else:
        pytest.fail((folder / "server.log").read_text()[-2000:])
    yield address
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")  # Playwright's loop must be gone before asyncio tests run
def browser():
    with sync_playwright() as playwright:
        debian = shutil.which("chromium")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=debian, args=flags)
        yield browser
        browser.close()


class Notebook:
    """A notebook in JupyterLab, as a person at the keyboard has it."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.path = page, path

    def run(self, number: int) -> None:
        """Put the cursor into a cell (counted from 0) and press Shift+Enter."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def cell(self, number: int):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def view(self, number: int):
        """The run view below a cell."""
        return self.cell(number).locator(".jloops-run")

    def command(self, name: str, **args) -> None:
        """One of JupyterLab's own commands, as from its palette."""
        self.page.evaluate(
            "async ([name, args]) => { await window.jupyterapp.commands.execute(name, args); }", [name, args]
        )

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        light = str("Dark" not in name).lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")

    def shot(self, name: str, locator=None) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.wait_for_timeout(300)
        (locator or self.page).screenshot(path=SHOTS / f"{name}.png")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.failed = call.when == "call" and report.failed
    return report


@pytest.fixture
def notebook(lab, browser, folder, request):
    """Open a notebook with the given code cells: `notebook("name", "code", …)`."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()

    def open_notebook(name, *cells, path=None):
        path = path or folder / f"{name}.ipynb"
        if cells:
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
            written = nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel
            )
            nbformat.write(written, path)
        page.goto(f"{lab}/lab/workspaces/{name}/tree/{path.name}?token=test")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        if cells:
            page.wait_for_function(CONNECTED, timeout=60_000)
        return Notebook(page, path)

    yield open_notebook
    if request.node.failed:
        page.screenshot(path=SHOTS / f"failed-{request.node.name}.png")
    context.close()
