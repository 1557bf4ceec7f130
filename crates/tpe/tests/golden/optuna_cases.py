"""What Optuna 5 computes."""
import math

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe import sampler as tpe
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.trial import TrialState, create_trial

import spaces

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "pending": TrialState.RUNNING,
          "failed": TrialState.FAIL}


def distribution(p):
    """Optuna's distribution; an ordinal choice is a number, a normal parameter a real number in its bounds."""
    low, high = spaces.bounds(p)
    if p["kind"] == "categorical":
        return CategoricalDistribution(p["choices"])
    if p["kind"] == "ordinal":
        return IntDistribution(low, high)
    if p["kind"] == "int":
        return IntDistribution(low, high, log=p["log"], step=p["step"])
    return FloatDistribution(low, high, log=p["log"] and not p["step"], step=p["step"])


def places(p, rng):
    low, high = spaces.bounds(p)
    if "choices" in p:
        return list(range(high + 1))
    if p["step"]:
        n = round((high - low) / p["step"]) + 1
        return [low + i * p["step"] for i in range(n) if n < 20 or i < 6 or i % 60 == 0 or i == n - 1]
    return [low, high] + [spaces.draw(p, rng) for _ in range(8)]


def parzen(params, rows, x):
    parameters = _ParzenEstimatorParameters(1.0, True, False, tpe.default_weights, True)
    columns = lambda rows: {p["name"]: np.array([row[i] for row in rows], dtype=float) for i, p in enumerate(params)}
    estimator = _ParzenEstimator(columns(rows), {p["name"]: distribution(p) for p in params}, parameters)
    mixture = estimator._mixture_distribution
    axes = [{"rows": d.weights} if hasattr(d, "weights") else {"mus": d.mu, "sigmas": d.sigma}
            for d in mixture.distributions]
    return {"params": params, "observations": rows, "weights": mixture.weights, "axes": axes,
            "x": x, "log_density": estimator.log_pdf(columns(x))}


def cases():
    rng = np.random.default_rng(3)
    out = []
    for p in spaces.ALL:
        x = [[v] for v in places(p, rng)]
        for n in [0, 1, 2, 30] + ([200] if p["name"] == "uniform" else []):
            out.append(parzen([p], [[spaces.draw(p, rng)] for _ in range(n)], x))
        out.append(parzen([p], [[v] for v in spaces.bounds(p)] * 2, x))
    ends = [[spaces.bounds(p)[i] for p in spaces.ALL] for i in (0, 1)]
    for n in [0, 1, 30]:
        rows = [spaces.point(spaces.ALL, rng) for _ in range(n)]
        out.append(parzen(spaces.ALL, rows, ends + [spaces.point(spaces.ALL, rng) for _ in range(8)]))
    return out


def frozen(space, trial, maximize):
    """Optuna's trial; losses are negated values where values are maximised."""
    sign = -1.0 if maximize else 1.0
    at = {p["name"]: (p, x) for p, x in zip(space, trial["point"]) if x == x}
    last = trial.get("last")
    made = create_trial(
        state=STATES[trial["state"]], value=sign * trial["loss"] if "loss" in trial else None,
        params={name: distribution(p).to_external_repr(x) for name, (p, x) in at.items()},
        distributions={name: distribution(p) for name, (p, _) in at.items()},
        intermediate_values={} if last is None else {0: 7.0, last[0]: sign * last[1]},
        constraints={"a": trial["violation"], "b": -1.0} if trial["violation"] else {},
    )
    made.number = trial["number"]
    return made


def split(space, trials, maximize):
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    used = [frozen(space, trial, maximize) for trial in trials if trial["state"] != "failed"]
    n_below = tpe.default_gamma(sum(t.state != TrialState.RUNNING for t in used))
    below, above = tpe._split_trials(study, used, n_below)
    return {"trials": trials, "below": [t.number for t in below], "above": [t.number for t in above]}


def rules():
    rng = np.random.default_rng(4)
    space = spaces.TREE[:1]
    splits = []
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for n, few in [(12, False), (45, False), (90, False), (120, True), (400, True)]:
        trials = spaces.history(space, n, rng)
        if few:
            # So few complete trials that others are among the good ones.
            trials = [t for t in trials if t["state"] != "complete" or t["number"] % 60 == 0]
        splits.append(split(space, trials, len(splits) % 2 == 1))
    infeasible = [t for t in spaces.history(space, 60, rng) if t["violation"] or t["state"] == "pending"]
    splits.append(split(space, infeasible, False))
    # Without a value at the last step, and without a report.
    silent = lambda t: t["state"] == "pruned" and (t["last"] is None or t["last"][0] == 0 and math.isnan(t["last"][1]))
    splits.append(split(space, [t for t in spaces.history(space, 400, rng) if silent(t)], False))
    return {
        "weights": {n: tpe.default_weights(n) for n in [0, 1, 24, 25, 26, 27, 60]},
        "gamma": {n: tpe.default_gamma(n) for n in [0, 1, 9, 10, 11, 100, 249, 250, 251, 1000]},
        "splits": splits,
    }


def history():
    space = spaces.TREE
    trials = spaces.history(space, 70, np.random.default_rng(5))
    # A pending trial of which only the first parameters are known.
    trials.append({"number": 70, "state": "pending", "violation": 0.0, "point": [1, 0] + [math.nan] * (len(space) - 2)})
    sampler = TPESampler(seed=6)
    study = optuna.create_study(sampler=sampler)
    study.add_trials([frozen(space, trial, False) for trial in trials])
    asked = create_trial(state=TrialState.RUNNING)
    asked.number = 71
    draws = []
    real = TPESampler._compare
    def record(samples, ratios):
        names = list(samples)
        draws.append({"names": names, "x": [list(row) for row in zip(*samples.values())], "ratio": ratios})
        return real(samples, ratios)
    TPESampler._compare = record
    joint = sampler.infer_relative_search_space(study, asked)
    sampler._sample(study, asked, joint)
    for p in space:
        sampler._sample(study, asked, {p["name"]: distribution(p)})
    TPESampler._compare = real
    return {"space": space, "trials": trials, "joint": sorted(joint), "draws": draws}


def files():
    return {"optuna_parzen": {"cases": cases()}, "optuna_rules": rules(), "optuna_history": history()}
