//! The report as a document: what is shown, written and named agrees.

use image::GrayImage;

use super::number::{Cell, MISSING, Unit};
use super::{
    Bars, Block, Confusion, Curves, Gallery, Listing, Picture, Report, Section, Series, Table, plot,
};

fn loss() -> Curves {
    let training =
        [(1.0, Some(1.5)), (2.0, Some(1.25)), (3.0, None), (4.0, Some(f64::NAN)), (5.0, Some(0.75))];
    Curves::new("a & b: loss", "epoch", "loss", Unit::Plain)
        .with(Series::line("training", 0, training))
        .with(Series::line("training, published", 0, [(1.0, 2.0), (2.5, 1.0)]).dashed())
        .with(Series::dots("trials", 1, [(1.0, 0.5), (1.0, 0.625)]))
}

fn counts() -> Confusion {
    let classes = ["cat", "dog", "fox"].map(String::from).into();
    Confusion {
        caption: "Confusion".into(),
        classes,
        counts: vec![vec![3, 1, 0], vec![2, 4, 0], vec![0, 0, 0]],
    }
}

fn bars() -> Bars {
    let series =
        vec![("train".into(), vec![Some(3.0), None]), ("val".into(), vec![Some(1.0), Some(f64::NAN)])];
    Bars {
        caption: "Class counts".into(),
        measure: "images".into(),
        unit: Unit::Count,
        names: vec!["Angry".into(), "<Happy>".into()],
        series,
    }
}

#[test]
fn numbers_are_written_in_one_way_and_missing_ones_are_a_dash() {
    for (cell, written) in [
        (Cell::Count(5_230_463), "5,230,463"),
        (Cell::Count(0), "0"),
        (Cell::percent(0.4734), "47.34 %"),
        (Cell::difference(Some(0.5), Some(0.5123)), "\u{2212}1.23"),
        (Cell::difference(Some(0.5), Some(0.4)), "+10.00"),
        (Cell::difference(Some(0.5), Some(0.500_000_1)), "0.00"),
        (Cell::difference(None, Some(0.4)), MISSING),
        (Cell::seconds(26.95), "26.95 s"),
        (Cell::seconds(144.8), "144.8 s"),
        (Cell::seconds(1284.4), "1,284 s"),
        (Cell::number(1.684), "1.6840"),
        (Cell::number(1e-7), "1.000e-7"),
        (Cell::number(None), MISSING),
        (Cell::percent(f64::NAN), MISSING),
        (Cell::Percent(f64::INFINITY), MISSING),
        (Cell::count(None), MISSING),
    ] {
        assert_eq!(cell.to_string(), written, "{cell:?}");
    }
    assert_eq!(Unit::Share.tick(0.25, 0.5), "25 %");
    assert_eq!(Unit::Share.tick(0.255, 0.01), "25.5 %", "as many decimals as the ticks need");
    assert_eq!(Unit::Plain.tick(20.0, 20.0), "20");
    assert_eq!(Unit::Plain.tick(1.945_91, 5e-5), "1.94591", "neighbouring ticks can be told apart");
    assert_eq!(Unit::Plain.tick(2e-5, 5e-5), "2.0e-5");
}

/// The numbers in the SVG (titles), its geometry and the CSV file are the same points.
#[test]
fn a_plot_shows_exactly_the_numbers_of_its_file() {
    let report = Report::new("r").with(Section::new("s").with(loss()));
    let [(name, csv)] = &report.data_files()[..] else { panic!("one file") };
    assert_eq!(name, "a-b-loss.csv");
    let csv = String::from_utf8(csv.clone()).unwrap();
    let expected = "epoch,training,\"training, published\",trials\n\
                    1,1.5,2,0.5\n1,,,0.625\n2,1.25,,\n2.5,,1,\n5,0.75,,\n";
    assert_eq!(csv, expected);

    let svg = plot::curves(&loss());
    let document = roxmltree::Document::parse(&svg).unwrap();
    let circles: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "circle")))
        .collect();
    let mut shown: Vec<(f64, f64, f64, f64)> = Vec::new();
    for circle in &circles {
        let title = circle.first_element_child().unwrap().text().unwrap();
        let (x, y) = title.rsplit_once("epoch ").unwrap().1.split_once(": ").unwrap();
        let place = |name| circle.attribute(name).unwrap().parse::<f64>().unwrap();
        shown.push((x.parse().unwrap(), y.parse().unwrap(), place("cx"), place("cy")));
    }
    let points: Vec<(f64, f64)> = loss().series.iter().flat_map(|s| s.finite().collect::<Vec<_>>()).collect();
    assert_eq!(shown.iter().map(|p| (p.0, p.1)).collect::<Vec<_>>(), points);
    // Places follow from numbers by one scale for each axis; places are whole numbers, so within 1.
    let (low, high) = (shown[5], shown[3]);
    for &(x, y, cx, cy) in &shown {
        let across = shown[0].2 + (x - 1.0) / 4.0 * (shown[2].2 - shown[0].2);
        let up = low.3 + (y - low.1) / (high.1 - low.1) * (high.3 - low.3);
        assert!(
            (cx - across).abs() <= 1.0 && (cy - up).abs() <= 1.0,
            "{x} {y} is at {cx} {cy}, not {across} {up}"
        );
    }
    assert!(low.3 > high.3, "larger values stand higher");
    // The labels of the axis, which end beside it, stand where their numbers are; within three units of 1,160.
    let label = |node: &roxmltree::Node| {
        Some((node.text()?.trim().parse().ok()?, node.attribute("y")?.parse().ok()?))
    };
    let texts = document.descendants().filter(|node| node.attribute("text-anchor") == Some("end"));
    let labels: Vec<(f64, f64)> = texts.filter_map(|node| label(&node)).collect();
    assert!(labels.len() >= 3, "{labels:?}");
    for &(value, at) in &labels {
        let up = low.3 + (value - low.1) / (high.1 - low.1) * (high.3 - low.3);
        assert!((at - up).abs() <= 3.0, "the label {value} stands at {at}, not {up}");
    }
    // The gap interrupts the line: two points, then a lone one; the dashed line; no line among the dots.
    let lines: Vec<_> = document.descendants().filter(|node| node.tag_name().name() == "polyline").collect();
    let series: Vec<_> =
        lines.iter().filter(|line| line.attribute("style").is_some_and(|s| s.contains("series"))).collect();
    assert_eq!(series.iter().filter(|line| line.attribute("stroke-dasharray").is_some()).count(), 1);
    assert!(series.iter().all(|line| line.attribute("points").unwrap().split_whitespace().count() <= 2));
    assert!(!svg.contains("#0"), "a colour is not of the page: {svg}");
}

/// More epochs than the paper has room for: the file has all of them, the plot what can be seen.
#[test]
fn a_long_plot_keeps_its_shape_and_its_file_every_number() {
    let epochs = 60_000;
    // A spike downwards and one upwards, a gap too narrow and one wide enough to be seen.
    let value = |epoch: usize| match epoch {
        12_345 => Some(-3.0),
        54_321 => Some(9.0),
        1_000 | 30_000..40_000 => None,
        _ => Some((epoch % 7) as f64 / 7.0),
    };
    let line = Series::line("loss", 0, (1..=epochs).map(|epoch| (epoch as f64, value(epoch))));
    let dots =
        Series::dots("trials", 1, (1..=epochs).map(|epoch| (epoch as f64, (epoch % 90) as f64 / 10.0)));
    let plot = |series: &Series| Curves::new("Long", "epoch", "loss", Unit::Plain).with(series.clone());
    let drawn = |svg: &str| svg.lines().filter(|line| line.starts_with("<circle")).count();

    let svg = plot::curves(&plot(&line));
    assert!((900..2_500).contains(&drawn(&svg)), "{} points are drawn", drawn(&svg));
    for title in ["loss, epoch 12345: -3", "loss, epoch 54321: 9", "loss, epoch 1: ", "loss, epoch 60000: "] {
        assert!(svg.contains(title), "{title}");
    }
    let lines = svg.lines().filter(|line| line.starts_with("<polyline") && line.contains("--series-"));
    assert_eq!(lines.count(), 2, "the wide gap interrupts the line, the narrow one is not to be seen");
    let scattered = drawn(&plot::curves(&plot(&dots)));
    assert!((1_000..20_000).contains(&scattered), "{scattered} dots are drawn");

    // As many gaps as epochs do not make it long either.
    let comb = (1..=epochs).map(|epoch| (epoch as f64, (epoch % 2 == 0).then_some((epoch % 7) as f64)));
    assert!(drawn(&plot::curves(&plot(&Series::line("comb", 0, comb)))) < 2_500);

    let report = Report::new("r").with(Section::new("s").with(plot(&line).with(dots)));
    let csv = String::from_utf8(report.data_files()[0].1.clone()).unwrap();
    assert_eq!(csv.lines().count(), 1 + epochs);
    assert!(
        csv.contains("\n12345,-3,1.5\n")
            && csv.contains("\n1000,,1\n")
            && csv.ends_with("\n60000,0.42857142857142855,6\n")
    );
}

#[test]
fn there_is_nothing_between_two_epochs() {
    let plot = |last: f64| {
        let line = Series::line("loss", 0, [(1.0, Some(0.5)), (last, Some(0.25))]);
        plot::curves(&Curves::new("Loss", "epoch", "loss", Unit::Plain).with(line))
    };
    let labels =
        |svg: &str, label: &str| svg.contains(&format!("\n{label}\n")) || svg.contains(&format!(">{label}<"));
    assert!(labels(&plot(2.0), "2") && !labels(&plot(2.0), "1.2") && !labels(&plot(2.0), "1.5"));
    assert!(labels(&plot(1.9), "1.2") || labels(&plot(1.9), "1.5"));
}

#[test]
fn bars_are_as_long_as_their_numbers_say() {
    let svg = plot::bars(&bars());
    let document = roxmltree::Document::parse(&svg).unwrap();
    let rects: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "rect" && node.has_children())
        .map(|node| {
            (
                node.attribute("width").unwrap().parse::<f64>().unwrap(),
                node.first_element_child().unwrap().text().unwrap(),
            )
        })
        .collect();
    assert_eq!(rects.iter().map(|r| r.1).collect::<Vec<_>>(), ["Angry, train: 3", "Angry, val: 1"]);
    assert!((rects[0].0 / rects[1].0 - 3.0).abs() < 0.02, "{rects:?}");
    let report = Report::new("r").with(Section::new("s").with(bars()));
    assert_eq!(report.data_files()[0].1, b"name,train,val\nAngry,3,1\n<Happy>,,\n");
}

#[test]
fn precision_recall_and_f1_are_those_worked_out_by_hand() {
    let table = counts().by_class("t");
    let percent = |row: usize| table.rows[row][1..].iter().map(Cell::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(percent(0), "60.00 % 75.00 % 66.67 % 4"); // 3/5, 3/4, 6/9
    assert_eq!(percent(1), "80.00 % 66.67 % 72.73 % 6"); // 4/5, 4/6, 8/11
    assert_eq!(percent(2), format!("{MISSING} {MISSING} {MISSING} 0"));
    assert_eq!(percent(3), "70.00 % 70.83 % 69.70 % 10");
}

#[test]
fn unusual_numbers_neither_hang_nor_appear() {
    let plots = [
        vec![(1.0, f64::MAX), (2.0, -f64::MAX)],
        vec![(1.0, 1e300), (2.0, 1e300)],
        vec![(1.0, f64::MIN_POSITIVE), (2.0, 0.0)],
        vec![(1e15, 1e15), (1e15 + 1.0, 1e15 + 1.0)],
        vec![(1.0, 0.0)],
        vec![(f64::NAN, 1.0), (1.0, f64::INFINITY)],
        vec![],
    ];
    for points in plots {
        for unit in [Unit::Plain, Unit::Share, Unit::Count] {
            let svg =
                plot::curves(&Curves::new("c", "x", "y", unit).with(Series::line("s", 7, points.clone())));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{points:?}: {svg}");
            roxmltree::Document::parse(&svg).unwrap();
        }
    }
}

#[test]
fn parts_without_content_do_not_appear() {
    let empty = Curves::new("nothing", "x", "y", Unit::Plain).with(Series::line("s", 0, [(1.0, f64::NAN)]));
    let report = Report::new("r")
        .with(Section::new("Empty").text("words").with(empty.clone()).with(Table::new("t", ["a"])))
        .with(Section::new("Full").with(empty).with(counts()).with(counts()));
    for text in [report.to_html("d"), report.to_markdown("d")] {
        assert!(!text.contains("Empty") && !text.contains("nothing") && text.contains("Full"), "{text}");
    }
    let names: Vec<_> = report.data_files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["confusion.csv", "confusion-2.csv"], "each picture has a file of its own");
}

/// A name may hold anything; what acts instead of being seen is shown, and no cell is a formula.
#[test]
fn text_never_acts() {
    let words = "=\u{1b}[31mred\u{7}\u{202e}txt.exe\u{9d}\r\u{ffff}";
    let shown = "=\\u001b[31mred\\u0007\\u202etxt.exe\\u009d\\u000d\\uffff";
    let picture = Picture { image: GrayImage::new(2, 2), caption: words.into() };
    let mut table = Table::new(words, [words]);
    table.push([Cell::text(words)]);
    let section = Section::new(words)
        .text(words)
        .with(table)
        .with(Block::Facts(vec![(words.into(), words.into())]))
        .with(Listing { caption: words.into(), text: format!("```\r\n{words}") })
        .with(Gallery { caption: words.into(), per_row: None, pictures: vec![picture] })
        .with(Confusion { caption: words.into(), classes: vec![words.into()], counts: vec![vec![1]] })
        .with(Curves::new(words, words, words, Unit::Plain).with(Series::dots(words, 0, [(1.0, -1.0)])))
        .with(Bars { names: vec![words.into(); 2], series: vec![(words.into(), vec![Some(1.0)])], ..bars() });
    let mut report = Report::new(words).with(section);
    report.lead = words.into();
    let (html, markdown) = (report.to_html("d"), report.to_markdown("d"));
    let files = report.data_files().into_iter().filter(|(name, _)| name.ends_with(".csv"));
    let csv: Vec<String> = files.map(|(_, csv)| String::from_utf8(csv).unwrap()).collect();
    assert_eq!(csv.len(), 3);
    for text in [&html, &markdown].into_iter().chain(&csv) {
        let acting: Vec<char> =
            text.chars().filter(|c| "\u{1b}\u{7}\u{202e}\u{9d}\r\u{ffff}".contains(*c)).collect();
        assert!(acting.is_empty(), "{acting:?} in {text}");
    }
    assert!(html.contains(shown) && markdown.contains("````text\n```\n"), "{markdown}");
    roxmltree::Document::parse(&plot::curves(&match &report.sections[0].blocks[6] {
        Block::Curves(curves) => curves.clone(),
        other => panic!("{other:?}"),
    }))
    .unwrap();
    for csv in csv {
        let cells = csv.lines().flat_map(|line| line.split(','));
        let formulas: Vec<_> = cells.filter(|cell| cell.trim_matches('"').starts_with('=')).collect();
        assert!(formulas.is_empty() && csv.contains(&format!("'{shown}")), "{csv}");
        assert!(!csv.contains("'-1"), "a number is no formula: {csv}");
    }
}

#[test]
fn text_is_never_taken_for_markup() {
    let words = "<script>alert(1)</script> | a_b *c* \"d\" & ]]>";
    let picture = Picture { image: GrayImage::new(2, 2), caption: words.into() };
    let mut table = Table::new(words, [words, "b"]);
    table.push([Cell::text(words), Cell::Missing]);
    let section = Section::new(words)
        .text(words)
        .with(table)
        .with(Block::Facts(vec![(words.into(), words.into())]))
        .with(Gallery { caption: words.into(), per_row: Some(3), pictures: vec![picture] })
        .with(Curves::new(words, words, words, Unit::Plain).with(Series::dots(words, 0, [(1.0, 1.0)])))
        .with(Bars { names: vec![words.into(); 2], caption: words.into(), ..bars() });
    let report = Report::new(words).with(section);
    let (html, markdown) = (report.to_html("a b#c-data"), report.to_markdown("d"));
    assert!(!html.contains("<script>"), "{html}");
    assert!(html.contains("href=\"a%20b%23c-data/"), "{html}");
    let row = markdown
        .lines()
        .find(|line| line.starts_with("| ") && line.ends_with(&format!("| {MISSING} |")))
        .unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 3, "{row}");
    assert!(markdown.contains("\\<script\\>") && !markdown.contains(" <script>"), "{markdown}");
}
