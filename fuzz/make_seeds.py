#!/usr/bin/env python3
"""Makes what fuzzing of our own files begins with, and of tables, images and arrays: corpus/TARGET for all targets but
keras_* (those are make_corpus.py's).

    python -m venv venv && venv/bin/pip install pillow==12.0.0 optuna==5.0.0
    cargo build --bin fer && venv/bin/python fuzz/make_seeds.py target/debug/fer

Small valid files, and a few that are nearly so; fuzzing finds the rest.
"""

import contextlib
import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import optuna
from PIL import Image

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
FER = Path(sys.argv[1]).resolve()


def write(target, **files):
    folder = CORPUS / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


# ---- tables --------------------------------------------------------------------------------------------------------


def table(header, rows, end="\n"):
    return end.join([header, *rows]) + end


def tables():
    face = " ".join(["7"] * 2304)
    usages = ["Training", "PublicTest", "PrivateTest"]
    rows = [f"{label},{face},{usage}" for label, usage in enumerate(usages)]
    whole = table("emotion,pixels,Usage", rows)
    write(
        "csv",
        whole=whole,
        quoted=table("emotion,Usage,pixels", [f'{i},{u},"{face}"' for i, u in enumerate(usages)], "\r\n"),
        compressed=gzip.compress(whole.encode(), mtime=0),
        compressed_cut=gzip.compress(whole.encode(), mtime=0)[:-9],
        header_only="emotion,pixels,Usage\n",
        no_usage=table("emotion,pixels", [f"0,{face}"]),
        bad_level=whole.replace("7 7", "7 256", 1),
        tar=b"faces.csv".ljust(257, b"\0") + b"ustar\0" + b"00" * 100,
        zip=b"PK\3\4" + bytes(40),
    )


# ---- images --------------------------------------------------------------------------------------------------------


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def image(mode, form, size=(8, 6), **options):
    picture = Image.new(mode, size)
    picture.putdata([tuple((7 * i + c) % 256 for c in range(len(picture.getbands()))) for i in range(size[0] * size[1])]
                    if len(picture.getbands()) > 1 else [7 * i % 256 for i in range(size[0] * size[1])])
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def images():
    exif = Image.Exif()
    exif[274] = 6
    grey = image("L", "PNG")
    jpeg = image("L", "JPEG")
    write(
        "image",
        grey_png=grey,
        colour_png=image("RGB", "PNG"),
        alpha_png=image("RGBA", "PNG"),
        palette_png=image("P", "PNG"),
        one_bit_png=image("1", "PNG"),
        grey_jpeg=jpeg,
        colour_jpeg=image("RGB", "JPEG", exif=exif),
        progressive_jpeg=image("RGB", "JPEG", progressive=True),
        cmyk_jpeg=image("CMYK", "JPEG"),
        half_png=grey[: len(grey) // 2],
        half_jpeg=jpeg[: len(jpeg) - 20],
        trailing_png=grey + b"more",
        trailing_jpeg=jpeg + b"more",
        lying_png=b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 200, 200, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0\1")) + chunk(b"IEND", b""),
    )


# ---- arrays and benchmarks -----------------------------------------------------------------------------------------


def npy(descr, shape, data, version=1, fortran="False"):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header.encode() + data


def arrays():
    write(
        "npy",
        f4=npy("<f4", "(2, 3)", struct.pack("<6f", *range(6))),
        f8=npy("<f8", "(2,)", struct.pack("<2d", 1, 2), version=2),
        big_endian=npy(">f4", "(2,)", struct.pack(">2f", 1, 2)),
        u1=npy("|u1", "(3,)", bytes(3)),
        i8=npy("<i8", "()", struct.pack("<q", -1)),
        f2=npy("<f2", "(2,)", struct.pack("<2e", 1, 2)),
        bool=npy("|b1", "(2,)", b"\0\1"),
        fortran=npy("<f4", "(2, 2)", struct.pack("<4f", *range(4)), fortran="True"),
        huge=npy("<f4", "(0, 18446744073709551615)", b""),
        trailing=npy("<f4", "(1,)", struct.pack("<2f", 1, 2)),
        cut=npy("<f4", "(9,)", struct.pack("<2f", 1, 2)),
        objects=npy("|O", "(1,)", bytes(8)),
        records=npy("<f4", "(1,)", bytes(4)).replace(b"'<f4'", b"[('a', '<f4')]"),
    )
    write(
        "problems",
        full='mb256_ic32ih44_oc32_kh3_n"cnn1:conv2d_1"\nmb2_g4ic8ih9iw7oc8oh4ow3kh3kw5sh2sw2ph1pw2dh0dw0\n',
        depth="mb1ic32id1ih67iw4oc48od1oh23ow5kd1kh1kw1sd1sh3sw1pd0ph0pw1dd0dh0dw0\nic4iw9oc4kw3\n",
        huge="mb4294967295_ic4294967295ih4294967295oc4294967295kh1\nic1ih1oc1kh1sh0\n",
        options="--reset --dir=FWD_B --mb=2\n# a comment\nic3ih224oc64kh7sh2ph3n\"resnet:conv1\"\n",
    )
    timing = {"samples_ms": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], "median_ms": 1.25, "min_ms": 1.0, "cv": 0.1}
    step = {"model": "cnn1", "params": 1, "batch": 256, "threads": 2, "isa": "avx2", "step_ms": 1.0, "step_ms_min": 1.0,
            "infer_ms": 1.0, "gflops": 1.0, "peak_gflops": 1.0, "peak_rss_mb": None, "peak": {"before": 1.0, "after": 1.0},
            "step_samples_ms": timing["samples_ms"], "infer_samples_ms": timing["samples_ms"]}
    write("comparison", step=json.dumps(step), conv='{"kind": "conv", "entries": []}', gemm='{"kind": "gemm", "entries": []}',
          list="[1, 2]", deep="[" * 300)


# ---- networks, weights, states, runs -------------------------------------------------------------------------------


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (shape, values) in tensors.items():
        content = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def layer(kind, **config):
    return {"class_name": kind, "config": config}


SMALL = {
    "name": "small",
    "input_shape": [48, 48, 1],
    "layers": [
        layer("Conv2D", filters=1, kernel_size=3, strides=16),
        layer("BatchNormalization"),
        layer("GlobalAveragePooling2D"),
        layer("Dense", units=7, activation="softmax"),
    ],
}


def networks():
    every = {
        "name": "every",
        "input_shape": [8, 8, 2],
        "layers": [
            layer("Rescaling", scale=0.5, offset=1.0),
            layer("ZeroPadding2D", padding=[[1, 0], [0, 1]]),
            layer("Conv2D", filters=2, kernel_size=[3, 2], strides=1, padding="same", use_bias=False, activation="relu",
                  kernel_regularizer={"l2": 0.001}),
            layer("Residual", main=[layer("Conv2D", filters=2, kernel_size=1)], shortcut=[]),
            layer("DepthwiseConv2D", kernel_size=3, depth_multiplier=2),
            layer("ReLU", max_value=6.0),
            layer("MaxPooling2D", pool_size=2),
            layer("AveragePooling2D", pool_size=[1, 2]),
            layer("Dropout", rate=0.5),
            layer("Flatten"),
            layer("Activation", activation="elu"),
            layer("Dense", units=3, activation="softmax"),
        ],
    }
    huge = {**SMALL, "layers": [layer("Dense", units=2**53)]}
    write("network", small=json.dumps(SMALL), every=json.dumps(every), huge=json.dumps(huge),
          named=json.dumps({**SMALL, "name": "../../up"}), deep="[" * 300, cut=json.dumps(every)[:-30])
    good = {"a/kernel": ([3, 2], range(6)), "a/bias": ([2], [0, 0]), "b/gamma": ([2], [1, 1]), "b/beta": ([2], [0, 0]),
            "b/moving_mean": ([2], [0, 0]), "b/moving_variance": ([2], [1, 1])}
    whole = safetensors(good)
    write("weights", whole=whole, half=whole[: len(whole) // 2], nan=safetensors({**good, "a/bias": ([2], [float("nan"), 0])}),
          missing=safetensors({"a/kernel": ([3, 2], range(6))}), more=safetensors({**good, "c": ([1], [0])}),
          shape=safetensors({**good, "a/kernel": ([2, 3], range(6))}),
          huge=safetensors({**good, "a/bias": ([0, 2**63 - 1], [])}), header=b"\xff" * 7 + b"\x7f{}", empty=b"",
          features=safetensors({"base/sum": ([2, 2], range(4))}, {"layers": json.dumps([["base", ["sum"]]])}))
    write("statistics", mean=safetensors({"mean": ([1], [0.5]), "std": ([1], [0.25])}),
          whitening=safetensors({"mean": ([2], [0, 0]), "zca_whitening": ([2, 2], [1, 0, 0, 1])}),
          negative=safetensors({"std": ([1], [-1.0])}), huge=safetensors({"zca_whitening": ([0, 2**40], [])}))


def runs():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "small.json").write_text(json.dumps(SMALL))
        train = [FER, "train", "small.json", "--limit", "70", "--epochs", "3", "--run", "run", "--checkpoint-minutes", "0"]
        process = subprocess.Popen([*train, "--patience", "2"], cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        states = {}
        while process.poll() is None:
            for path in (folder / "run" / "checkpoints").glob("*.safetensors"):
                # The run keeps two, and may have removed this one meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    states.setdefault(path.name, path.read_bytes())
        state = max(states.values(), key=len)
        write("state", whole=state, half=state[: len(state) // 2], version=state.replace(b'\\"version\\":1', b'\\"version\\":9'))
        names = ["network.json", "result.json", "config.toml", "metrics.csv", "env.json", "confusion.csv", "predictions.csv",
                 "transform.json"]
        files = {}
        for place, name in enumerate(names):
            content = (folder / "run" / name).read_bytes()
            content = content.replace(os.fsencode(folder), b"folder")
            files[name.replace(".", "_")] = bytes([place]) + content[:3000]
        # Of its own network the run that the target lays out knows two classes.
        files["predictions_csv"] = b"\6index,label,predicted,A,B\n0,0,0,0.75,0.25\n1,1,0,0.75,0.25\n"
        files["predictions_long"] = b"\6index,label,predicted,A,B\n0,0,0,0.75,0.25,0.5\n"
        files["metrics_nan"] = b"\3epoch,accuracy,loss,val_accuracy,val_loss,lr,seconds\n0,NaN,inf,,1e308,0.001,-1\n"
        write("run", **files)


def studies():
    trials = "trial,status,activation_fn,conv_kernel_size,dropout_prob,optimizer,val_acc,epochs,seconds,seed,repeats\n"
    write(
        "study",
        settings=b'\0scale = "full"\ndata = "fer2013"\nweights-dir = "weights"\nseed = 1\nseeds = 3\ntrials = 15\n',
        measures="\1run,measure,test_acc,test_loss\nfnn/fnn1,best,0.5,1.5\ncnn/cnn1,raw,0.25,2.5\n",
        trials="\2" + trials + "0,complete,relu,1,0.5,adam,0.25,10,1.5,7,\n1,repeated,elu,3,0.25,sgd,,1,0.5,8,0\n2,failed,elu,5,0,sgd,,,,,\n",
        trials_nan="\2" + trials + "0,complete,relu,1,NaN,adam,inf,10,-1.5,7,18446744073709551615\n",
        importances="\3parameter,importance\noptimizer,0.75\ndropout_prob,0.25\n",
        types='\0scale = "half"\nseed = -1\n',
    )


def settings():
    write(
        "settings",
        train='model = "cnn1"\nepochs = 3\nbatch = 7\noptimizer = "sgd"\nlr = 0.01\nmomentum = 0.9\npatience = 2\nseed = 7\n',
        generator='rotation_range = 20.0\nwidth_shift_range = 0.2\nzoom_range = [0.8, 1.2]\nfill_mode = "nearest"\n'
        'horizontal_flip = true\nbrightness_range = [0.5, 1.5]\nrescale = 0.5\ncval = 1.0\nfeaturewise_center = true\n',
        augment='model = "cnn1"\n[augment]\nvariant = "4"\nraw_test = true\n',
        finetune='model = "ft2"\nepochs = 1\n[finetune]\nweights = "random"\n',
        unknown="epochz = 3\n",
        types='epochs = "many"\nlr = nan\n',
        dates="epochs = 1979-05-27T07:32:00Z\n",
    )
    write("place", sqlite="runs/study.db", journal="s.journal", postgres="postgresql://user:secret@host:5432/name?sslmode=require",
          one_slash="postgresql:/user:secret@host/name", at="postgresql://u:s3cr3t@pw@h/d", keywords="host=h password=secret",
          other="mysql://u:p@h/d", escapes="postgresql://u:%73%zz@h/d", terminal="\x1b[2J.db")


# ---- searches ------------------------------------------------------------------------------------------------------


def searches():
    write(
        "space",
        tree='[optimizer]\nchoices = ["sgd", "adam"]\n[lr]\nlow = 1e-4\nhigh = 0.1\nlog = true\n[units]\ntype = "int"\nlow = 2\n'
        'high = 64\nstep = 2\n[warmup]\ntype = "bool"\n[momentum]\nlow = 0.0\nhigh = 0.99\nwhen = { optimizer = "sgd" }\n'
        '[w]\ntype = "normal"\nmu = 0.0\nsigma = 1.0\n',
        json='{"x": {"low": -1.0, "high": 1.0}, "k": {"choices": [1, 3, 5], "ordered": true}, "n": {"choices": [null, true, NaN]}}',
        huge="[n]\nlow = 0\nhigh = 9223372036854775807\n",
        ring='[a]\nchoices = [1, 2]\nwhen = { b = 1 }\n[b]\nchoices = [1, 2]\nwhen = { a = 1 }\n',
        wrong="[x]\nlow = 1.0\nhigh = nan\n",
    )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "s.journal"
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(place)))
        database = Path(folder) / "s.db"
        for storage, name in ((storage, "journal"), (f"sqlite:///{database}", "database")):
            study = optuna.create_study(storage=storage, study_name="s", sampler=optuna.samplers.RandomSampler(0))
            study.set_user_attr("note", {"a": [1, None]})
            study.enqueue_trial({"x": 0.5})

            def objective(trial):
                x = trial.suggest_float("x", -1, 1) + trial.suggest_int("n", 1, 9, log=True)
                trial.suggest_categorical("c", ["a", None, 1.5, True])
                trial.report(x, 3)
                if trial.number == 2:
                    raise optuna.TrialPruned
                return x

            study.optimize(objective, n_trials=3)
        text = place.read_bytes()
        write("journal", whole=text, half=text[: len(text) // 2], text=b"no journal\n", unknown=b'{"op_code": 99, "worker_id": "a"}\n',
              orphan=b'{"op_code": 4, "worker_id": "a", "study_id": 7}\n', list=b"[1, 2]\n")
        content = database.read_bytes()
        write("sqlite", whole=content, half=content[: len(content) // 2], text=b"no database\n", empty=b"")


tables()
images()
arrays()
networks()
runs()
studies()
settings()
searches()
