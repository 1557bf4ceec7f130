"""Optuna's side of the journal tests.

    journal.py golden FOLDER              writes journal.log and journal.json, what Optuna reads in it
    journal.py dump JOURNAL               prints what Optuna reads
    journal.py optimize JOURNAL STUDY N   runs N trials with Optuna's default sampler
    journal.py dashboard JOURNAL STUDY    fails unless optuna-dashboard shows the study
"""

import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

os.environ["TZ"] = "UTC"
time.tzset()

import optuna
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.WARNING)
CHOICES = (None, True, 3, 2.5, "sgd")


def storage(path):
    return JournalStorage(JournalFileBackend(str(path)))


def plain(value):
    """The value with words for numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(of) for key, of in value.items()}
    return [plain(of) for of in value] if isinstance(value, (list, tuple)) else value


def micros(at):
    return at and (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def param(trial, name):
    distribution = trial.distributions[name]
    return {
        "value": trial.params[name],
        "internal": float(distribution.to_internal_repr(trial.params[name])),
        "distribution": json.loads(distribution_to_json(distribution)),
    }


def dump(path):
    file = storage(path)
    return plain([
        {
            "id": study._study_id,
            "name": study.study_name,
            "directions": [direction.name for direction in study.directions],
            "user_attrs": study.user_attrs,
            "system_attrs": study.system_attrs,
            "trials": [
                {
                    "id": trial._trial_id,
                    "number": trial.number,
                    "state": trial.state.name,
                    "values": trial.values or [],
                    "params": {name: param(trial, name) for name in trial.params},
                    "intermediate": trial.intermediate_values,
                    "user_attrs": trial.user_attrs,
                    "system_attrs": trial.system_attrs,
                    "started": micros(trial.datetime_start),
                    "finished": micros(trial.datetime_complete),
                }
                for trial in file.get_all_trials(study._study_id)
            ],
        }
        for study in file.get_all_studies()
    ])


def objective(trial):
    x = trial.suggest_float("x", 1e-3, 1.0, log=True)
    y = trial.suggest_float("y", -1.0, 1.0, step=0.25)
    n = trial.suggest_int("n", 1, 64, log=True)
    m = trial.suggest_int("m", 0, 10, step=2)
    c = trial.suggest_categorical("c", CHOICES)
    trial.report(x, 0)
    trial.report(math.nan, 1)
    trial.set_user_attr("seen", [x, None, {"deep": -math.inf}])
    return (x - 0.1) ** 2 + y * y + abs(n - 8) + m + (0 if c is None else 1)


def golden(folder):
    path = Path(folder) / "journal.log"
    path.unlink(missing_ok=True)
    file = storage(path)
    study = optuna.create_study(storage=file, study_name="golden \"ü\" NaN", sampler=optuna.samplers.RandomSampler(1))
    optuna.create_study(storage=file, study_name="gone").enqueue_trial({"x": 1})
    study.set_user_attr("note", "Infinity is no number: \"NaN\", \\")
    study.set_metric_names(["loss"])
    study.optimize(objective, 3)
    for state, value in [("PRUNED", math.inf), ("COMPLETE", -math.inf), ("COMPLETE", 5e-324), ("FAIL", None)]:
        study.add_trial(create_trial(
            state=TrialState[state],
            value=value,
            params={"x": 0.1 + 0.2, "n": 7, "c": 2.5, "q": 0.3},
            distributions={
                "x": FloatDistribution(1e-3, 1.0, log=True),
                "n": IntDistribution(1, 64, log=True),
                "c": CategoricalDistribution(CHOICES),
                "q": FloatDistribution(0.0, 1.0, step=0.1),
            },
            intermediate_values={0: math.nan, 10: -math.inf, 2: 1e22},
        ))
    study.enqueue_trial({"x": 0.5}, user_attrs={"why": "a guess"})
    optuna.delete_study(study_name="gone", storage=file)
    both = optuna.create_study(storage=file, study_name="both", directions=["maximize", "minimize"])
    both.tell(both.ask(), [math.inf, 2.0])
    both.tell(both.ask(), state=TrialState.FAIL)
    open_ended = both.ask({"x": FloatDistribution(-1.0, 1.0)})
    file.set_trial_system_attr(open_ended._trial_id, "note", [1, None])
    (Path(folder) / "journal.json").write_text(json.dumps(dump(path), indent=1) + "\n")


def dashboard(path, study):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "optuna-dashboard"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([program, path, "--port", str(port)], **quiet)
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies") as answer:
                    assert answer.status == 200, answer.status
                    names = [of["study_name"] for of in json.load(answer)["study_summaries"]]
                    assert study in names, names
                    return
            except urllib.error.URLError:
                assert server.poll() is None, "the dashboard has ended"
                time.sleep(0.1)
        raise SystemExit("the dashboard does not answer")
    finally:
        server.terminate()
        server.wait()


command, *arguments = sys.argv[1:]
if command == "golden":
    golden(*arguments)
elif command == "dump":
    print(json.dumps(dump(*arguments)))
elif command == "optimize":
    path, name, trials = arguments
    optuna.load_study(study_name=name, storage=storage(path)).optimize(objective, int(trials))
elif command == "dashboard":
    dashboard(*arguments)
