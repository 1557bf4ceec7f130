"""Parameters, described once, and random points."""
import math

import numpy as np


def param(name, kind, when=None, **of):
    return {"name": name, "kind": kind, "when": when, **of}


def floats(name, low, high, log=False, step=None, when=None):
    return param(name, "float", when, low=low, high=high, log=log, step=step)


def ints(name, low, high, log=False, step=1, when=None):
    return param(name, "int", when, low=low, high=high, log=log, step=step)


def choices(name, kind, options, when=None):
    return param(name, kind, when, choices=options)


def normal(name, mu, sigma, log=False, step=None, when=None):
    return param(name, "normal", when, mu=mu, sigma=sigma, log=log, step=step)


ALL = [
    floats("uniform", -5.0, 10.0),
    floats("loguniform", 1e-5, 0.5, log=True),
    floats("quniform", 0.0, 0.5, step=0.05),
    ints("int", -2, 9),
    ints("int_step", 32, 512, step=32),
    ints("logint", 8, 512, log=True),
    choices("categorical", "categorical", ["relu", "elu", "tanh", "sigmoid"]),
    choices("ordinal", "ordinal", ["small", "middle", "large"]),
    normal("normal", 1.0, 0.5),
    normal("lognormal", -2.0, 0.75, log=True),
    normal("qnormal", 0.0, 2.0, step=0.5),
    normal("qlognormal", 1.0, 0.5, log=True, step=1.0),
]

TREE = [
    choices("opt", "categorical", ["adam", "sgd", "rms"]),
    choices("model", "categorical", ["a", "b", "c"]),
    floats("rate", 1e-5, 1.0, log=True),
    floats("a_x", 0.0, 1.0, when=["model", "a"]),
    ints("a_units", 8, 512, log=True, when=["model", "a"]),
    ints("b_depth", 1, 12, when=["model", "b"]),
    choices("b_act", "categorical", ["relu", "elu", "tanh", "sigmoid"], when=["model", "b"]),
    floats("c_drop", 0.0, 0.5, step=0.05, when=["model", "c"]),
    choices("c_size", "ordinal", ["small", "middle", "large"], when=["model", "c"]),
    normal("c_shift", 1.0, 0.5, when=["model", "c"]),
]


def bounds(p):
    """The bounds within which a value is stored."""
    if p["kind"] == "normal":
        low, high = p["mu"] - 4 * p["sigma"], p["mu"] + 4 * p["sigma"]
        if p["log"]:
            low, high = math.exp(low), math.exp(high)
        if p["step"]:
            low, high = math.ceil(low / p["step"]) * p["step"], math.floor(high / p["step"]) * p["step"]
        return low, high
    if "choices" in p:
        return 0, len(p["choices"]) - 1
    low, high, step = p["low"], p["high"], p["step"]
    return (low, low + math.floor((high - low) / step * (1 + 1e-12)) * step) if step else (low, high)


def draw(p, rng):
    """A value in its internal representation, six digits where it is real."""
    low, high = bounds(p)
    if p["kind"] in ("categorical", "ordinal"):
        return int(rng.integers(len(p["choices"])))
    if p["log"]:
        low, high = math.log(low), math.log(high)
    x = rng.uniform(low, high)
    x = math.exp(x) if p["log"] else x
    if p["step"]:
        origin = 0 if p["kind"] == "normal" else p["low"]
        x = origin + round((x - origin) / p["step"]) * p["step"]
        return int(x) if p["kind"] == "int" else float(x)
    return float(np.clip(float(f"{x:.6g}"), *bounds(p)))


def point(space, rng):
    """A point of a conditional space, NaN where a parameter does not exist."""
    at = {}
    for p in space:
        parent = p["when"] and next(q for q in space if q["name"] == p["when"][0])
        exists = not parent or at[parent["name"]] == parent["choices"].index(p["when"][1])
        at[p["name"]] = draw(p, rng) if exists else math.nan
    return [at[p["name"]] for p in space]


def loss(at, rng):
    """Something to be minimised, positive, six digits."""
    return float(f"{9 + sum(math.cos(3 * (i + 1) * x) for i, x in enumerate(at) if x == x) + 0.3 * rng.normal():.6g}")


def history(space, n, rng):
    """Trials in all states, as the tests read them."""
    trials = []
    for number in range(n):
        at = point(space, rng)
        state = rng.choice(["complete", "pruned", "pending", "failed"], p=[0.7, 0.14, 0.08, 0.08])
        trial = {"number": number, "state": str(state), "violation": 0.0, "point": at}
        if state == "complete":
            trial["loss"] = loss(at, rng)
        if state == "pruned":
            reports = [[int(rng.integers(4)), loss(at, rng)], [int(rng.integers(4)), math.nan], None]
            trial["last"] = reports[rng.choice(3, p=[0.6, 0.2, 0.2])]
        if rng.random() < 0.15:
            trial["violation"] = float(f"{rng.random():.3g}")
        trials.append(trial)
    return trials
