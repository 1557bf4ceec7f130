"""What the Python peers share: arguments, the clock, the report."""

import argparse
import json
import resource
import statistics
import time

WARM_UP = 3


def arguments():
    parser = argparse.ArgumentParser(description="Time a training step and a prediction; prints one line of JSON.")
    parser.add_argument("config", help="a network as `nn-lab config MODEL` prints it")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8)
    return parser.parse_args()


def read(path):
    """The network's name, input shape, and layers as (class name, configuration)."""
    with open(path) as file:
        config = json.load(file)
    layers = [(layer["class_name"], layer["config"]) for layer in config["layers"]]
    return config["name"], config["input_shape"], layers


def samples(count, run):
    """Milliseconds of each of `count` runs, after a warm-up."""
    for _ in range(WARM_UP):
        run()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def report(engine, version, model, params, args, step, infer):
    """Times both and prints the line."""
    steps, inferences = samples(args.steps, step), samples(args.steps, infer)
    print(json.dumps({
        "engine": engine,
        "version": version,
        "model": model,
        "params": params,
        "batch": args.batch,
        "threads": args.threads,
        "step_ms": statistics.median(steps),
        "step_ms_min": min(steps),
        "infer_ms": statistics.median(inferences),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))
