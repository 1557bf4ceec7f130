//! Networks and models of Keras: configurations that ask for what no machine has, names that lead elsewhere, files that
//! are something else.

use super::harness::{Attack, TRAIN, attack};

/// A network of one layer on faces, with a softmax over the classes behind it.
fn network(name: &str, class: &str, config: &str) -> String {
    format!(
        r#"{{"name": {name}, "input_shape": [48, 48, 1], "layers": [
            {{"class_name": "{class}", "config": {{{config}}}}},
            {{"class_name": "Flatten", "config": {{}}}},
            {{"class_name": "Dense", "config": {{"units": 7, "activation": "softmax"}}}}]}}"#
    )
}

/// Seven outputs of 2304 inputs, under a name.
fn named(name: &str) -> String {
    super::harness::TINY.replace(r#""tiny""#, name)
}

/// So many layers without names.
fn long(count: usize) -> String {
    let layers = [r#"{"class_name": "ReLU", "config": {}}"#].repeat(count).join(",");
    format!(r#"{{"name": "m", "input_shape": [48, 48, 1], "layers": [{layers}]}}"#)
}

/// `{"a": {"a": ..` or `[[..`, so deep.
fn nested(open: &str, depth: usize) -> String {
    open.repeat(depth)
}

fn sizes() -> Vec<Attack> {
    let summary = |name, class, config| {
        attack(name, "fer model summary m.json").file("m.json", network(r#""m""#, class, config)).ends(1, &[])
    };
    let train = |name, class, config| {
        attack(name, "fer train m.json --epochs 1 --limit 70")
            .file("m.json", network(r#""m""#, class, config))
            .ends(1, &[])
            .after("test ! -e runs/m/config.toml")
    };
    vec![
        // A summary takes no memory for what it counts.
        summary("summary of 1e9 units", "Dense", r#""name": "wide", "units": 1000000000000"#).ends(0, &["wide"]),
        summary("summary of 2^53 filters", "Conv2D", r#""name": "wide", "filters": 9007199254740992, "kernel_size": 3"#)
            .ends(1, &["wide", "address"]),
        summary("summary of 2^64-1 units", "Dense", r#""name": "wide", "units": 18446744073709551615"#),
        summary("summary of 2^64 units", "Dense", r#""name": "wide", "units": 18446744073709551616"#),
        summary("summary of a padding of 1e6", "ZeroPadding2D", r#""name": "edge", "padding": 1000000"#)
            .ends(0, &["edge"]),
        summary("summary of a padding of 1e9", "ZeroPadding2D", r#""name": "edge", "padding": 1000000000"#)
            .ends(1, &["edge", "address"]),
        summary("summary of a window of 2^62", "Conv2D", r#""filters": 1, "kernel_size": 4611686018427387904"#),
        summary("summary of a stride of 0", "Conv2D", r#""filters": 1, "kernel_size": 1, "strides": 0"#),
        summary("summary of 1e9 channels for each", "DepthwiseConv2D", r#""kernel_size": 3, "depth_multiplier": 1e9"#),
        summary(
            "summary of 2^40 channels for each",
            "DepthwiseConv2D",
            r#""name": "many", "kernel_size": 3, "depth_multiplier": 1099511627776"#,
        )
        .ends(0, &["many"]),
        summary("summary of a rate of NaN", "Dropout", r#""rate": NaN"#),
        summary("summary of a rate of 1e999", "Dropout", r#""rate": 1e999"#),
        summary("summary of negative units", "Dense", r#""units": -7"#),
        summary("summary of half a unit", "Dense", r#""units": 0.5"#),
        train("training of 1e12 units", "Dense", r#""name": "wide", "units": 1000000000000"#).ends(1, &["layer \"dense\"", "limit"]),
        train("training of a padding of 1e9", "ZeroPadding2D", r#""name": "edge", "padding": 1000000000"#)
            .ends(1, &["edge"]),
        train("training of a padding of 1e6", "ZeroPadding2D", r#""name": "edge", "padding": 1000000"#)
            .ends(1, &["layer \"dense\"", "limit"]),
        train(
            "training of 1e9 channels for each",
            "DepthwiseConv2D",
            r#""name": "many", "kernel_size": 3, "depth_multiplier": 1000000000"#,
        )
        .ends(1, &["layer \"dense\"", "limit"]),
        train("training with a penalty of 1e39", "Dense", r#""units": 7, "kernel_regularizer": {"l2": 1e39}"#)
            .ends(1, &["l2 = 1e39"]),
        train("training with an epsilon of 1e-46", "BatchNormalization", r#""epsilon": 1e-46"#)
            .ends(1, &["epsilon = 1e-46"]),
        attack("a summary of 20,000 layers", "fer model summary m.json > table && tail -9 table")
            .file("m.json", long(20_000))
            .ends(0, &["re_lu_19999"])
            .within(20),
        train("training with an unknown key", "Dense", r#""units": 7, "unitz": 8"#).ends(1, &["m.json", "unitz"]),
        attack("an input of 2^32 by 2^32", "fer model summary m.json")
            .file("m.json", r#"{"name": "m", "input_shape": [4294967296, 4294967296, 4], "layers": []}"#)
            .ends(1, &[]),
        attack("an input without pixels", "fer model summary m.json")
            .file("m.json", r#"{"name": "m", "input_shape": [0, 48, 1], "layers": [{"class_name": "Flatten", "config": {}}]}"#)
            .ends(1, &[]),
        attack("an input of 22,000 axes", "nn-lab summary m.json; fer model summary m.json")
            .file("m.json", format!(r#"{{"name": "m", "input_shape": {:?}, "layers": [{{"class_name": "Flatten", "config": {{}}}}]}}"#, [1; 22_000]))
            .ends(1, &["m.json", "22000 axes"]),
        attack("a layer that is far too large, in front of another", "fer model summary m.json")
            .file("m.json", network(r#""m""#, "Conv2D", r#""name": "wide", "filters": 281474976710656, "kernel_size": 3"#))
            .ends(1, &["m.json", "\"wide\"", "limit"]),
        attack("a network of no layers", "fer train m.json --epochs 1 --limit 70")
            .file("m.json", r#"{"name": "m", "input_shape": [48, 48, 1], "layers": []}"#)
            .ends(1, &[]),
    ]
}

fn texts() -> Vec<Attack> {
    let read = |name, content: String| {
        attack(name, "fer model summary m.json").file("m.json", content).ends(1, &["m.json"])
    };
    let with_key = |name, key: &str| {
        let class = r#""class_name": "Dense""#;
        read(name, named(r#""m""#).replace(class, &format!("{class}, {key}")))
    };
    vec![
        read("an empty network", String::new()),
        read("half a network", named(r#""m""#)[..60].into()),
        read("a network of 100,000 brackets", nested("[", 100_000)),
        read("a network of 100,000 objects", nested(r#"{"name":"#, 100_000)),
        read("a network that is a number", "7".into()),
        read("a network with a number of 400 digits", named(&"9".repeat(400))),
        read("a network with a class of 100,000 letters", network(r#""m""#, &"x".repeat(100_000), "")),
        read("a network with a terminal's commands in it", network(r#""m""#, "\\u001b[2J\\u0007", "")),
        read("a network of 2 MB", format!("{}{}", named(r#""m""#), " ".repeat(2 << 20))),
        with_key("a class of one's own", r#""registered_name": "mine>Dense""#)
            .ends(1, &["m.json", "unknown key \"registered_name\""]),
        with_key("an unknown key next to a class", r#""zz": 1"#).ends(1, &["m.json", "unknown key \"zz\""]),
        attack("a network with a mark before it", "fer model summary m.json")
            .file("m.json", format!("\u{feff}{}", named(r#""m""#))),
        read("a network twice", named(r#""m""#).repeat(2)),
        read("a network in UTF-16", "\u{feff}{\0}\0".into()),
        attack("a network that is not text", "fer model summary m.json")
            .file("m.json", [0xff, 0xfe, 0x7b, 0x00])
            .ends(1, &["m.json"]),
        attack("a network that is a folder", "mkdir m.json; fer train m.json").ends(1, &["m.json"]),
        attack("a network that is a pipe", "fer train m.json").setup("mkfifo m.json").ends(1, &["m.json"]),
        attack("a network that is a device", "fer model summary m.json")
            .setup("ln -s /dev/zero m.json")
            .ends(1, &["m.json"]),
        attack("a network of 5 GB of nothing", "fer model summary m.json")
            .setup("truncate -s 5G m.json")
            .ends(1, &["m.json"]),
        attack("a network in the files of the system", "fer model summary m.json")
            .setup("ln -s /proc/self/environ m.json")
            .ends(1, &["m.json"]),
        attack("a network that is not there", "fer train nothing.json").ends(1, &["nothing.json"]),
        attack("a network that links to itself", "fer train m.json")
            .setup("ln -s m.json m.json")
            .ends(1, &["m.json"]),
    ]
}

fn names() -> Vec<Attack> {
    let escape = |label, name: &str| {
        attack(label, "mkdir -p deep/er; cd deep/er; fer train ../../m.json --epochs 1 --limit 70")
            .file("m.json", named(name))
            .ends_in(&[1, 2], &[])
            .after("test ! -e deep/escaped && test ! -e escaped && test ! -e /escaped && test ! -e deep/er/runs/config.toml")
    };
    vec![
        escape("a name that leads out", r#""../../escaped""#),
        escape("a name that leads to the top", r#""/escaped""#),
        escape("an empty name", r#""""#),
        escape("a name that is a dot", r#"".""#),
        escape("a name that is two dots", r#""..""#),
        escape("a name with a line break", r#""a\nb""#),
        escape("a name with a NUL", r#""a\u0000b""#),
        escape("a name of 10,000 letters", &format!("{:?}", "x".repeat(10_000))),
        escape("a name that commands the terminal", r#""\u001b]0;owned\u0007""#),
        escape("a name of backslashes", r#""..\\..\\escaped""#),
    ]
}

fn outputs() -> Vec<Attack> {
    let train = |name, units: &str| {
        attack(name, "fer train m.json --epochs 1 --limit 70")
            .file("m.json", super::harness::TINY.replace(r#""units": 7"#, &format!(r#""units": {units}"#)))
            .ends(1, &["outputs", "classes"])
            .after("test ! -e runs")
    };
    vec![
        train("five outputs for seven classes", "5"),
        train("eight outputs for seven classes", "8"),
        train("nine outputs for seven classes", "9"),
        train("ten outputs for seven classes", "10"),
        attack("a learning rate of 1e-46", format!("{TRAIN} --lr 1e-46")).ends_in(&[1, 2], &["lr"]),
        attack("a learning rate of 1e39", format!("{TRAIN} --lr 1e39")).ends_in(&[1, 2], &["lr"]),
        attack("a learning rate of NaN", format!("{TRAIN} --lr nan")).ends_in(&[1, 2], &["lr"]),
        attack("a negative learning rate", format!("{TRAIN} --lr -1")).ends_in(&[1, 2], &["lr"]),
        attack("epochs beyond counting", format!("{TRAIN} --epochs 99999999999999999999"))
            .ends(2, &["--epochs"]),
        attack("a batch of 0", "fer train tiny.json --batch 0").ends_in(&[1, 2], &["batch"]),
        attack("a batch larger than the data", format!("{TRAIN} --batch 1000000")).ends(2, &["batch"]),
        attack("a seed beyond TOML", format!("{TRAIN} --seed 18446744073709551615"))
            .ends_in(&[1, 2], &["seed"]),
        attack("a million threads", format!("{TRAIN} --threads 1000000")).ends_in(&[1, 2], &["threads"]),
    ]
}

fn keras() -> Vec<Attack> {
    let archive = |name, file: &str| {
        attack(name, "nn-lab summary m.keras --input 3")
            .fixture(&format!("fuzz/corpus/keras_archive/{file}.keras"), "m.keras")
            .ends(1, &["m.keras"])
    };
    let weights = |name, file: &str| {
        attack(name, "nn-lab summary m.h5 --input 3")
            .fixture(&format!("tests/golden/keras_files/bad/{file}.h5"), "m.h5")
            .ends(1, &["m.h5"])
    };
    let config = |name, file: &str| {
        attack(name, "nn-lab summary m.json")
            .fixture(&format!("fuzz/corpus/keras_config/{file}.json"), "m.json")
            .ends(1, &["m.json"])
    };
    vec![
        archive("an archive that grows 1000 times", "bomb"),
        archive("an archive with a name that leads out", "name_up"),
        archive("an archive with a link", "link").ends_in(&[0, 1], &[]),
        archive("an archive that is encrypted", "encrypted"),
        archive("an archive with a name twice", "name_twice"),
        archive("an archive without weights", "no_weights"),
        archive("an archive with half a configuration", "config_cut"),
        archive("an archive with a deep configuration", "config_deep"),
        weights("weights whose groups form a ring", "cycle"),
        weights("weights of 2^40 numbers", "huge_contiguous"),
        weights("compressed weights of 2^40 numbers", "huge_compressed"),
        weights("weights with an overflowing shape", "overflowing_shape"),
        weights("weights that lie outside the file", "external_storage"),
        weights("weights that are not numbers", "nan"),
        weights("weights of a million names", "names_million"),
        config("a configuration of 2^62 units", "huge_dense"),
        config("a configuration with a padding of 2^63", "huge_padding"),
        config("a configuration with a window of 2^63", "huge_window"),
        config("a configuration with 2^61 groups", "huge_groups"),
        config("a configuration of 1000 brackets", "deep"),
        config("a configuration with a ring of layers", "cycle"),
        attack("a model that is a pipe", "nn-lab summary m.keras")
            .setup("mkfifo m.keras")
            .ends(1, &["m.keras"]),
        attack("a model that is a device", "nn-lab summary m.h5")
            .setup("ln -s /dev/zero m.h5")
            .ends(1, &["m.h5"]),
        attack("a model of 50 GB of nothing", "nn-lab summary m.keras")
            .setup("truncate -s 50G m.keras")
            .ends(1, &["m.keras"]),
        attack("a configuration of 5 GB of nothing", "nn-lab summary m.json")
            .setup("truncate -s 5G m.json")
            .ends(1, &["m.json"]),
        attack("a configuration of 300 MB of blanks", "nn-lab summary m.json")
            .setup("head -c 300000000 /dev/zero | tr '\\0' ' ' > m.json")
            .ends(1, &["m.json"]),
        attack("9,000 layers", "nn-lab summary m.json")
            .file("m.json", many_layers(9_000))
            .ends_in(&[0, 1], &[])
            .within(20),
        attack("a million layers", "nn-lab summary m.json")
            .file("m.json", many_layers(1_000_000))
            .ends(1, &["m.json", "8 MiB"]),
    ]
}

/// A sequential model of Keras 2 with so many layers.
fn many_layers(count: usize) -> String {
    let first =
        r#"{"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [null, 2]}}"#;
    let layers: String = (0..count)
        .map(|n| {
            format!(r#", {{"class_name": "Activation", "config": {{"name": "a{n}", "activation": "relu"}}}}"#)
        })
        .collect();
    format!(r#"{{"class_name": "Sequential", "config": {{"name": "s", "layers": [{first}{layers}]}}}}"#)
}

pub fn rows() -> Vec<Attack> {
    [sizes(), texts(), names(), outputs(), keras()].into_iter().flatten().collect()
}
