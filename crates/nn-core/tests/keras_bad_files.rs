//! Damaged and deceiving files end in an error that names the file and the place, never in a panic.

mod keras_fixtures;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use keras_fixtures::{Expected, file};
use nn_core::keras::KerasError;
use nn_core::keras::weights::{self, SavedModel};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

fn read(bytes: &[u8]) -> Result<SavedModel, KerasError> {
    weights::read_model(bytes.to_vec(), Path::new("some.file"))
}

fn error(bytes: &[u8]) -> String {
    let error = read(bytes).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("some.file"), "{error}");
    error
}

#[test]
fn bad_hdf5_files() {
    let errors = Expected::read().errors;
    assert_eq!(errors.len(), 42);
    for (name, words) in errors {
        let path = file(&name);
        let error = weights::load(&path).map(drop).expect_err(&name).to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(words.iter().all(|word| error.contains(word)), "{error}: expected {words:?}");
    }
}

#[test]
fn files_of_other_kinds() {
    let tar = [vec![b'a'; 257], b"ustar\x0000".to_vec()].concat();
    let safetensors = [&22u64.to_le_bytes()[..], b"{\"a\": {\"dtype\": \"F32\"}}"].concat();
    let cases: Vec<(&[u8], &str)> = vec![
        (b"\x88HDF\r\n\x1a\n", "first bytes are unknown"),
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"{\"class_name\": \"Functional\"}", "a configuration alone has no weights"),
        (b"{\"modelTopology\": {}, \"weightsManifest\": []}", "tensorflowjs_converter"),
        (b"{\"name\": \"cnn1\", \"input_shape\": [1], \"layers\": []}", "network.json"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (&tar, "a tar archive; unpack it first"),
        (&safetensors, "a safetensors file"),
        (b"\x93NUMPY\x01\0", "NumPy"),
        (b"\x1c\0\0\0TFL3\0\0", "TensorFlow Lite"),
        (b"\x08\x01\x12\xff\x05\n", "a SavedModel of TensorFlow"),
        (b"\x08\x08\x12\x07pytorch", "an ONNX model"),
        (b"\x0a\x1b\x0a\x05input\x12\x0bPlaceholder", "a graph of TensorFlow"),
        (b"\x80\x02\x8a\nl\xfc", "PyTorch"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"PK\x03\x04", "zip"),
    ];
    for (bytes, words) in cases {
        let error = error(bytes);
        assert!(error.contains(words), "{error}: expected {words:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in [
        (folder.path(), "is a folder, expected a regular file"),
        (Path::new("/dev/zero"), "is a device, expected"),
    ] {
        let error = weights::load(path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let missing = weights::load(&folder.path().join("missing.h5")).unwrap_err();
    assert!(matches!(missing, KerasError::Io { .. }), "{missing}");
}

/// Folders and zip archives that hold a model in another form are told what they are and what to do.
#[test]
fn models_in_other_forms() {
    for (member, words) in [
        ("saved_model.pb", "a SavedModel of TensorFlow"),
        ("model.json", "a model of TensorFlow.js"),
        ("model.weights.h5", "was unpacked"),
        ("checkpoint", "a checkpoint of TensorFlow"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(member), "").unwrap();
        let error = weights::load_model(folder.path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let zips: [(&[&str], &str); 6] = [
        (&["model/saved_model.pb", "model/variables/variables.index"], "a SavedModel of TensorFlow"),
        (&["archive/data.pkl", "archive/data/0"], "PyTorch"),
        (&["a.npy", "b.npy"], ".npz"),
        (&["m/config.json", "m/metadata.json", "m/model.weights.h5"], "not their folder"),
        (&["config.json", "metadata.json", "model.weights.npz"], "weights as .npz"),
        (&["word/document.xml"], "missing from the archive"),
    ];
    for (members, words) in zips {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for member in members {
            zip.start_file(*member, SimpleFileOptions::default()).unwrap();
        }
        let error = error(&zip.finish().unwrap().into_inner());
        assert!(error.contains(words), "{error}");
    }
}

/// A file that is cut off anywhere is an error, or at least the arrays are whole: padding may be missing.
#[test]
fn truncated_files() {
    for name in ["form_latest.h5", "form_flat.h5", "separable.keras"] {
        let bytes = fs::read(file(name)).unwrap();
        let whole = read(&bytes).unwrap();
        for length in 0..bytes.len() {
            if let Ok(read) = read(&bytes[..length]) {
                assert!(read == whole, "{name}, {length} of {} bytes: other contents", bytes.len());
            }
        }
        error(&bytes[..bytes.len() / 2]);
    }
}

/// An archive with the given members, and for those not given the ones of a good archive.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut good = ZipArchive::new(Cursor::new(fs::read(file("separable.keras")).unwrap())).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for i in 0..good.len() {
        let mut member = good.by_index(i).unwrap();
        let name = member.name().unwrap().into_owned();
        if !members.iter().any(|(given, _)| *given == name) {
            zip.start_file(name, stored).unwrap();
            std::io::copy(&mut member, &mut zip).unwrap();
        }
    }
    let deflated = stored.compression_method(CompressionMethod::Deflated);
    for (name, bytes) in members {
        zip.start_file(*name, deflated).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_with_wrong_members() {
    assert!(read(&archive(&[("assets/vocabulary.txt", b"x")])).is_ok());
    let bomb = vec![b' '; 64 << 20];
    let bomb = bomb.as_slice();
    let (config, metadata, arrays) = ("config.json", "metadata.json", "model.weights.h5");
    let cases: Vec<(Vec<u8>, Vec<&str>)> = vec![
        (archive(&[(config, bomb)]), vec![config, "more than", "out of proportion"]),
        (archive(&[(arrays, bomb)]), vec![arrays, "more than", "out of proportion"]),
        (archive(&[(config, b"{")]), vec![config, "not a model's configuration"]),
        (
            archive(&[(config, b"{\"class_name\": \"Sequential\", \"config\": 1}")]),
            vec![config, "config: 1: expected an object"],
        ),
        (
            archive(&[(config, b"{\"class_name\": \"Subclassed\", \"config\": {}}")]),
            vec![config, "Subclassed"],
        ),
        (archive(&[(config, b"\xff")]), vec![config, "UTF-8"]),
        (archive(&[(metadata, b"[1]")]), vec![metadata]),
        (archive(&[(metadata, b"{}")]), vec![metadata, "keras_version"]),
        (archive(&[(arrays, b"PK\x03\x04")]), vec![arrays, "HDF5"]),
        (archive(&[("../../evil", b"x")]), vec!["../../evil", "leads out"]),
        (archive(&[("a/../../evil", b"x")]), vec!["leads out"]),
        (archive(&[("/etc/passwd", b"x")]), vec!["/etc/passwd", "leads out"]),
        (archive(&[("..\\evil", b"x")]), vec!["leads out"]),
        (archive(&[("C:\\evil", b"x")]), vec!["leads out"]),
    ];
    for (bytes, words) in cases {
        let error = error(&bytes);
        assert!(words.iter().all(|word| error.contains(word)), "{error}: expected {words:?}");
    }
}

/// Wrong archives that fuzzing begins with; `fuzz/make_corpus.py` says how they were made.
#[test]
fn archives_that_are_wrong_as_a_whole() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/keras_archive");
    let cases: [(&str, &[&str]); 9] = [
        ("bomb", &["config.json", "more than", "out of proportion"]),
        ("config_deep", &["config.json", "nested more than 100 deep"]),
        ("encrypted", &["metadata.json"]),
        ("method_unknown", &["metadata.json"]),
        ("name_twice", &["one name"]),
        ("weights_classic", &["model.weights.h5", "layers", "no such group"]),
        ("weights_empty", &["model.weights.h5", "HDF5"]),
        ("weights_zip", &["model.weights.h5", "HDF5"]),
        ("config_list", &["config.json", "not a model's configuration"]),
    ];
    for (name, words) in cases {
        let error = error(&fs::read(corpus.join(format!("{name}.keras"))).unwrap());
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}: expected {words:?}");
    }
    // What is beside the model is not looked at, nor is what stands before and behind the archive.
    for name in ["good", "deflated", "assets", "link", "prefix", "suffix"] {
        let model = read(&fs::read(corpus.join(format!("{name}.keras"))).unwrap()).unwrap();
        assert_eq!(model.weights.len(), 1, "{name}");
    }
}

/// A classic file of a whole model has its configuration in an attribute, and that is what an error names.
#[test]
fn whole_models_with_a_wrong_configuration() {
    let mut bytes = fs::read(file("residual_projection.h5")).unwrap();
    let class = b"\"Functional\"";
    let place = (0..bytes.len()).find(|&i| bytes[i..].starts_with(class)).unwrap();
    for (changed, words) in
        [("\"Fantasized\"", "\"Fantasized\" is not supported"), ("{Functional}", "not a model's")]
    {
        bytes[place..place + class.len()].copy_from_slice(changed.as_bytes());
        let error = error(&bytes);
        assert!(error.contains("@model_config") && error.contains(words), "{error}");
    }
}

/// A configuration may describe a network that its file has no weights for; it is refused before it takes memory.
#[test]
fn networks_that_are_larger_than_their_weights() {
    let sizes = [("[null, 3]", true), ("[null, 4]", false), ("[null, 1099511627776]", false)];
    for (shape, fits) in sizes {
        let config = format!(
            r#"{{"class_name": "Sequential", "config": [{{"class_name": "Dense",
                "config": {{"name": "dense", "units": 2, "batch_input_shape": {shape}}}}}]}}"#
        );
        let good = fs::read(file("../../../fuzz/corpus/keras_hdf5/keras3_latest.h5")).unwrap();
        let bytes = archive(&[("config.json", config.as_bytes()), ("model.weights.h5", &good)]);
        match read(&bytes).unwrap().into_network::<f32>(None, Path::new("some.file")) {
            Ok(network) => assert!(fits && network.count_params() == 8, "{shape}"),
            Err(error) => {
                assert!(!fits && error.to_string().contains("8 numbers are stored"), "{shape}: {error}")
            }
        }
    }
}

/// Changes the name of a member to one of the same length, wherever it stands.
fn renamed(name: &str, to: &str) -> Vec<u8> {
    let mut bytes = fs::read(file("separable.keras")).unwrap();
    let places: Vec<usize> =
        (0..bytes.len() - name.len()).filter(|&i| bytes[i..].starts_with(name.as_bytes())).collect();
    assert_eq!(places.len(), 2, "in the local and in the central header");
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[test]
fn archives_with_missing_and_double_members() {
    for name in ["config.json", "metadata.json", "model.weights.h5"] {
        let error = error(&renamed(name, &name.replace('.', "_")));
        assert!(error.contains(name) && error.contains("missing"), "{error}");
    }
    let mut double = archive(&[("zonfig.json", b"{}")]);
    let places: Vec<usize> =
        (0..double.len() - 11).filter(|&i| double[i..].starts_with(b"zonfig.json")).collect();
    for place in places {
        double[place] = b'c';
    }
    let error = error(&double);
    assert!(error.contains("one name"), "{error}");
}

/// Arrays and configuration that do not belong together.
#[test]
fn arrays_of_another_model() {
    let member = |name: &str| {
        let mut zip = ZipArchive::new(Cursor::new(fs::read(file(name)).unwrap())).unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut zip.by_name("model.weights.h5").unwrap(), &mut bytes).unwrap();
        bytes
    };
    let other = archive(&[("model.weights.h5", &member("numbering.keras"))]);
    let error = error(&other);
    assert!(error.contains("separable_conv2d") && error.contains("the file has no arrays for it"), "{error}");

    let path = file("sequential_cnn_classic.h5");
    let config = weights::load_model(&file("sequential_cnn.keras")).unwrap().config.unwrap();
    let spoil = |change: fn(&mut Vec<weights::LayerWeights>)| {
        let mut layers = weights::load(&path).unwrap();
        change(&mut layers);
        config.name_weights(layers, &path).unwrap_err().to_string()
    };
    // The first convolution has the shape [3, 3, 1, 4]: the same numbers as Theano or PyTorch order them.
    let transposed = spoil(|layers| {
        let kernel = &mut layers[0].weights[0].1;
        *kernel = kernel.t().as_standard_layout().into_owned().into_shared();
    });
    assert!(transposed.contains("shape [4, 1, 3, 3], expected [3, 3, any, 4]"), "{transposed}");
    let swapped = spoil(|layers| layers[0].weights.swap(0, 1));
    assert!(swapped.contains("\"conv2d\"") && swapped.contains("has shape [4]"), "{swapped}");
    let scalar = spoil(|layers| layers[0].weights[1].1 = nn_core::tensor(&[], vec![1.0]));
    assert!(scalar.contains("bias") && scalar.contains("shape []"), "{scalar}");
    let missing = spoil(|layers| drop(layers[0].weights.pop()));
    assert!(missing.contains("expected kernel, bias"), "{missing}");
    let fewer = spoil(|layers| drop(layers.remove(0)));
    assert!(fewer.contains("it has 4 layers with arrays, [conv2d,"), "{fewer}");
}
