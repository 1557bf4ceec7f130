use nn_core::keras::weights::LayerWeights;
use nn_core::model::Network;

use super::*;

fn params(network: &Sequential) -> usize {
    network.build::<f32>(0).unwrap().count_params()
}

#[test]
fn parameter_counts_are_the_published_ones() {
    let published = [
        ("fnn1", 5_230_463),
        ("fnn2", 5_154_807),
        ("fnn3", 7_115_007),
        ("fnn4", 7_439_029),
        ("fnn5", 7_238_507),
        ("cnn1", 2_723_303),
        ("cnn2", 5_571_527),
        ("cnn3", 476_231),
    ];
    for (name, count) in published {
        assert_eq!(params(&by_name(name).unwrap()), count, "{name}");
    }
}

#[test]
fn the_search_network_has_the_parameters_that_its_kernel_size_implies() {
    for kernel in [1, 3, 5] {
        let side = (48 - 2 * (kernel - 1)) / 2;
        let side = (side - 2 * (kernel - 1)) / 2;
        let conv = |i: usize, o: usize| kernel * kernel * i * o + o;
        let expected = conv(1, 32)
            + conv(32, 32)
            + conv(32, 64)
            + conv(64, 128)
            + (side * side * 128 * 512 + 512)
            + (512 * 7 + 7);
        let config = SearchConfig { conv_kernel_size: kernel, ..SearchConfig::default() };
        assert_eq!(params(&search(&config)), expected, "kernel {kernel}");
    }
}

#[test]
fn fine_tuned_networks_have_the_parameters_of_the_study() {
    for (transfer, total) in TRANSFERS.iter().zip([25_690_503, 3_967_559, 3_967_559]) {
        let network = transfer.network([48, 48, 3]).unwrap();
        assert_eq!(network.name(), transfer.name);
        assert_eq!(params(&network), total, "{}", transfer.name);
    }
}

#[test]
fn official_weight_files_have_the_names_of_keras() {
    let names = TRANSFERS.map(|transfer| transfer.base.weight_file());
    assert_eq!(names[0], "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5");
    assert_eq!(names[1], "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5");
    let small = Base::MobileNetV2 { alpha: 0.35 };
    assert_eq!(small.weight_file(), "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5");
}

#[test]
fn configurations_survive_json() {
    for (name, _) in MODELS {
        let network = by_name(name).unwrap();
        assert_eq!(Sequential::from_json(&network.to_json()).unwrap(), network, "{name}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let error = by_name("cnn9").unwrap_err().to_string();
    assert!(error.contains("\"cnn9\"") && error.contains("cnn1, cnn2, cnn3"), "{error}");
}

#[test]
fn pretrained_networks_have_the_parameters_of_keras() {
    let image = [48, 48, 3];
    let resnet = resnet50(image, Pooling::Average).unwrap();
    assert_eq!(params(&resnet), 23_587_712);
    // `keras.applications.MobileNetV2(alpha=.., include_top=False, weights=None).count_params()`
    for (alpha, count) in [
        (0.35, 410_208),
        (0.5, 706_224),
        (0.75, 1_382_064),
        (1.0, 2_257_984),
        (1.3, 3_766_048),
        (1.4, 4_363_712),
    ] {
        assert_eq!(params(&mobilenet_v2(alpha, image, Pooling::None).unwrap()), count, "width {alpha}");
    }
}

#[test]
fn moving_statistics_are_not_trained() {
    let network = mobilenet_v2(1.0, [32, 32, 3], Pooling::None).unwrap().build::<f32>(0).unwrap();
    let trainable: usize = network.params().filter(|(_, p)| p.trainable).map(|(_, p)| p.value.len()).sum();
    assert_eq!(trainable, 2_223_872);
    assert!(network.summary().contains("Non-trainable params: 34,112"), "{}", network.summary());
}

#[test]
fn any_input_of_32_or_more_fits() {
    for (h, w) in [(32usize, 32usize), (33, 47), (48, 64), (65, 34)] {
        let maps = [h.div_ceil(32), w.div_ceil(32)];
        for (network, channels) in
            [(resnet50([h, w, 1], Pooling::None), 2048), (mobilenet_v2(0.35, [h, w, 3], Pooling::None), 1280)]
        {
            let built = network.unwrap().build::<f32>(0).unwrap();
            assert_eq!(built.output_shape()[..], [maps[0], maps[1], channels], "{h}x{w}");
        }
    }
    let error = resnet50([31, 48, 3], Pooling::None).unwrap_err().to_string();
    assert!(error.contains("31x48") && error.contains("32x32"), "{error}");
}

#[test]
fn residual_blocks_survive_json() {
    for network in [resnet50([32, 32, 3], Pooling::Average), mobilenet_v2(1.4, [40, 33, 3], Pooling::None)] {
        let network = network.unwrap();
        assert_eq!(Sequential::from_json(&network.to_json()).unwrap(), network);
    }
}

/// The weights of a network as a file has them, layer by layer, with other names.
fn saved(network: &Network<f32>, rename: impl Fn(&str) -> String) -> Vec<LayerWeights> {
    let leaves = network.layers_and_parts().into_iter().filter(|layer| layer.parts().is_empty());
    let weights = leaves.map(|layer| LayerWeights {
        layer: rename(&layer.info().name),
        place: None,
        weights: layer.params().iter().map(|param| (param.name.to_owned(), param.value.clone())).collect(),
    });
    weights.collect()
}

/// `conv3_block2_1_conv` as Keras 1 and 2 called it: `res3b_branch2a`.
fn branch_name(name: &str) -> String {
    match name {
        "conv1_conv" => return "conv1".into(),
        "conv1_bn" => return "bn_conv1".into(),
        _ => (),
    }
    let parts: Vec<&str> = name.split('_').collect();
    let &[stage, block, part, kind] = &parts[..] else { return name.into() };
    let kind = match kind {
        "conv" => "res",
        "bn" => "bn",
        _ => return name.into(),
    };
    let block = ["a", "b", "c", "d", "e", "f"][block["block".len()..].parse::<usize>().unwrap() - 1];
    let part = ["1", "2a", "2b", "2c"][part.parse::<usize>().unwrap()];
    format!("{kind}{}{block}_branch{part}", &stage["conv".len()..])
}

#[test]
fn both_namings_of_resnet50_are_told_apart() {
    let image = [32, 32, 3];
    let network = resnet50(image, Pooling::Average).unwrap().build(5).unwrap();
    let path = std::path::Path::new("weights.h5");
    for (rename, epsilon) in [(&str::to_owned as &dyn Fn(&str) -> String, 1.001e-5), (&branch_name, 1e-3)] {
        let pretrained = Pretrained::of(saved(&network, rename), path).unwrap();
        assert_eq!(pretrained.base, Base::ResNet50 { epsilon });
        let loaded = pretrained.network(image, Pooling::Average).unwrap();
        for ((a, x), (b, y)) in loaded.params().zip(network.params()) {
            assert!(a == b && x.value == y.value, "{a}");
        }
        assert!(loaded.config().unwrap().to_json().contains(&format!("\"epsilon\": {epsilon}")));
    }
}

#[test]
fn the_width_of_mobilenet_v2_follows_from_its_arrays() {
    for alpha in [0.35, 0.5, 0.75, 1.0, 1.3, 1.4] {
        let network = mobilenet_v2(alpha, [32, 32, 3], Pooling::None).unwrap().build(0).unwrap();
        let pretrained = Pretrained::of(saved(&network, str::to_owned), "w.h5".as_ref()).unwrap();
        assert_eq!(pretrained.base, Base::MobileNetV2 { alpha });
    }
}

#[test]
fn weights_of_something_else_are_refused() {
    let path = std::path::Path::new("weights.h5");
    let refused = |weights| match Pretrained::of(weights, path) {
        Ok(pretrained) => pretrained.network([32, 32, 3], Pooling::None).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    let cnn = cnn::cnn1().build(0).unwrap();
    assert!(refused(saved(&cnn, str::to_owned)).contains("neither ResNet50 nor MobileNetV2"));
    let network = mobilenet_v2(0.35, [32, 32, 3], Pooling::None).unwrap().build(0).unwrap();
    let whole = saved(&network, str::to_owned);
    let place = whole.iter().position(|layer| layer.layer == "block_3_project").unwrap();
    let changed = |change: &dyn Fn(&mut Vec<LayerWeights>)| {
        let mut weights = whole.clone();
        change(&mut weights);
        refused(weights)
    };
    let missing = changed(&|weights| drop(weights.remove(place)));
    assert!(missing.contains("block_3_project") && missing.contains("no weights for it"), "{missing}");
    let short = changed(&|weights| drop(weights[place + 1].weights.pop()));
    assert!(short.contains("3 arrays in the file, expected 4"), "{short}");
    let odd = changed(&|weights| weights[place].weights[0].1 = nn_core::tensor(&[2], vec![0.0; 2]));
    assert!(odd.contains("its kernel has shape [2]"), "{odd}");
    // The running mean of a trained layer in the place of its variance.
    let negative = changed(&|weights| weights[place + 1].weights[3].1[0] = -0.5);
    assert!(
        negative.contains("block_3_project_BN") && negative.contains("its moving_variance contains -0.5"),
        "{negative}"
    );
    let more = changed(&|weights| {
        let extra = LayerWeights { layer: "extra".into(), ..weights[place].clone() };
        weights.push(extra);
    });
    assert!(more.contains("extra") && more.contains("no such layer"), "{more}");
}
