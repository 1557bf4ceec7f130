use super::*;

/// All points, one parameter after the other.
fn enumerate(space: &Space) -> Vec<Point> {
    let mut points = vec![vec![f64::NAN; space.len()]];
    for (index, node) in space.nodes().iter().enumerate() {
        let mut longer = Vec::new();
        for point in points {
            let exists = match &node.condition {
                None => true,
                Some((parent, mask)) => {
                    (0..mask.len()).any(|choice| mask[choice] && point[*parent] == choice as f64)
                }
            };
            assert_eq!(space.active(index, &point), exists);
            if !exists {
                longer.push(point);
                continue;
            }
            for value in values(&node.domain) {
                let mut with = point.clone();
                with[index] = value;
                longer.push(with);
            }
        }
        points = longer;
    }
    points
}

proptest! {
    #[test]
    fn cardinality_is_the_number_of_points(space in space(small(), 5)) {
        let points = enumerate(&space);
        prop_assert_eq!(space.cardinality(), Some(points.len() as u64));
        for point in points.iter().take(200) {
            let again = space.walk(|index| point[index]);
            prop_assert!(again.iter().zip(point).all(|(a, b)| a.to_bits() == b.to_bits()));
            let params = space.params(point);
            prop_assert_eq!(params.len(), point.iter().filter(|x| !x.is_nan()).count());
            for (name, param) in params {
                let index = space.index(&name).unwrap();
                prop_assert_eq!(param.internal, point[index]);
                prop_assert_eq!(&param.distribution, &space.nodes()[index].domain().distribution());
            }
        }
    }

    #[test]
    fn drawn_values_belong_to_their_distributions(space in space(domain(), 6), u in 0.0..1.0f64) {
        for node in space.nodes() {
            let x = crate::sampler::draw_prior(node.domain(), u);
            let distribution = node.domain().distribution();
            prop_assert!(distribution.contains(x), "{x} in {distribution:?}");
            prop_assert_eq!(distribution.internal(&distribution.external(x)), Some(x));
        }
    }
}

fn branches() -> Space {
    Space::new([
        categorical("optimizer", ["adam", "sgd", "rms"]),
        int("layers", 1, 3),
        float("momentum", 0.0, 0.9).step(0.3).when("optimizer", "sgd"),
        ordinal("decay", [0.0, 0.1]).when_any("optimizer", ["sgd", "rms"]),
        boolean("nesterov").when("decay", 0.1),
    ])
    .unwrap()
}

#[test]
fn children_exist_for_the_named_choices_only() {
    let space = branches();
    assert_eq!(
        space.nodes().iter().map(Node::parent).collect::<Vec<_>>(),
        [None, None, Some(0), Some(0), Some(3)]
    );
    let nan = f64::NAN;
    let mut asked = Vec::new();
    let point = space.walk(|index| {
        asked.push(index);
        [2.0, 1.0, nan, 1.0, 0.0][index]
    });
    assert_eq!(asked, [0, 1, 3, 4]);
    assert_eq!(point[..2], [2.0, 1.0]);
    assert!(point[2].is_nan());
    assert_eq!(point[3..], [1.0, 0.0]);
    let names: Vec<_> = space.params(&point).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["optimizer", "layers", "decay", "nesterov"]);
    // A parent without a value, or with one that is no choice, has no children.
    for parent in [nan, -1.0, 3.0, f64::INFINITY] {
        let child = Space::new([boolean("a"), int("n", 0, 1).when_any("a", [false, true])]).unwrap();
        assert!(!child.active(1, &[parent, nan]), "{parent}");
    }
    // adam: 3; sgd: 3·4·(1 + 2); rms: 3·(1 + 2).
    assert_eq!(space.cardinality(), Some(3 + 36 + 9));
    assert_eq!(space.index("decay"), Some(3));
    assert_eq!(space.index("decoy"), None);
    assert_eq!((space.len(), space.is_empty()), (5, false));
}

#[test]
fn large_spaces_are_counted_without_being_laid_out() {
    let wide = |name: &str| int(name, 0, (1 << 53) - 1);
    assert_eq!(Space::new([wide("a")]).unwrap().cardinality(), Some(1 << 53));
    assert_eq!(Space::new([wide("a"), boolean("b")]).unwrap().cardinality(), None);
    assert_eq!(Space::new((0..100).map(|i| wide(&i.to_string()))).unwrap().cardinality(), None);
    assert_eq!(Space::new((0..53).map(|i| boolean(&i.to_string()))).unwrap().cardinality(), Some(1 << 53));
    assert_eq!(Space::new((0..54).map(|i| boolean(&i.to_string()))).unwrap().cardinality(), None);
    assert_eq!(Space::new([boolean("a"), float("x", 0.0, 1.0)]).unwrap().cardinality(), None);
    assert_eq!(Space::new([float("x", 0.0, 1e300).step(1e-300)]).unwrap().cardinality(), None);
}
