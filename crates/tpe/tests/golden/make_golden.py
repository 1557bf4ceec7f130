"""Writes the golden files beside this script. See README.md."""
import json
import pathlib
import warnings

import numpy as np

ARGSORT = np.argsort
# Equal numbers stay in order, on every machine.
np.argsort = lambda a, *args, **kwargs: ARGSORT(a, kind="stable")

import hyperopt_cases
import normal_cases
import optuna_cases

HERE = pathlib.Path(__file__).parent


def plain(value):
    """`value` with NumPy's types replaced by Python's."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def main():
    warnings.filterwarnings("ignore")
    for module in (hyperopt_cases, optuna_cases, normal_cases):
        for name, content in module.files().items():
            lists = json.dumps(plain(content)).replace('{"param', '\n{"param').replace('{"number"', '\n{"number"')
            (HERE / f"{name}.json").write_text(lists + "\n")


if __name__ == "__main__":
    main()
