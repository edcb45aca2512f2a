"""The notebooks run, where their packages are installed."""

import importlib.util
import json
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parents[3] / "docs" / "notebooks"
PACKAGES = {
    "quick-start": ["matplotlib"],
    "my-pytorch-model": ["matplotlib", "torch"],
    "train-through-a-chip": ["matplotlib", "torch"],
}


def test_every_notebook_is_in_the_list():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_notebook_runs_and_has_its_figures(name, monkeypatch):
    cells = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not any(output["output_type"] == "error" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    lacking = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
    if lacking:
        pytest.skip(f"SKIPPED: {', '.join(lacking)} not installed, so the notebook {name} is not run")
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(FOLDER)
    names = {}
    for cell in code:
        lines = "".join(cell["source"]).splitlines()
        exec(compile("\n".join(line for line in lines if not line.startswith("%")), name, "exec"), names)
    matplotlib.pyplot.close("all")
