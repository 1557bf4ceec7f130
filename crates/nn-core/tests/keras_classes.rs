//! Whose classes a configuration names, along which axes they work, and what messages repeat of it.

mod keras_described;

use std::path::Path;

use keras_described::{add, error, functional, in_words, input, keras_3, read, relu, sequential, single};
use nn_core::keras::config::ModelConfig;
use serde_json::{Value, json};

#[test]
fn classes_that_are_not_keras_own_are_refused() {
    let dense = || json!({"units": 3});
    let own = "is not Keras's own";
    let cases = [
        (json!({"registered_name": "mylab>Dense"}), own),
        (json!({"registered_name": "mylab>Dense", "module": null}), "mylab>Dense"),
        (json!({"registered_name": "Dense", "module": null}), "one of the script"),
        (json!({"module": null}), "one of the script"),
        (json!({"module": "mylab.layers", "registered_name": "Dense"}), "\"mylab.layers.Dense\""),
        (json!({"module": "__main__", "registered_name": "Dense"}), "\"__main__.Dense\""),
        (json!({"module": "keras_cv.layers"}), "\"keras_cv.layers.Dense\""),
        (json!({"module": "kerasx.layers"}), own),
        (json!({"module": "keras.losses"}), "\"keras.losses.Dense\""),
        (json!({"module": "keras.src.ops.numpy", "registered_name": "Dense"}), own),
        (json!({"module": 3}), own),
        (json!({"registered_name": 3}), own),
        (json!({"class_name": "Custom>Dense"}), "the class Custom>Dense is not supported"),
    ];
    for (beside, words) in cases {
        let error = error(&keras_3("Dense", beside.clone(), dense()));
        assert!(error.contains("layer \"one\"") && error.contains(words), "{beside}: {error}");
    }
    // Wherever an argument is an object.
    let own_object =
        json!({"module": "mylab", "class_name": "Zeros", "config": {}, "registered_name": "mylab>Zeros"});
    let older = json!({"class_name": "mylab>L2", "config": {"l2": 0.1}});
    let function = json!({"module": "mylab.acts", "class_name": "function", "config": "relu", "registered_name": "relu"});
    for (argument, value) in [
        ("kernel_initializer", own_object.clone()),
        ("bias_regularizer", older),
        ("activity_regularizer", own_object.clone()),
        ("kernel_constraint", own_object.clone()),
        ("dtype", json!({"module": "mylab", "class_name": "DTypePolicy", "config": {"name": "float32"}})),
        ("activation", function),
        ("kernel_initializer", json!({"class_name": "Wrapped", "config": {"inner": [own_object]}})),
    ] {
        let mut config = dense();
        config[argument] = value;
        let error = error(&keras_3("Dense", json!({}), config));
        assert!(error.contains("layer \"one\"") && error.contains(own), "{argument}: {error}");
    }
    for (beside, own) in
        [(json!({"registered_name": "mylab>Sequential"}), true), (json!({"module": "keras"}), false)]
    {
        let mut model = keras_3("Dense", json!({}), dense());
        for (name, value) in beside.as_object().unwrap() {
            model[name] = value.clone();
        }
        assert_eq!(read(&model).is_err(), own, "{beside}");
    }
}

/// What Keras itself writes for its own classes.
#[test]
fn keras_own_classes_are_read() {
    let function = json!({"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"});
    let cases = [
        (json!({}), json!({"units": 3})),
        (json!({"module": "keras.src.layers.core.dense", "registered_name": "Dense"}), json!({"units": 3})),
        (json!({"module": "tf_keras.src.layers.core.dense", "registered_name": null}), json!({"units": 3})),
        (json!({"build_config": {"input_shape": [null, 3]}, "shared_object_id": 7}), json!({"units": 3})),
        (
            json!({}),
            json!({"units": 3, "activation": function, "dtype": {"module": "keras", "class_name": "DTypePolicy",
                "config": {"name": "mixed_float16"}, "registered_name": null}}),
        ),
    ];
    for (beside, config) in cases {
        read(&keras_3("Dense", beside, config)).unwrap();
    }
    // `x + y` of two layers' outputs.
    let mut sum = add("sum", ["r", "x"]);
    sum["module"] = json!("keras.src.ops.numpy");
    sum["registered_name"] = json!("Add");
    read(&functional(vec![input(), relu("r", "x"), sum], "sum")).unwrap();
}

#[test]
fn members_that_keras_does_not_write_are_refused() {
    let dense = || json!({"units": 3});
    let of_layer = error(&keras_3("Dense", json!({"activation": "relu"}), dense()));
    assert!(of_layer.contains("layer \"one\": beside its config, activation = \"relu\""), "{of_layer}");
    let renamed = error(&keras_3("Dense", json!({"name": "two"}), dense()));
    assert!(renamed.contains("another name, \"two\""), "{renamed}");
    let mut model = keras_3("Dense", json!({}), dense());
    model["layers"] = json!([1, {"class_name": "Dense"}]);
    assert!(error(&model).contains("beside its config, layers = [1, an object of class \"Dense\"]"));
    let mut model = keras_3("Dense", json!({}), dense());
    model["config"]["activation"] = json!("relu");
    assert!(error(&model).contains("config: activation = \"relu\" is not supported"));
}

#[test]
fn the_last_axis_however_written_and_no_other() {
    let build = |layers: Value, input: &[usize]| {
        let config = read(&sequential(layers)).unwrap();
        config.build::<f32>(Some(input), Path::new("model.json")).map(drop).map_err(|error| error.to_string())
    };
    let one =
        |class: &str, axis: &Value| json!([{"class_name": class, "config": {"name": "one", "axis": axis}}]);
    let samples: [&[usize]; 3] = [&[4], &[3, 4], &[2, 3, 4]];
    for class in ["BatchNormalization", "Softmax"] {
        for input in samples {
            let last = input.len();
            for axis in [json!(-1), json!([-1]), json!(last), json!([last]), json!(null)] {
                build(one(class, &axis), input).unwrap_or_else(|error| panic!("{input:?}: {error}"));
            }
            for axis in [json!(0), json!([last + 1]), json!(last - 1), json!([-2]), json!(i64::MIN)] {
                let error = build(one(class, &axis), input).unwrap_err();
                in_words(&error);
                let words = format!("expected the last axis, -1 or {last}");
                assert!(error.contains("layer \"one\": axis = ") && error.contains(&words), "{error}");
            }
        }
    }
    // Behind layers that leave one axis of three.
    for class in ["Flatten", "GlobalAveragePooling2D"] {
        let mut layers = one("BatchNormalization", &json!([1]));
        layers.as_array_mut().unwrap().insert(0, json!({"class_name": class, "config": {"name": "before"}}));
        build(layers, &[2, 3, 4]).unwrap();
    }
}

/// Long names and numbers are cut, and what a terminal would obey is escaped.
#[test]
fn messages_repeat_little_of_the_file() {
    let long = "x".repeat(100_000);
    let evil = "\u{1b}[2J\u{7}\n\u{202e}";
    for name in [long.as_str(), evil] {
        let mut unknown = json!({"units": 3});
        unknown[name] = json!(name);
        let cases = [
            error(&single(name, json!({}))),
            error(&single("Dense", unknown)),
            error(&single("Dense", json!({"units": 3, "activation": name}))),
            error(&single("Dense", json!({"units": 3, "data_format": name}))),
            error(&json!({"class_name": name, "config": {}})),
            error(&functional(vec![input(), relu("r", name)], "r")),
            error(&functional(vec![input(), relu("r", "x")], name)),
            error(&keras_3("Dense", json!({"registered_name": name}), json!({"units": 3}))),
        ];
        assert!(cases.iter().all(|error| !error.contains('\u{202e}')), "{cases:?}");
    }
    let digits = "9".repeat(309);
    for number in [format!("1{}", "0".repeat(308)), format!("-{digits}e-400"), "18446744073709551616".into()]
    {
        let json = single("Dense", json!({"units": 12345678})).to_string().replace("12345678", &number);
        let error = ModelConfig::from_json(&json, Path::new("model.json")).unwrap_err().to_string();
        in_words(&error);
        assert!(error.len() < 150, "{error}");
    }
}

/// As many layers as are permitted, and as deep a residual block as is, take a time that one does not notice.
#[test]
fn thousands_of_layers() {
    let layers: Vec<Value> = (0..10_000)
        .map(
            |i| json!({"class_name": "BatchNormalization", "config": {"name": format!("b{i}"), "axis": [1]}}),
        )
        .collect();
    let config = read(&sequential(json!(layers))).unwrap();
    let started = std::time::Instant::now();
    assert_eq!(config.count_params(Some(&[3]), Path::new("model.json")).unwrap(), 120_000);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
