//! A report as a browser and a reader of XML see it. Each test uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use roxmltree::{Document, ParsingOptions};

/// The document that is well-formed XML.
pub fn parse(xml: &str) -> Document<'_> {
    Document::parse_with_options(xml, ParsingOptions { allow_dtd: true, ..Default::default() }).unwrap()
}

/// The document with its void elements closed, as XML wants them.
pub fn as_xml(html: &str) -> String {
    let mut pieces = html.split('<');
    let mut xml = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let void = ["meta ", "img ", "link "].iter().any(|tag| piece.starts_with(tag));
        xml += "<";
        xml += &if void { piece.replacen('>', "/>", 1) } else { piece.to_owned() };
    }
    xml
}

/// The document without the letters that stand for pictures, which may spell anything.
pub fn without_pictures(html: &str) -> String {
    let mut pieces = html.split("data:image/png;base64,");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('"').map_or("", |(_, rest)| rest))
}

/// The texts of the cells of all tables, row by row; counts of a confusion matrix beside their class.
pub fn cells(document: &Document) -> Vec<Vec<String>> {
    let rows = document.descendants().filter(|node| node.has_tag_name("tbody"));
    let rows =
        rows.flat_map(|body| body.children().filter(|node| node.has_tag_name("tr")).collect::<Vec<_>>());
    rows.map(|row| row.children().map(|cell| cell.text().unwrap_or_default().to_owned()).collect()).collect()
}

/// Opens the report in Chromium, if there is one: no message on the console, something on the page, no page wider than
/// its window, and no empty picture.
pub fn in_a_browser(report: &Path) {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
    let folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let known = ["chromium", "google-chrome", "chromium-browser"];
    let found =
        folders.iter().flat_map(|folder| known.map(|name| folder.join(name))).find(|path| path.is_file());
    let Some(chromium) = named.or(found) else {
        println!("skipped: the report in a browser (needs Chromium)");
        return;
    };
    let folder = report.parent().unwrap();
    let open = |page: &Path, more: &[&str]| {
        let profile = tempfile::tempdir().unwrap();
        let output = Command::new(&chromium)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--enable-logging=stderr",
            ])
            .args(["--virtual-time-budget=5000", "--allow-file-access-from-files"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(more)
            .arg(format!("file://{}", page.display()))
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
        let console: Vec<_> = stderr.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(console.is_empty(), "{console:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for width in [400, 1280] {
        let picture = folder.join(format!("{width}.png"));
        open(
            report,
            &[&format!("--window-size={width},3000"), &format!("--screenshot={}", picture.display())],
        );
        let pixels = image::open(&picture).unwrap().to_rgb8();
        let background = *pixels.get_pixel(0, 0);
        let inked = pixels.pixels().filter(|pixel| **pixel != background).count();
        let share = inked as f64 / (pixels.width() * pixels.height()) as f64;
        assert!(share > 0.02, "the page is blank at {width}: {share}");
    }
    // Frames can be narrower than any window.
    let html = fs::read_to_string(report).unwrap();
    let script = "<script>addEventListener('load', () => parent.postMessage([innerWidth, \
                  document.documentElement.scrollWidth, [...document.querySelectorAll('img, figure > svg')].filter(p => \
                  p.naturalWidth === 0 || p.getBoundingClientRect().width < 40 || p.tagName === 'svg' && \
                  !p.querySelector('circle, rect, path, polyline')).length], '*'))</script></body>";
    fs::write(folder.join("measured.html"), html.replace("</body>", script)).unwrap();
    let frames: String = [320, 400, 1280]
        .map(|width| {
            format!("<iframe src='measured.html' style='width:{width}px;height:900px;border:0'></iframe>")
        })
        .concat();
    let listen = "<script>addEventListener('message', e => document.body.append('[' + e.data.join(' ') + ']'))</script>";
    fs::write(folder.join("frames.html"), format!("<!DOCTYPE html><body>{listen}{frames}</body>")).unwrap();
    let page = open(&folder.join("frames.html"), &["--dump-dom"]);
    for width in [320, 400, 1280] {
        assert!(
            page.contains(&format!("[{width} {width} 0]")),
            "the page is wider than its window, or a picture is empty: {page}"
        );
    }
}
