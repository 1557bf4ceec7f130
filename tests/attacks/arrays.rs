//! Arrays in `.npy` files, and problems of benchmarks.

use super::harness::{Attack, attack};

const RUN: &str = "nn-lab run --model m.keras --input x.npy --output y.npy";

/// A dense layer from three numbers to two.
const MODEL: &str = "fuzz/corpus/keras_archive/good.keras";

/// An array's file: version, header, data.
fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16 + 1).to_le_bytes()),
        _ => bytes.extend((header.len() as u32 + 1).to_le_bytes()),
    }
    bytes.extend(header.as_bytes());
    bytes.push(b'\n');
    bytes.extend(data);
    bytes
}

fn header(kind: &str, shape: &str) -> String {
    format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}")
}

/// Two samples of three numbers for `good.keras`.
fn samples() -> Vec<u8> {
    npy(1, &header("<f4", "2, 3"), &[0; 24])
}

fn on_a_model(name: &'static str) -> Attack {
    attack(name, RUN).fixture(MODEL, "m.keras")
}

/// With a model and an array that fits it, as `m.keras` and `x.npy`.
pub fn with_inputs(attack: Attack) -> Attack {
    attack.fixture(MODEL, "m.keras").file("x.npy", samples())
}

fn run(name: &'static str, array: Vec<u8>) -> Attack {
    on_a_model(name).file("x.npy", array).ends(1, &["x.npy"]).after("test ! -e y.npy")
}

fn files() -> Vec<Attack> {
    let as_file =
        |name, setup: &str| on_a_model(name).setup(setup).ends(1, &["x.npy"]).after("test ! -e y.npy");
    let shape = |name, shape: &str| run(name, npy(1, &header("<f4", shape), &[0; 24]));
    vec![
        on_a_model("a good array").file("x.npy", samples()).after("test -s y.npy"),
        on_a_model("an array without samples")
            .file("x.npy", npy(1, &header("<f4", "0, 3"), &[]))
            .ends_in(&[0, 1], &[]),
        shape("an array of 0 times 2^64-1", "0, 18446744073709551615"),
        shape("an array of 2^63 times 2", "9223372036854775808, 2"),
        shape("an array of 2^62 numbers", "4611686018427387904,"),
        shape("an array of 2^32 by 2^32", "4294967296, 4294967296"),
        shape("an array of 2^64 numbers", "18446744073709551616,"),
        shape("an array of a negative size", "-2, 3"),
        shape("an array of one axis", "6,"),
        shape("an array of no axis", ""),
        shape("an array of 30,000 axes", &"1, ".repeat(30_000)),
        shape("an array that needs more than the file has", "2, 30"),
        run("an array with garbage behind it", [samples(), vec![7; 4096]].concat()),
        run("half an array", samples()[..90].into()),
        run("half an array's header", samples()[..40].into()),
        run("an empty array file", Vec::new()),
        run("text as an array", b"1 2 3\n".to_vec()),
        run("an array of version 9", npy(9, &header("<f4", "2, 3"), &[0; 24])),
        run(
            "an array with a header of 4 GB",
            [b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), vec![b' '; 100]].concat(),
        ),
        run("an array of objects", npy(1, &header("|O", "2, 3"), &[0; 48])),
        run("an array of texts", npy(1, &header("<U9", "2, 3"), &[0; 216])),
        run("an array of complex numbers", npy(1, &header("<c8", "2, 3"), &[0; 48])),
        run("an array of a type with commands in it", npy(1, &header("\u{1b}[2J", "2, 3"), &[0; 24])),
        run("an array with a header that is no dictionary", npy(1, "[1, 2]", &[0; 24])),
        run("an array with a header of brackets", npy(2, &"(".repeat(60_000), &[0; 24])),
        run(
            "an array of records",
            npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }", &[0; 24]),
        ),
        as_file("an array that is a pipe", "mkfifo x.npy"),
        as_file("an array that is a device", "ln -s /dev/zero x.npy"),
        as_file("an array that is a folder", "mkdir x.npy"),
        as_file("an array of 6 GB of nothing", "truncate -s 6G x.npy"),
        as_file("an array in the files of the system", "ln -s /proc/self/environ x.npy"),
    ]
}

fn benchmarks() -> Vec<Attack> {
    let bench = |name, arguments: &str| {
        attack(name, format!("nn-lab bench {arguments} --max-ms 1 --min-reps 1")).ends_in(&[1, 2], &[])
    };
    let compare = |name, setup: &str| {
        attack(name, "nn-lab bench compare a.json a.json").setup(setup).ends(1, &["a.json"])
    };
    vec![
        bench("2^32 images", "conv ic1ih8oc1kh3 --mb 4294967296"),
        bench("2^64-1 images", "conv ic1ih8oc1kh3 --mb 18446744073709551615"),
        bench("a problem of 2^31 by 2^31", "conv mb1_ic1ih2147483648oc1kh1"),
        bench("a problem with a number of 400 digits", "conv --batch list")
            .file("list", format!("ic{}ih8oc1kh3\n", "9".repeat(400))),
        bench("a problem without channels", "conv ic0ih8oc1kh3"),
        bench("a problem whose window is larger than the image", "conv ic1ih8oc1kh9"),
        bench("a problem with a stride of 0", "conv ic1ih8oc1kh3sh0"),
        bench("a problem that is no text", "conv '\u{1b}[2J'"),
        bench("a product of 2^40", "gemm 1099511627776,1099511627776,1"),
        bench("a product of nothing", "gemm 0,1,1"),
        bench("a list that is a pipe", "conv --batch list").setup("mkfifo list").ends(1, &["list"]),
        bench("a list that is a device", "conv --batch list")
            .setup("ln -s /dev/zero list")
            .ends(1, &["list"]),
        bench("a list of 5 GB of nothing", "conv --batch list")
            .setup("truncate -s 5G list")
            .ends(1, &["list"]),
        bench("a list that names itself", "conv --batch list").file("list", "--batch=list\n"),
        bench("a report on a folder", "conv ic1ih8oc1kh3 --json .").ends_in(&[1, 2], &[]),
        compare("a report that is a pipe", "mkfifo a.json"),
        compare("a report that is a device", "ln -s /dev/zero a.json"),
        compare("a report of 5 GB of nothing", "truncate -s 5G a.json"),
        compare("a report that is empty", ": > a.json"),
        compare("a report that is a list", "echo '[1, 2]' > a.json"),
        compare("a report of brackets", "head -c 100000 /dev/zero | tr '\\0' '[' > a.json"),
    ]
}

pub fn rows() -> Vec<Attack> {
    [files(), benchmarks()].into_iter().flatten().collect()
}
