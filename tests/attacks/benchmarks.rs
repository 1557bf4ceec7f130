//! `nn-lab`: lists of problems, reports to compare, sizes beyond the machine, and models of every origin.

use super::harness::{Attack, attack};

/// A benchmark that takes no time.
fn bench(name: &'static str, arguments: &str) -> Attack {
    attack(name, format!("nn-lab bench {arguments} --max-ms 1 --min-reps 1"))
}

/// A list that is measured as far as it can be.
fn list(name: &'static str, lines: &str) -> Attack {
    bench(name, "conv --batch list").file("list", lines)
}

fn lists() -> Vec<Attack> {
    let good = "mb1_ic1ih8oc1kh3n\"good\"\n";
    vec![
        list(
            "a list with every kind of line",
            &format!("ih8\nic8oc8_id5od5kd3pd1\nic1ih8oc1kh3kh3\n\u{1b}[2J\n{good}"),
        )
        .ends(1, &["list, line 1", "three dimensions", "kh is given twice", "line 4", "| good"]),
        list(
            "a list of what is two-dimensional in disguise",
            "ic3oc4_iw9kw3\nmb1ic1id1ih6iw4oc2od1kd1kh1kw1pd0\n",
        )
        .ends(0, &["verified 2 cases"]),
        list("a list of options", &format!("--reset\n--dir=BWD_W --cfg=f32 --stag=nhwc\n--mb=3 {good}"))
            .ends(0, &["--stag=nhwc", "| bwd_w", "| good"]),
        list("a list with a wrong option", &format!("--dir=SIDEWAYS\n--mb=x\n{good}"))
            .ends(1, &["line 1", "line 2", "| good"]),
        list("a list of another driver", &format!("--deconv\n{good}--conv\n{good}"))
            .ends(1, &["--deconv", "| good"]),
        list("lists that name each other", "--batch=other\n--batch=other\n")
            .file("other", format!("{good}--batch=list\n"))
            .ends(1, &["nested"]),
        list("a list of nothing but mistakes", "x\n").ends(1, &["line 1", "nothing is left to measure"]),
        bench("a list of a million mistakes", "conv --batch list")
            .setup("yes x | head -c 4000000 > list")
            .ends(1, &["more lines"]),
        bench("a list that is too long", "conv --batch list")
            .setup("yes x | head -c 5000000 > list")
            .ends(1, &["list", "4 MiB"]),
        bench("a list that is not there", "conv --batch list").ends(1, &["list", "No such file"]),
    ]
}

fn sizes() -> Vec<Attack> {
    let left_out = &["of memory; the limit is", "nothing is left to measure"];
    vec![
        bench("a product of 65536 cubed", "gemm 65536,65536,65536").ends(1, left_out),
        bench("a convolution with a window of 10^9", "conv mb1_ic1ih1000000000iw1oc1kh1000000000kw1")
            .ends(1, left_out),
        bench("65536 images in a step", "step cnn2 --batch 65536")
            .ends(1, &["batch 65536", "of memory; the limit is"]),
        bench("a good problem beside one of 2^32 images", "conv mb1_ic1ih8oc1kh3 mb4294967295_ic9ih99oc9kh3")
            .ends(1, &["left out", "verified 1 cases"]),
        bench("a label that is a formula", "conv 'ic1ih8oc1kh3n\"=cmd()\"' --csv a")
            .ends(0, &["verified 1 cases"])
            .after("grep -q \"'=cmd()\" a"),
        bench("two results for one file", "conv ic1ih8oc1kh3 --json a --csv a")
            .ends(2, &["only one result can go to a"])
            .after("test ! -e a"),
    ]
}

/// The report of a step with these samples, named `model`.
fn report(model: &str, samples: &str) -> String {
    format!(
        r#"{{"model": "{model}", "params": 1, "batch": 1, "threads": 1, "isa": "avx2", "step_ms": 1.0, "step_ms_min": 1.0,
        "infer_ms": 1.0, "gflops": 1.0, "peak_gflops": 1.0, "peak_rss_mb": null, "peak": {{"before": 1.0, "after": 1.0}},
        "step_samples_ms": [{samples}], "infer_samples_ms": [1.0, 1.1]}}"#
    )
}

fn reports() -> Vec<Attack> {
    let compare = |name, a: String, b: String| {
        attack(name, "nn-lab bench compare a.json b.json").file("a.json", a).file("b.json", b)
    };
    let of = |samples: &str| report("net", samples);
    let good = || of("1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7");
    vec![
        compare(
            "a change that chance may have made",
            of("1, 10, 1, 10, 1, 10, 1, 10"),
            of("9, 90, 9, 9, 9, 1, 1, 9"),
        )
        .ends(0, &[" undecided |", "measure longer"]),
        compare("a report with a sample of nothing", of("0, 1, 1, 1, 1, 1"), good())
            .ends(1, &["a.json", "0e0 ms"]),
        compare("a report with a sample without end", of("1e999, 1"), good()).ends(1, &["a.json"]),
        compare("a report without samples", of(""), good()).ends(1, &["a.json", "has no samples"]),
        compare("a report of another program", "{\"kind\": \"other\"}".into(), good())
            .ends(1, &["a.json", "nn-lab bench"]),
        compare("a report with other types", "{\"kind\": \"conv\", \"isa\": []}".into(), good())
            .ends(1, &["a.json", "nn-lab bench"]),
    ]
}

/// An array of one sample of 2304 numbers, the first of which is NaN.
fn not_a_number() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2304), }";
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").into_bytes());
    bytes.extend(f32::NAN.to_le_bytes());
    bytes.resize(128 + 4 * 2304, 0);
    bytes
}

fn models() -> Vec<Attack> {
    let on_a_run = |name, arguments: &str| {
        attack(name, format!("nn-lab run --output y.npy {arguments}"))
            .trained()
            .setup("fer data preview --per-class 1 -o p.png")
    };
    vec![
        on_a_run("a run as a model", "--model run --input p.png p.png").after("test -s y.npy"),
        on_a_run(
            "a run's network with its weights",
            "--config run/network.json --weights run/last.safetensors --input p.png",
        )
        .ends(0, &["values 0 to 255"])
        .after("test -s y.npy"),
        attack("the summary of a run", "nn-lab summary run").trained().ends(0, &["Total params"]),
        attack("the summary of weights", "nn-lab summary run/best.safetensors")
            .trained()
            .ends(1, &["network.json"]),
        on_a_run("a run with half its weights", "--model run --input p.png")
            .setup("truncate -s 100 run/best.safetensors")
            .ends(1, &["best.safetensors"]),
        on_a_run("a run with weights that are a pipe", "--model run --input p.png")
            .setup("rm run/best.safetensors; mkfifo run/best.safetensors")
            .ends(1, &["best.safetensors"]),
        on_a_run("an output that is not finite", "--model run --input x.npy")
            .file("x.npy", not_a_number())
            .ends(0, &["warning: 7 of 7 values are NaN or infinite; the first such is in the input"]),
        on_a_run("an input image that is a device", "--model run --input zero.png")
            .setup("ln -s /dev/zero zero.png")
            .ends(1, &["zero.png"]),
        on_a_run("an input that is neither array nor image", "--model run --input run/config.toml")
            .ends(1, &["config.toml", "PNG or JPEG"]),
        on_a_run("an array beside an image", "--model run --input x.npy p.png")
            .file("x.npy", b"\x93NUMPY")
            .ends(1, &["one array, or images"]),
        attack(
            "a model with 100,000 threads",
            "RAYON_NUM_THREADS=100000 nn-lab run --model run --input p.png --output y.npy",
        )
        .trained()
        .setup("fer data preview --per-class 1 -o p.png")
        .ends(2, &["RAYON_NUM_THREADS"])
        .after("test ! -e y.npy"),
    ]
}

pub fn rows() -> Vec<Attack> {
    [lists(), sizes(), reports(), models()].into_iter().flatten().collect()
}
