"""Records Optuna's importances: python make_importance.py > importance.json (Optuna 5.0.0).

Each study: its direction, its distributions as Optuna stores them, and its trials as
[state, value, [parameter, distribution, internal representation], ...]; then the importances.
"""

import json
import math
import random
import warnings

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
from optuna.trial import TrialState, create_trial

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
STATES = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
KINDS = [
    FloatDistribution(0.0, 1.0),
    FloatDistribution(-3.0, 7.5),
    FloatDistribution(1e-5, 1e-1, log=True),
    FloatDistribution(0.0, 1.0, step=0.1),
    FloatDistribution(0.0, 90.0, step=0.5),
    IntDistribution(0, 7),
    IntDistribution(-100, 400),
    IntDistribution(32, 512, step=32),
    IntDistribution(1, 16, log=True),
    IntDistribution(3, 1000, log=True),
    IntDistribution(1, 2**29, log=True),
    CategoricalDistribution(["a", "b", "c"]),
    CategoricalDistribution([None, True, 3, 0.5, "x", math.nan]),
    CategoricalDistribution(["only"]),
    FloatDistribution(2.0, 2.0),
]


def draw(rng, dist):
    """A value and, for the objective, where it lies, from 0 to 1."""
    if isinstance(dist, CategoricalDistribution):
        index = rng.randrange(len(dist.choices))
        return dist.choices[index], index / len(dist.choices)
    u = rng.random()
    if dist.log:
        value = math.exp(math.log(dist.low) + u * (math.log(dist.high) - math.log(dist.low)))
    else:
        value = dist.low + u * (dist.high - dist.low)
    if dist.step is not None:
        value = dist.low + round((value - dist.low) / dist.step) * dist.step
    value = float(f"{value:.4g}") if isinstance(dist, FloatDistribution) else round(value)
    return min(max(value, dist.low), dist.high), u


def study(rng, index):
    direction = rng.choice(["minimize", "maximize"])
    count = [2, 5, 1, 10, 11, 25, 60, 100, 150, 0][index % 10]
    kinds = rng.sample(KINDS, rng.randint(2, 5))
    conditional, changed = rng.random() < 0.5, rng.random() < 0.3
    effects = [rng.choice([0.0, 1.0, 3.0]) for _ in kinds]
    digits = rng.choice([0, 1, 3, 3])
    dists, rows, trials = [], [], []
    for number in range(count):
        params, used, value = {}, {}, 0.0
        for p, dist in enumerate(kinds):
            if conditional and p >= 2 and rng.random() < 0.4:
                continue
            if changed and p == 0 and number % 2 and isinstance(dist, FloatDistribution) and not dist.step:
                dist = FloatDistribution(dist.low, dist.high * 2 + 1, log=dist.log)
            params[f"p{p}"], u = draw(rng, dist)
            used[f"p{p}"] = dist
            value += effects[p] * (u - 0.3) ** 2
        state = rng.choices(STATES, [10, 1, 1])[0]
        value = math.inf if rng.random() < 0.02 else round(value + rng.gauss(0, 0.1), digits)
        row = [STATES.index(state), value if math.isfinite(value) else "inf"]
        for name, dist in used.items():
            if dist not in dists:
                dists.append(dist)
            row.append([name, dists.index(dist), dist.to_internal_repr(params[name])])
        rows.append(row)
        value = None if state == TrialState.FAIL else value
        trials.append(create_trial(state=state, value=value, params=params, distributions=used))
    made = optuna.create_study(direction=direction)
    made.add_trials(trials)
    expected = optuna.importance.get_param_importances(made) if trials else {}
    return {
        "maximize": direction == "maximize",
        "distributions": [distribution_to_json(dist) for dist in dists],
        "trials": rows,
        "importance": {name: float(share) for name, share in expected.items()},
    }


rng = random.Random(5)
print(json.dumps([study(rng, i) for i in range(60)], separators=(",", ":"), allow_nan=False))
