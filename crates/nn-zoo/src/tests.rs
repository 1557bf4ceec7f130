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
