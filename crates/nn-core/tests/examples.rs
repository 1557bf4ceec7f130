//! The course in `examples/` is run, program by program: what a reader sees first has to work.

// Two of the programs share a module, which this crate therefore holds twice.
#![allow(clippy::duplicate_mod)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Termination;

/// Declares each example as a module, runs its `main` as a test, and lists the files in `EXAMPLES`.
macro_rules! examples {
    ($($path:literal => $example:ident),+ $(,)?) => {
        const EXAMPLES: &[&str] = &[$($path),+];

        $(
            #[path = $path]
            mod $example;

            #[test]
            fn $example() -> impl Termination {
                $example::main()
            }
        )+
    };
}

examples! {
    "../examples/01_dense_by_hand.rs" => dense_by_hand,
    "../examples/02_gradient_check.rs" => gradient_check,
    "../examples/03_activations_and_losses.rs" => activations_and_losses,
    "../examples/04_convolution_by_hand.rs" => convolution_by_hand,
    "../examples/05_backprop_through_pooling.rs" => backprop_through_pooling,
    "../examples/06_optimizers.rs" => optimizers,
    "../examples/07_train_a_network.rs" => train_a_network,
    "../examples/08_inside_a_cnn.rs" => inside_a_cnn,
}

#[test]
fn no_example_is_forgotten() -> std::io::Result<()> {
    let mut found = BTreeSet::new();
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").read_dir()? {
        let name = entry?.file_name();
        if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
            found.insert(format!("../examples/{}", name.display()));
        }
    }
    assert_eq!(found, EXAMPLES.iter().map(|path| path.to_string()).collect());
    assert_eq!(found.len(), 8);
    Ok(())
}
