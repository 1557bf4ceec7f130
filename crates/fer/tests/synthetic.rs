//! The embedded faces are the same bytes on every machine and in every release.

use fer::data::synthetic::{self, DEFAULT_SEED, Sizes};
use rayon::ThreadPoolBuilder;

/// The fingerprint that every result on the embedded faces refers to.
const GOLDEN: &str = "b56d4b963085cfa6c8cf50fb251c5cbf90f1e9d066532de1ab83a85a5477d2c5";

#[test]
fn the_embedded_faces_never_change() {
    let dataset = synthetic::dataset(Sizes::default(), DEFAULT_SEED);
    assert_eq!(dataset.fingerprint(), GOLDEN);
    assert_eq!(
        [dataset.train.counts(), dataset.val.counts(), dataset.test.counts()],
        [[300; 7], [50; 7], [100; 7]]
    );
}

#[test]
fn one_thread_draws_the_same_faces_as_many() {
    let sizes = Sizes { train: 50, val: 20, test: 20 };
    let one = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = one.install(|| synthetic::dataset(sizes, 3)).fingerprint();
    let many = ThreadPoolBuilder::new().num_threads(7).build().unwrap();
    assert_eq!(alone, many.install(|| synthetic::dataset(sizes, 3)).fingerprint());
}

#[test]
fn a_limit_leaves_the_same_faces_whether_the_rest_is_drawn_or_not() {
    let sizes = Sizes { train: 140, val: 31, test: 14 };
    let all = synthetic::dataset(sizes, 3);
    for (n, seed) in [(70, 0), (70, 1), (1, 0), (139, 5), (140, 0), (1000, 0)] {
        let (drawn, taken) = (synthetic::limited(sizes, 3, n, seed), all.limit(n, seed));
        assert_eq!(drawn.fingerprint(), taken.fingerprint(), "{n} faces, seed {seed}");
        assert_eq!(drawn.warnings, taken.warnings);
    }
}
