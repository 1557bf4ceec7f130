use super::*;

#[test]
fn an_image_depends_on_its_own_place_only() {
    let few = faces(Split::Val, 3, 5);
    let more = faces(Split::Val, 20, 5);
    assert_eq!(few.pixels(), &more.pixels()[..few.pixels().len()]);
    assert_eq!(few.image(2), image(Split::Val, 2, 5));
    assert_ne!(image(Split::Val, 2, 5), image(Split::Test, 2, 5));
    assert_ne!(image(Split::Val, 2, 5), image(Split::Val, 2, 6));
    assert_ne!(image(Split::Val, 2, 5), image(Split::Val, 9, 5));
}

#[test]
fn classes_are_balanced_and_take_turns() {
    let faces = faces(Split::Train, 70, 0);
    assert_eq!(faces.counts(), [10; 7]);
    assert_eq!(&faces.labels()[..9], [0, 1, 2, 3, 4, 5, 6, 0, 1]);
}

#[test]
fn pictures_have_contrast_and_are_not_saturated() {
    for (image, _) in faces(Split::Train, 140, 3).iter() {
        let (min, max) = (image.iter().min().unwrap(), image.iter().max().unwrap());
        assert!(max - min > 60, "{min}..{max}");
        let clipped = image.iter().filter(|&&pixel| pixel == 0 || pixel == 255).count();
        assert!(clipped < image.len() / 2, "{clipped} clipped pixels");
    }
}

mod shapes {
    use super::super::shape::{arc, ellipse, point};

    /// Points on and around a chord that is not along an axis.
    fn grid() -> impl Iterator<Item = (f32, f32)> {
        (-20..=20).flat_map(|i| (-20..=20).map(move |j| (i as f32 / 10.0, j as f32 / 10.0)))
    }

    #[test]
    fn a_region_is_negative_inside_only() {
        let (from, to) = (point(-1.0, 0.3), point(1.0, -0.3));
        let length = (to - from).length();
        let region = arc(from, to, 0.5);
        for (x, y) in grid() {
            let p = point(x, y);
            // The same region in plain coordinates: along the chord, and above it.
            let along = (p - from).dot(to - from) / length;
            let above = (p - from).dot(point((to - from).y, -(to - from).x)) / length;
            let q = 2.0 * along / length - 1.0;
            let profile = 1.0 - q * q;
            let slack = (0.5 * profile - above).min(above + 0.25 * profile);
            let distance = region.region(p, -0.25, 0.0);
            if slack.abs() > 1e-3 {
                assert_eq!(distance < 0.0, q.abs() < 1.0 && slack > 0.0, "({x}, {y}): {distance}");
            }
        }
    }

    #[test]
    fn a_straight_stroke_and_a_circle_are_exact() {
        let line = arc(point(1.0, 0.0), point(-1.0, 0.0), 0.0);
        for (x, y) in grid() {
            let p = point(x, y);
            let beyond = (x.abs() - 1.0).max(0.0);
            assert!((line.stroke(p, 0.2) - (point(beyond, y).length() - 0.1)).abs() < 1e-5);
            let circle = ellipse(p, point(0.0, 0.0), point(1.0, 1.0));
            assert!((circle - (p.length() - 1.0)).abs() < 1e-5);
        }
    }

    #[test]
    fn a_positive_bulge_bends_upwards_whichever_end_comes_first() {
        let (a, b) = (point(-1.0, 0.0), point(1.0, 0.0));
        for bow in [arc(a, b, 0.3), arc(b, a, 0.3)] {
            assert!(bow.stroke(point(0.0, -0.3), 0.1) < 0.0);
            assert!(bow.stroke(point(0.0, 0.3), 0.1) > 0.0);
        }
    }
}
