"""The kernel's side of JupyterLab's extension: a comm that a page opens, over which runs are pushed and steered."""

TARGET = "jupyter-loops"
VERSION = 1
