#!/usr/bin/env python3
"""Times this engine and its peers on the same networks, taking turns, and prints one table; see README.md."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODELS = ["fnn1", "cnn1", "cnn2", "cnn3", "search5"]
# The yardstick is the faster of these two.
REFERENCES = ["tensorflow", "pytorch"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL", help="of `nn-lab bench step`")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=8, help="steps and predictions of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each engine, taking turns")
    parser.add_argument("--engines", default="vitrine,tensorflow,pytorch,candle,burn", help="which, with commas")
    parser.add_argument("--nn-lab", type=Path, default=ROOT / "target/release/nn-lab", metavar="PATH")
    parser.add_argument("--tensorflow-python", default="python3", metavar="PATH")
    parser.add_argument("--pytorch-python", default="python3", metavar="PATH")
    for peer in ("candle", "burn"):
        default = HERE / peer / "target/release" / f"peer-{peer}"
        parser.add_argument(f"--{peer}", type=Path, default=default, metavar="PATH")
    parser.add_argument("--timeout", type=float, default=600, help="seconds after which a run is given up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run")
    return parser.parse_args()


def commands(args):
    """For each engine that is installed, what to run before the configuration; names the others."""
    found = {"vitrine": [args.nn_lab]}
    for name, python, module in (("tensorflow", args.tensorflow_python, "tensorflow"),
                                 ("pytorch", args.pytorch_python, "torch")):
        probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        if shutil.which(python) and subprocess.run([python, "-c", probe]).returncode == 0:
            found[name] = [python, HERE / f"time_{name}.py"]
    for name, path in (("candle", args.candle), ("burn", args.burn)):
        if path.is_file():
            found[name] = [path]
    if not args.nn_lab.is_file():
        sys.exit(f"{args.nn_lab} is missing: cargo build --release -p nn-lab")
    wanted = args.engines.split(",")
    for name in wanted:
        if name not in found:
            print(f"skipped: {name} is not installed", file=sys.stderr)
    return {name: found[name] for name in wanted if name in found}


def run(engine, command, model, config, args):
    """One run in a process of its own; `None` if it fails."""
    numbers = ["--batch", str(args.batch), "--threads", str(args.threads)]
    if engine == "vitrine":
        budget = ["--min-reps", str(args.steps), "--max-ms", "0"]
        command = [*command, "bench", "step", model, *numbers, *budget, "--json", "-"]
    else:
        command = [*command, config, *numbers, "--steps", str(args.steps)]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    # candle and burn take their number of threads from these.
    for variable in ("RAYON_NUM_THREADS", "MATMUL_NUM_THREADS", "OMP_NUM_THREADS"):
        environment[variable] = str(args.threads)
    command = list(map(str, command))
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=args.timeout)
    except subprocess.TimeoutExpired:
        print(f"failed: {engine} on {model}: not done after {args.timeout:g} s", file=sys.stderr)
        return None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"failed: {engine} on {model}: {last}", file=sys.stderr)
        return None
    return {**json.loads(done.stdout), "engine": engine, "model": model}


def table(runs):
    rows = [["model", "engine", "step ms", "infer ms", "step ratio", "infer ratio", "memory MiB"]]
    for model in dict.fromkeys(r["model"] for r in runs):
        of_model = [r for r in runs if r["model"] == model]
        engines = list(dict.fromkeys(r["engine"] for r in of_model))

        def middle(engine, key):
            values = [r[key] for r in of_model if r["engine"] == engine and r[key] is not None]
            return statistics.median(values) if values else float("nan")

        def ratio(engine, key):
            best = [middle(reference, key) for reference in REFERENCES if reference in engines]
            return f"{middle(engine, key) / min(best):.2f}" if best else ""

        for engine in engines:
            rows.append([model, engine, f"{middle(engine, 'step_ms'):.2f}", f"{middle(engine, 'infer_ms'):.2f}",
                         ratio(engine, "step_ms"), ratio(engine, "infer_ms"),
                         f"{middle(engine, 'peak_rss_mb'):.0f}"])
        if len({r["params"] for r in of_model}) > 1:
            print(f"warning: the engines' networks for {model} differ in size", file=sys.stderr)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row):
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


def main():
    args = arguments()
    engines = commands(args)
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            config = Path(folder) / f"{model}.json"
            described = subprocess.run([args.nn_lab, "config", model], capture_output=True, text=True)
            if described.returncode != 0:
                sys.exit(described.stderr.strip())
            config.write_text(described.stdout)
            for i in range(args.rounds):
                for engine, command in engines.items():
                    print(f"{model}, round {i + 1} of {args.rounds}: {engine}", file=sys.stderr)
                    result = run(engine, command, model, config, args)
                    runs += [result] if result else []
    if args.json:
        args.json.write_text(json.dumps(runs, indent=2) + "\n")
    print(f"batch {args.batch}, {args.threads} threads, medians of {args.rounds} rounds of {args.steps} steps; "
          "ratios to the faster of TensorFlow and PyTorch\n")
    print(table(runs))


if __name__ == "__main__":
    main()
