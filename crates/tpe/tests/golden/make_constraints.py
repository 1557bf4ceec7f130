"""Studies with constraints, and with every form of choices and whole numbers, that the real Optuna wrote.

    python -W ignore make_constraints.py [FOLDER]    # with Optuna 5.0.0

writes to this folder optuna_constraints.db, the same studies as optuna_constraints.log, and what Optuna says about
them, optuna_constraints.json: of each study the best trial, of each trial the constraints, and which trials are good to
its sampler TPE. The test `constraints` reads them.
"""

import json
import os
import sys

import optuna
from optuna.samplers import TPESampler
from optuna.samplers._tpe import sampler as tpe
from optuna.trial import TrialState, create_trial
from sqlalchemy import event
from sqlalchemy.engine import Engine

optuna.logging.set_verbosity(optuna.logging.ERROR)


def finish(study, constraints, state=TrialState.COMPLETE, trials=6):
    for number in range(trials):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        trial.report(x, 1)
        for name, value in constraints(x, number).items():
            trial.set_constraint(name, value)
        study.tell(trial, None if state == TrialState.PRUNED else x, state)


def write(storage):
    def create(name, direction="minimize", constraints_func=None):
        sampler = TPESampler(seed=1, n_startup_trials=5, constraints_func=constraints_func)
        return optuna.create_study(study_name=name, storage=storage, direction=direction, sampler=sampler)

    # The deprecated form: a list for each trial.
    study = create("a list", constraints_func=lambda trial: [0.5 - trial.params["x"], -1.0])
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=24)
    # One attribute for each constraint; some trials have none.
    study = create("single", direction="maximize")
    finish(study, lambda x, number: {"a": x - 0.5, "b": 0.1 - x} if number % 4 else {}, trials=24)
    finish(study, lambda x, number: {"a": x - 0.3}, state=TrialState.PRUNED)
    # Both at once; the single one counts.
    study = create("both", constraints_func=lambda trial: [trial.params["x"] - 0.4, 0.0])
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("0", 0.6 - x)
        return x
    study.optimize(objective, n_trials=15)
    # A function that fails leaves nothing in the list's place.
    def fails(trial):
        if trial.number % 2:
            raise ValueError
        return [1.0]
    study = create("no list", constraints_func=fails)
    for _ in range(6):
        try:
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
        except ValueError:
            pass
    # Nothing is feasible.
    finish(create("none"), lambda x, number: {"x": x + 1, "infinite": float("inf")})
    # Running trials are not judged, failed ones are not looked at.
    study = create("unfinished")
    finish(study, lambda x, number: {"a": x - 0.5})
    for state in (TrialState.FAIL, TrialState.RUNNING):
        study.add_trial(create_trial(state=state, system_attrs={"constraints": [3.0]}))


def described(study):
    trials = study.get_trials(deepcopy=False)
    used = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)]
    below, above = tpe._split_trials(study, used, tpe.default_gamma(sum(t.state != TrialState.RUNNING for t in used)))
    try:
        best = study.best_trial.number
    except ValueError:
        best = None
    return {
        "best": best,
        "below": [t.number for t in below if t.params],
        "above": [t.number for t in above if t.params],
        "constraints": [{name: repr(value) for name, value in t.constraints.items()} for t in trials],
        "feasible": [all(value <= 0 for value in t.constraints.values()) for t in trials],
    }


def main(folder):
    place = os.path.join(folder, "optuna_constraints")
    for end in (".db", ".log"):
        if os.path.exists(place + end):
            os.remove(place + end)
    # Small pages make a small file; everything else is Optuna's doing.
    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA page_size = 512"))
    storages = [
        optuna.storages.RDBStorage(f"sqlite:///{place}.db"),
        optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(place + ".log")),
    ]
    found = []
    for storage in storages:
        write(storage)
        names = [summary.study_name for summary in optuna.get_all_study_summaries(storage)]
        found.append({name: described(optuna.load_study(study_name=name, storage=storage)) for name in names})
    assert found[0] == found[1]
    with open(place + ".json", "w") as file:
        json.dump(found[0], file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
