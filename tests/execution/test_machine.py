"""Cores and memory, in and out of a container."""

from __future__ import annotations

import os

import psutil
import pytest

from jupyter_loops.execution import machine_limits

GIB = 1024**3


@pytest.fixture(autouse=True)
def in_a_group(monkeypatch):
    monkeypatch.setattr(machine_limits, "cgroup_path", lambda: "pods/mine")


def write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def test_without_limits_the_machine_s_own_cores_and_memory_count(tmp_path):
    assert machine_limits.cores(tmp_path) == len(os.sched_getaffinity(0))
    assert machine_limits.free_memory(tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.1)
    assert machine_limits.cores() >= 1
    assert machine_limits.free_memory() > 0


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"pods__mine__cpu_DOT_max": "50000 100000"}, 1),
        ({"pods__mine__cpu_DOT_max": "max 100000"}, 3),
        ({"pods__cpu_DOT_max": "150000 100000"}, 2),
        ({"cpu__cpu_DOT_cfs_quota_us": "100000", "cpu__cpu_DOT_cfs_period_us": "100000"}, 1),
        ({"cpu__cpu_DOT_cfs_quota_us": "-1", "cpu__cpu_DOT_cfs_period_us": "100000"}, 3),
    ],
)
def test_a_quota_of_the_container_bounds_the_cores(files, cores, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    write(tmp_path, **files)

    assert machine_limits.cores(tmp_path) == cores


def test_a_limit_of_the_container_bounds_the_memory_and_pages_of_files_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 64 * GIB}))
    write(tmp_path, pods__mine__memory_DOT_max="max", pods__mine__memory_DOT_current=GIB)
    assert machine_limits.free_memory(tmp_path) == 64 * GIB

    write(tmp_path, pods__memory_DOT_max=4 * GIB, pods__memory_DOT_current=3 * GIB)
    write(tmp_path, pods__memory_DOT_stat=f"anon 5\ninactive_file {GIB // 2}")
    assert machine_limits.free_memory(tmp_path) == GIB + GIB // 2

    write(tmp_path, memory__memory_DOT_limit_in_bytes=2 * GIB, memory__memory_DOT_usage_in_bytes=3 * GIB)
    assert machine_limits.free_memory(tmp_path) == 0
