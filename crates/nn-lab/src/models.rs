//! Networks by the names that the command line knows.

use anyhow::bail;
use nn_core::layers::ActivationFn;
use nn_core::model::Sequential;
use nn_zoo::SearchConfig;

/// A network and what it is called in reports.
#[derive(Debug, Clone)]
pub struct Model {
    /// The name; says the kernel size if one was asked for.
    pub name: String,
    /// Its layers.
    pub network: Sequential,
}

/// The network of that name in `nn-zoo`, or one of its search space: `search` with `kernel`, or `search1`,
/// `search3`, `search5` for short, with ReLU and a dropout of 0.25.
///
/// # Errors
/// If there is no such network, or it has no kernel to choose.
pub fn find(name: &str, kernel: Option<usize>) -> anyhow::Result<Model> {
    let short = name.strip_prefix("search").and_then(|digits| digits.parse().ok());
    let kernel = match (name, short, kernel) {
        ("search", _, kernel) => kernel,
        (_, short @ Some(1 | 3 | 5), None) => short,
        (_, None, None) => None,
        _ => bail!("--kernel is for the network \"search\", and search1, search3 and search5 have one"),
    };
    let Some(conv_kernel_size) = kernel else {
        return Ok(Model { name: name.into(), network: nn_zoo::by_name(name)? });
    };
    let config = SearchConfig { conv_kernel_size, dropout_prob: 0.25, activation_fn: ActivationFn::Relu };
    Ok(Model { name: format!("search{conv_kernel_size}"), network: nn_zoo::search(&config) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_networks_go_by_their_kernel() {
        let json = |name: &str, kernel| find(name, kernel).unwrap().network.to_json();
        assert_eq!(json("search5", None), json("search", Some(5)));
        assert_ne!(json("search5", None), json("search3", None));
        assert_eq!(find("search", Some(3)).unwrap().name, "search3");
        assert_eq!(find("search", None).unwrap().network, nn_zoo::by_name("search").unwrap());
    }

    #[test]
    fn wrong_names_are_refused() {
        assert!(find("cnn9", None).unwrap_err().to_string().contains("cnn9"));
        assert!(find("cnn1", Some(3)).is_err());
        assert!(find("search5", Some(5)).is_err());
        assert!(find("search4", None).is_err());
    }
}
