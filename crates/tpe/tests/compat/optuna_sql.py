"""What the real Optuna reads from, and writes to, a storage that the tests share with it.

    python optuna_sql.py dump URL STUDY          # the study as Optuna sees it, as JSON
    python optuna_sql.py write URL               # the study "from optuna": every kind of parameter, state and number
    python optuna_sql.py continue URL STUDY N    # N more trials of the sampler TPE
    python optuna_sql.py constrained URL         # the study "constrained", and what "best" says about it
    python optuna_sql.py best URL STUDY          # its best trial, and the constraints of all
    python optuna_sql.py create URL              # the tables, without a study
    python optuna_sql.py dashboard URL STUDY     # what optuna-dashboard says about the study
    python optuna_sql.py golden FOLDER           # writes optuna_5.db and, as Optuna reads it, optuna_5.json

Needs the packages optuna and optuna-dashboard, for PostgreSQL also psycopg2. The test `storage_optuna` runs it with
the interpreter that the environment variable OPTUNA_PYTHON names; `golden` was run by hand, with Optuna 5.0.0.
"""

import datetime
import json
import math
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)

CHOICES = (None, True, 7, "größe", 2.5)
ODD = [-0.0, 5e-324, 1.7976931348623157e308, 0.1, float("inf"), float("-inf")]


def bits(number):
    """A number exactly, as text."""
    return "nan" if math.isnan(number) else struct.pack(">d", number).hex()


def plain(value):
    """JSON without the bare words NaN and Infinity, which Rust's reader refuses: texts that begin with a zero."""
    if isinstance(value, float) and not math.isfinite(value):
        return "\0" + json.dumps(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def choice(value):
    if isinstance(value, float):
        return {"float": bits(value)}
    if isinstance(value, (list, tuple)):
        return [choice(inner) for inner in value]
    if isinstance(value, dict):
        return {key: choice(inner) for key, inner in value.items()}
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return {"int": str(value)}
    return value


def distribution(of):
    if isinstance(of, FloatDistribution):
        step = None if of.step is None else bits(of.step)
        return {"float": [bits(of.low), bits(of.high)], "log": of.log, "step": step}
    if isinstance(of, IntDistribution):
        return {"int": [choice(of.low), choice(of.high)], "log": of.log, "step": choice(of.step)}
    return {"choices": [choice(value) for value in of.choices]}


def instant(at):
    """Microseconds since 1970."""
    return at and (at - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)


def described(trial):
    params = {
        name: {
            "value": choice(value),
            "internal": bits(trial.distributions[name].to_internal_repr(value)),
            "distribution": distribution(trial.distributions[name]),
        }
        for name, value in trial.params.items()
    }
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": [bits(value) for value in trial.values or []],
        "params": params,
        "intermediate": {str(step): bits(value) for step, value in trial.intermediate_values.items()},
        "user_attrs": plain(trial.user_attrs),
        "system_attrs": plain(trial.system_attrs),
        "started": instant(trial.datetime_start),
        "finished": instant(trial.datetime_complete),
    }


def dump(url, name):
    study = optuna.load_study(study_name=name, storage=url)
    return {
        "directions": [direction.name for direction in study.directions],
        "user_attrs": plain(study.user_attrs),
        "system_attrs": plain(study._storage.get_study_system_attrs(study._study_id)),
        "trials": [described(trial) for trial in study.get_trials(deepcopy=False)],
    }


def objective(trial):
    x = trial.suggest_float("x", -5.0, 5.0)
    n = trial.suggest_int("n", 1, 1000, log=True)
    s = trial.suggest_float("s", 0.0, 1.0, step=0.1)
    lr = trial.suggest_float("lr", 1e-7, 1.0, log=True)
    c = trial.suggest_categorical("c", CHOICES)
    trial.report(x, 1)
    trial.set_user_attr("who", "optuna")
    return x * x + math.log(n) + s + abs(math.log10(lr) + 3) + (0.0 if c == 7 else 1.0)


def proceed(url, name, trials):
    sampler = optuna.samplers.TPESampler(seed=1, n_startup_trials=4)
    optuna.load_study(study_name=name, storage=url, sampler=sampler).optimize(objective, n_trials=trials)


def write(url):
    study = optuna.create_study(study_name="from optuna", storage=url, sampler=optuna.samplers.TPESampler(seed=0))
    study.set_user_attr("note", {"list": [1, 2.5, None, "ü", float("nan"), float("-inf")], "10": True})
    study.set_metric_names(["loss"])
    study.optimize(objective, n_trials=6)
    ends = [(TrialState.COMPLETE, value) for value in ODD] + [(TrialState.PRUNED, None), (TrialState.FAIL, None)]
    for state, value in ends:
        trial = study.ask()
        trial.suggest_categorical("odd", [float("inf"), float("nan"), -0.0, "NaN", 2**53 + 1])
        trial.suggest_int("wide", -(2**62), 2**62)
        for step, number in enumerate(ODD + [float("nan")]):
            trial.report(number, step * 1000)
        study.tell(trial, value, state)
    study.enqueue_trial({"x": 0.25, "c": "größe"}, user_attrs={"why": "a guess"})
    study.ask({"x": FloatDistribution(-5, 5), "c": CategoricalDistribution(CHOICES)})
    study.enqueue_trial({"x": 0.5})
    other = optuna.create_study(study_name="two results", storage=url, directions=["maximize", "minimize"])
    other.optimize(lambda trial: (trial.suggest_float("x", 0, 1), float("inf")), n_trials=2)


def golden(folder):
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    path = os.path.join(folder, "optuna_5.db")
    if os.path.exists(path):
        os.remove(path)
    # Small pages make a small file; everything else is Optuna's doing.
    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA page_size = 512"))
    url = f"sqlite:///{path}"
    write(url)
    studies = {name: dump(url, name) for name in ("from optuna", "two results")}
    with open(os.path.join(folder, "optuna_5.json"), "w") as file:
        json.dump(studies, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def constrained(url):
    """The study "constrained", with a list of constraints and with single ones."""
    sampler = optuna.samplers.TPESampler(seed=3, constraints_func=lambda trial: [0.3 - trial.params["x"]])
    study = optuna.create_study(study_name="constrained", storage=url, sampler=sampler)

    def objective(trial):
        x = trial.suggest_float("x", 0.0, 1.0)
        trial.set_constraint("far", x - 0.9)
        return x

    study.optimize(objective, n_trials=12)
    return best(url, "constrained")


def best(url, name):
    """The best trial's number, if there is one, and the constraints of all."""
    study = optuna.load_study(study_name=name, storage=url)
    try:
        number = study.best_trial.number
    except ValueError:
        number = None
    constraints = [{key: bits(value) for key, value in t.constraints.items()} for t in study.trials]
    return {"best": number, "constraints": constraints}


def dashboard(url, name):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = os.path.join(os.path.dirname(sys.executable), "optuna-dashboard")
    server = subprocess.Popen(
        [program, url, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies") as answer:
                    summaries = json.load(answer)["study_summaries"]
                break
            except OSError:
                time.sleep(0.2)
        (study,) = [summary["study_id"] for summary in summaries if summary["study_name"] == name]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies/{study}?after=0") as answer:
            return {"status": answer.status, "trials": len(json.load(answer)["trials"])}
    finally:
        server.terminate()
        server.wait()


COMMANDS = {
    "dump": dump,
    "write": write,
    "continue": lambda url, name, trials: proceed(url, name, int(trials)),
    "constrained": constrained,
    "best": best,
    "create": lambda url: optuna.storages.RDBStorage(url) and None,
    "dashboard": dashboard,
    "golden": golden,
}

if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    result = COMMANDS[command](*arguments)
    if result is not None:
        json.dump(result, sys.stdout)
