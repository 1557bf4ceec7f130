"""Records what Optuna's pruners decide: python make_pruners.py > pruners.json (Optuna 5.0.0, SciPy 1.17.1).

Each study is a list of events, the same for all its pruners, whose decisions change nothing:
  [trial, step, value]  a report, after which the trial is judged
  [trial, state, value] its end: 1 complete, 2 pruned, 3 failed; told from a report by the length of 4 (a final 0)
Numbers that are not finite are texts. The answers are one letter for each report: "a" + prune + 2 * (rungs completed).
"""

import itertools
import json
import math
import random
import warnings

import numpy as np
import optuna
import scipy.stats

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
STATES = [None, *(optuna.trial.TrialState[name] for name in ("COMPLETE", "PRUNED", "FAIL"))]


def number(x):
    return x if math.isfinite(x) else str(x)


def pick(rng, grid, count):
    """`count` different combinations of parameters."""
    combinations = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    return rng.sample(combinations, min(count, len(combinations)))


def pruner(spec):
    name, args = spec
    if name == "patient":
        args = dict(args)
        inner = args.pop("wrapped")
        return optuna.pruners.PatientPruner(pruner(inner) if inner else None, **args)
    return {
        "median": optuna.pruners.MedianPruner,
        "percentile": optuna.pruners.PercentilePruner,
        "halving": optuna.pruners.SuccessiveHalvingPruner,
        "hyperband": optuna.pruners.HyperbandPruner,
        "wilcoxon": optuna.pruners.WilcoxonPruner,
        "threshold": optuna.pruners.ThresholdPruner,
    }[name](**args)


def specs(rng):
    """Some of each kind of pruner; over all studies every combination below has its chance, defaults always."""
    checks = dict(n_startup_trials=[0, 1, 5], n_warmup_steps=[0, 2, 5], interval_steps=[1, 3], n_min_trials=[1, 2, 4])
    yield from (["median", a] for a in [{}, *pick(rng, checks, 1)])
    yield from (["percentile", a] for a in pick(rng, dict(percentile=[0.0, 10.0, 25.0, 33.3, 50, 80.0, 100.0], **checks), 3))
    yield ["halving", {}]
    ladder = dict(reduction_factor=[2, 3, 4], min_early_stopping_rate=[0, 1, 2])
    yield from (["halving", a] for a in pick(rng, dict(min_resource=["auto"], **ladder), 1))
    yield from (["halving", a] for a in pick(rng, dict(min_resource=[1, 2, 5], bootstrap_count=[0, 0, 2], **ladder), 2))
    yield ["hyperband", {}]
    yield from (["hyperband", a] for a in pick(rng, dict(min_resource=[1, 2], reduction_factor=[2, 3, 4]), 1))
    brackets = dict(min_resource=[1, 3], max_resource=[2, 9, 30, 81], reduction_factor=[2, 3], bootstrap_count=[0, 0, 1])
    yield from (["hyperband", a] for a in pick(rng, brackets, 2))
    tests = dict(p_threshold=[0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0], n_startup_steps=[0, 2, 5])
    yield from (["wilcoxon", a] for a in [{}, *pick(rng, tests, 2)])
    bounds = dict(lower=[None, -1.0, 0.5], upper=[1.5, 3.0], n_warmup_steps=[0, 3], interval_steps=[1, 2])
    yield from (["threshold", a] for a in pick(rng, bounds, 1))
    inner = ["median", {"n_startup_trials": 1}], ["halving", {"min_resource": 1, "reduction_factor": 2}], None
    patience = dict(wrapped=inner, patience=[0, 1, 3], min_delta=[0.0, 0.25])
    yield from (["patient", a] for a in pick(rng, patience, 2))


def events(rng, instances):
    """Trials that overlap in time. With `instances` each trial reports the same steps, in any order."""
    length = rng.choice([2, 6, 12, 13, 14, 20, 30, 55]) if instances else rng.choice([5, 12, 30, 60])
    # Coarse values tie.
    digits = rng.choice([0, 1, 1, 2])
    odd = rng.choice([0.0, 0.0, 0.0, 0.05, 0.4])
    spread = rng.choice([0.2, 1.0])
    running, out, count = [], [], 0
    limit = max(3, 260 // length)
    workers = rng.choice([1, 1, 3])
    base = [rng.gauss(1, 1) for _ in range(length)]
    while count < limit or running:
        if count < limit and len(running) < workers:
            stride = 1 if instances else rng.choice([1, 1, 2, 7, 100])
            steps = [s * stride for s in range(rng.choice([0, 1]), length)]
            if instances or rng.random() < 0.1:
                rng.shuffle(steps)
            if rng.random() < 0.3:
                steps = steps[: rng.randrange(len(steps) + 1)]
            running.append((count, steps, rng.gauss(0, 1) * spread, []))
            count += 1
        index = rng.randrange(len(running))
        trial, steps, level, values = running[index]
        if steps:
            step = steps.pop(0)
            value = round(level + (base[step] if instances else 2 / (1 + step)) + rng.gauss(0, 0.5) * spread, digits)
            if rng.random() < odd:
                value = rng.choice([math.nan, math.nan, math.inf, -math.inf])
            values.append(value)
            out.append([trial, step, value + 0.0])
        else:
            running.pop(index)
            finite = [v for v in values if math.isfinite(v)]
            value = round(sum(finite) / len(finite), digits) if finite else 0.0
            value = math.inf if rng.random() < odd / 4 else value + 0.0
            out.append([trial, rng.choices([1, 2, 3], [8, 1, 1])[0], value, 0])
    return out


def replay(spec, name, direction, violations, events):
    rule = pruner(spec)
    study = optuna.create_study(study_name=name, direction=direction, pruner=rule, sampler=optuna.samplers.RandomSampler(0))
    # Among equal trials the best one is the first by number, as in files; memory has the first to finish.
    storage = study._storage
    storage.get_best_trial = lambda id: optuna.storages.BaseStorage.get_best_trial(storage, id)
    trials, answers = {}, []
    for event in events:
        while event[0] >= len(trials):
            trial = study.ask()
            trials[trial.number] = trial
            if trial.number in violations:
                trial.set_constraint("c", violations[trial.number])
        trial = trials[event[0]]
        if len(event) == 4:
            study.tell(trial, event[2] if event[1] == 1 else None, state=STATES[event[1]])
            continue
        trial.report(event[2], event[1])
        before = storage.get_trial(trial._trial_id)
        prune = trial.should_prune()
        after = storage.get_trial(trial._trial_id)
        new = [key for key in after.system_attrs if key not in before.system_attrs]
        rungs = sum(key.startswith("completed_rung_") for key in before.system_attrs)
        assert new == [f"completed_rung_{rungs + i}" for i in range(len(new))]
        assert all(after.system_attrs[key] == after.intermediate_values[after.last_step] for key in new)
        answers.append(chr(ord("a") + prune + 2 * len(new)))
    brackets = None
    if spec[0] == "hyperband":
        brackets = [rule._get_bracket_id(study, trial) for trial in study.trials]
    return [spec, "".join(answers), *([brackets] if brackets else [])]


def studies(rng):
    for index in range(26):
        instances = index % 3 == 2
        name = rng.choice(["study", "no-name-77", "größe/ü"]) + str(index)
        direction = rng.choice(["minimize", "maximize"])
        happened = events(rng, instances)
        count = 1 + max(event[0] for event in happened)
        constrained = instances and rng.random() < 0.5
        violations = {i: rng.choice([-1.0, 0.0, 1.0]) for i in range(count) if constrained}
        chosen = [s for s in specs(rng) if not instances or s[0] in ("wilcoxon", "median", "patient")]
        if instances:
            chosen += [["wilcoxon", {"p_threshold": p}] for p in (0.02, 0.05, 0.2, 0.4, 0.5)]
        yield {
            "name": name,
            "maximize": direction == "maximize",
            "violations": [[i, v] for i, v in violations.items()],
            "events": [[number(x) for x in event] for event in happened],
            "answers": [replay(spec, name, direction, violations, happened) for spec in chosen],
        }


def signed_rank(rng):
    """Differences and SciPy's probability for them: without ties, with ties, with zeros, all zeros."""
    for n in (2, 3, 5, 8, 12, 13, 14, 15, 25, 40, 49, 50, 51, 60):
        for digits, shift in itertools.product((0, 1, 6), (-0.4, 0.0, 0.4)):
            differences = [round(rng.gauss(shift, 1), digits) + 0.0 for _ in range(n)]
            if n > 25 and digits == 6:
                differences = [round(d, 4) for d in differences]
            p = scipy.stats.wilcoxon(np.array(differences), alternative="greater", zero_method="zsplit").pvalue
            yield [differences, float(p)]
        p = scipy.stats.wilcoxon(np.zeros(n), alternative="greater", zero_method="zsplit").pvalue
        yield [[0] * n, float(p)]


def brackets():
    """[min_resource, max_resource, reduction_factor, number]: around all powers, where rounding decides."""
    for eta, low in itertools.product((2, 3, 4, 5, 7, 10), (1, 3, 10)):
        for power in range(0, 13):
            for high in {low * eta**power + d for d in (-1, 0, 1)}:
                if 0 < high < 10**9:
                    n = math.floor(math.log(high / low, eta)) + 1
                    yield [low, high, eta, max(n, 0)]


if __name__ == "__main__":
    rng = random.Random(20)
    table = {"studies": list(studies(rng)), "signed_rank": list(signed_rank(rng)), "brackets": list(brackets())}
    print(json.dumps(table, separators=(",", ":"), allow_nan=False, ensure_ascii=False))
