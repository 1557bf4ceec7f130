use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::*;

fn number(node: &Node, attribute: &str) -> f64 {
    node.attribute(attribute).and_then(|text| text.parse().ok()).expect(attribute)
}

/// Checks that the picture is XML, that dots are inside the frame and at their place, and that labels neither
/// leave the picture nor cover each other.
fn check(points: &[Point], roof: &Roof) {
    let text = svg(points, roof);
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let all = |name: &'static str| root.children().filter(move |node| node.has_tag_name(name));
    let frame = all("rect").find(|node| node.attribute("id") == Some("frame")).unwrap();
    let (left, top) = (number(&frame, "x"), number(&frame, "y"));
    let (right, bottom) = (left + number(&frame, "width"), top + number(&frame, "height"));

    let dots: Vec<_> = all("circle").map(|dot| (number(&dot, "cx"), number(&dot, "cy"))).collect();
    assert_eq!(dots.len(), points.len());
    for &(x, y) in &dots {
        assert!((left..=right).contains(&x) && (top..=bottom).contains(&y), "({x}, {y}) is outside");
    }
    // Drawn from the highest rate down, and higher is further up.
    assert!(dots.windows(2).all(|pair| pair[0].1 <= pair[1].1));

    let labels: Vec<_> = all("text").filter(|node| node.attribute("class") == Some("label")).collect();
    assert_eq!(labels.len(), points.len());
    let (width, height) = (number(&root, "width"), number(&root, "height"));
    let mut below = 0.0;
    for label in &labels {
        let (x, y) = (number(label, "x"), number(label, "y"));
        let end = x + CHARACTER * label.text().unwrap().chars().count() as f64;
        assert!(x > right && end <= width && y <= height, "a label leaves the picture");
        assert!(y - below >= LINE - 0.11, "labels at {below} and {y} touch");
        below = y;
    }
}

fn roof() -> Roof {
    Roof { peak_gflops: 500.0, dram_gbs: 40.0, what: "avx512, 2 threads".into() }
}

fn point(label: &str, intensity: f64, gflops: f64) -> Point {
    Point { label: label.into(), intensity, gflops }
}

#[test]
fn a_label_may_hold_anything() {
    check(&[point("a<b> & \"c\" 'd' é", 3.0, 100.0), point(&"long".repeat(40), 3.0, 100.0)], &roof());
}

#[test]
fn no_points_and_many_equal_ones_are_drawn() {
    check(&[], &roof());
    check(&vec![point("x", 10.0, 120.0); 70], &roof());
}

#[test]
fn a_dot_on_the_roof_is_drawn_on_the_roof() {
    let text = svg(&[point("ridge", 12.5, 500.0)], &roof());
    let document = Document::parse(&text).unwrap();
    let find = |name: &'static str| document.descendants().find(|node| node.has_tag_name(name)).unwrap();
    let (dot, line) = (find("circle"), find("polyline"));
    let corner = line.attribute("points").unwrap().split(' ').nth(1).unwrap();
    assert_eq!(format!("{},{}", dot.attribute("cx").unwrap(), dot.attribute("cy").unwrap()), corner);
}

proptest! {
    #[test]
    fn any_measurements_fit(
        values in proptest::collection::vec((-2.0..5.0f64, -3.0..4.0f64), 1..60),
        peak in 0.0..4.0f64,
        dram in 0.0..3.0f64,
    ) {
        let of = |(i, (x, y)): (usize, &(f64, f64))| point(&format!("p{i}"), 10f64.powf(*x), 10f64.powf(*y));
        let points: Vec<_> = values.iter().enumerate().map(of).collect();
        let roof = Roof { peak_gflops: 10f64.powf(peak), dram_gbs: 10f64.powf(dram), what: "any".into() };
        check(&points, &roof);
    }
}
