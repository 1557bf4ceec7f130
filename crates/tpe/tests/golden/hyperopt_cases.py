"""What hyperopt 0.3 computes."""
import math

import numpy as np
from hyperopt import base, hp, tpe
from hyperopt.pyll import as_apply, rec_eval, scope

import spaces


def label(p):
    """hyperopt's distribution of a parameter and its arguments."""
    if p["kind"] == "categorical":
        return "randint", [len(p["choices"])]
    if p["kind"] == "ordinal":
        return "quniform", [0, len(p["choices"]) - 1, 1]
    name = "normal" if p["kind"] == "normal" else "uniform"
    args = [p["mu"], p["sigma"]] if name == "normal" else [p["low"], p["high"]]
    if p["log"]:
        name = "log" + name
        args = args if p["kind"] == "normal" else [math.log(a) for a in args]
    return ("q" + name, args + [p["step"]]) if p["step"] else (name, args)


def parzen(p, observations, x):
    """The density after observations, and the logarithm of it at x: as `build_posterior` puts them together."""
    name, args = label(p)
    node = tpe.adaptive_parzen_samplers[name](as_apply(np.array(observations)), 1.0, *args)
    named = {key: value for key, value in node.named_args if key not in ("rng", "size")}
    lpdf = getattr(scope, node.name + "_lpdf")(as_apply(np.array(x)), *node.pos_args, **named)
    mixture = [rec_eval(argument) for argument in node.pos_args]
    keys = ["p"] if name == "randint" else ["weights", "mus", "sigmas"]
    return {**dict(zip(keys, mixture)), "log_density": rec_eval(lpdf)}


def places(p, rng):
    """Where to ask for the density: all values of a discrete parameter that hyperopt may draw."""
    low, high = spaces.bounds(p)
    if p["kind"] == "normal" and p["step"]:
        # Far out hyperopt subtracts two numbers that are almost 1.
        low, high = low / 2, high / 2
    if p.get("step") or "choices" in p:
        step = p.get("step") or 1
        last = p["high"] if p["kind"] == "float" else high
        x = [low + i * step for i in range(math.floor((last - low) / step + 0.5 + 1e-9) + 1)]
        if p.get("log"):
            x = [v for v in x if v < 20] + x[20::60]
        return [int(v) for v in x] if "choices" in p else x
    return [low, high] + [spaces.draw(p, rng) for _ in range(10)]


def cases():
    rng = np.random.default_rng(1)
    # A step that does not divide the range: 1.2 lies beyond the upper bound.
    beyond = spaces.floats("beyond", 0.0, 1.0, step=0.6)
    found = []
    for p in spaces.ALL + [beyond]:
        for n in [0, 1, 2, 7, 30] + ([200] if p["name"] == "uniform" else []):
            found.append((p, [spaces.draw(p, rng) for _ in range(n)]))
        found.append((p, list(spaces.bounds(p)) * 2))
    found.append((beyond, [1.2, 0.0, 0.6]))
    out = []
    for p, observations in found:
        x = places(p, rng)
        observations = np.array(observations, dtype=int if p["kind"] == "categorical" else float)
        out.append({"param": p, "observations": observations, "x": x, **parzen(p, observations, x)})
    return out


def rules():
    losses = [3.0, 1.0, 2.0, 1.0, math.inf, 1.0, 0.5, 2.0] * 3
    ids = list(range(len(losses)))
    below, above = tpe.ap_split_trials(ids, ids, ids, losses, 0.25)
    count = lambda n: len(tpe.ap_split_trials(range(n), range(n), range(n), range(n), 0.25)[0])
    return {
        "forgetting": {n: tpe.linear_forgetting_weights(n, 25) for n in [0, 1, 24, 25, 26, 27, 60]},
        "n_below": {n: count(n) for n in [1, 15, 16, 17, 20, 60, 100, 1000, 10000, 20000]},
        "split": {"losses": losses, "below": below, "above": above},
    }


def tree(space):
    """The space as nested hyperopt choices."""
    def build(parent, option):
        out = {}
        for p in space:
            if p["when"] != (parent and [parent, option]):
                continue
            if p["kind"] == "categorical":
                out[p["name"]] = hp.choice(p["name"], [build(p["name"], o) for o in p["choices"]])
            else:
                name, args = label(p)
                out[p["name"]] = getattr(hp, name)(p["name"], *args)
        return out
    return build(None, None)


def history():
    space = spaces.TREE
    rng = np.random.default_rng(2)
    known = spaces.history(space, 70, rng)
    domain = base.Domain(lambda at: 0.0, tree(space))
    trials = base.Trials()
    for trial in known:
        number = trial["number"]
        at = {p["name"]: x for p, x in zip(space, trial["point"])}
        misc = {"tid": number, "cmd": domain.cmd, "workdir": None,
                "idxs": {name: [number] if x == x else [] for name, x in at.items()},
                "vals": {name: [x] if x == x else [] for name, x in at.items()}}
        result = {"status": "ok", "loss": trial["loss"]} if "loss" in trial else {"status": "fail"}
        doc = trials.new_trial_docs([number], [None], [result], [misc])[0]
        doc["state"] = base.JOB_STATE_RUNNING if trial["state"] == "pending" else base.JOB_STATE_DONE
        trials.insert_trial_docs([doc])
    trials.refresh()

    weighed = {}
    real, build = scope._impls["broadcast_best"], tpe.build_posterior_wrapper
    def record(samples, below, above, name):
        if len(samples):
            weighed.setdefault(name, {"x": samples, "below": below, "above": above})
        # Each branch in turn, whichever is the best.
        return [seed % 3] * len(samples) if name == "model" else real(samples, below, above)
    def named(*args):
        observed, losses, (indices, values) = build(*args)
        for name, node in values.items():
            node.named_args.append(["name", as_apply(name)])
        return observed, losses, (indices, values)
    scope._impls["broadcast_best"], tpe.build_posterior_wrapper = record, named
    for seed in range(3):
        tpe.suggest([len(known)], domain, trials, seed, verbose=False)
    scope._impls["broadcast_best"], tpe.build_posterior_wrapper = real, build
    assert set(weighed) == {p["name"] for p in space}, set(weighed)
    return {"space": space, "trials": known, "weighed": weighed}


def files():
    return {"hyperopt_parzen": {"cases": cases()}, "hyperopt_rules": rules(), "hyperopt_history": history()}
