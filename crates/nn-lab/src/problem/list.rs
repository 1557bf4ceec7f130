//! Lists of problems as benchdnn reads them, so that oneDNN's own can be used.
//!
//! ```text
//! # a comment
//! --reset --dir=FWD_B,BWD_D      options hold for what follows
//! --mb=64
//! ic32ih44oc32kh3n"first"
//! --batch=more_shapes            another list, beside this one
//! ```
//!
//! | option | meaning |
//! |---|---|
//! | `--mb=N` | images of each problem; 0: its own number |
//! | `--dir=D,..` | `FWD_D`, `FWD_I`, `FWD_B`; `BWD_D`; `BWD_W`, `BWD_WB`; `BWD_DW` is both. A bias is left out |
//! | `--reset` | forget both |
//! | `--batch=FILE` | the problems of another list, found from this one's folder |
//! | `--conv` | what follows are convolutions; after another driver's name it is left out |
//!
//! Other options change nothing and are remarked upon. A line that cannot be read is skipped and told with its number.

use std::collections::HashSet;
use std::path::Path;

use nn_core::files::{ReadError, read_text};
use nn_kernels::conv::Direction;

use super::{Problem, excerpt};

/// Longer lists are refused, in bytes.
const LARGEST: u64 = 4 << 20;

/// Lists within lists, and lists in all.
const DEEPEST: usize = 8;
const MOST_LISTS: usize = 64;

/// Problems in all.
const MOST_PROBLEMS: usize = 100_000;

/// Skipped lines and remarks that are kept in words; more are counted.
const MOST_NOTES: usize = 50;

/// A problem of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The convolution.
    pub problem: Problem,
    /// The directions that the list asks for; none if it does not say.
    pub directions: Vec<Direction>,
}

/// Notes about lines, of which there may be any number.
#[derive(Debug, Default)]
pub struct Notes {
    /// The first of them, each with file and line.
    pub texts: Vec<String>,
    /// How many there are in all.
    pub count: usize,
}

impl Notes {
    fn push(&mut self, text: String) {
        self.count += 1;
        if self.texts.len() < MOST_NOTES {
            self.texts.push(text);
        }
    }
}

/// What lists hold.
#[derive(Debug, Default)]
pub struct List {
    /// The problems, in the order of the lines.
    pub items: Vec<Item>,
    /// Lines that cannot be read.
    pub skipped: Notes,
    /// Options that change nothing.
    pub remarks: Notes,
    remarked: HashSet<String>,
    lists: usize,
}

/// What the options above a line say.
#[derive(Default)]
struct Options {
    batch: Option<usize>,
    directions: Vec<Direction>,
    /// The driver to which problems belong, if it is not that of convolutions.
    driver: Option<String>,
}

/// benchdnn's names of what is not a convolution.
const OTHER_DRIVERS: [&str; 23] = [
    "binary",
    "bnorm",
    "brgemm",
    "concat",
    "deconv",
    "eltwise",
    "gnorm",
    "graph",
    "ip",
    "lnorm",
    "lrn",
    "matmul",
    "pool",
    "prelu",
    "reduction",
    "reorder",
    "resampling",
    "rnn",
    "self",
    "shuffle",
    "softmax",
    "sum",
    "zeropad",
];

impl List {
    /// Adds the problems of the file `path`.
    ///
    /// # Errors
    /// If the file itself cannot be read; whatever is wrong within it is in [`List::skipped`].
    pub fn add(&mut self, path: &Path) -> Result<(), ReadError> {
        self.add_within(path, &mut Options::default(), 1)
    }

    fn add_within(&mut self, path: &Path, options: &mut Options, depth: usize) -> Result<(), ReadError> {
        let text = read_text(path, LARGEST)?;
        self.lists += 1;
        for (i, line) in text.lines().enumerate() {
            let words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
            let words: Vec<&str> = words.collect();
            let place = || format!("{}, line {}", path.display(), i + 1);
            if let Err(problem) = self.add_line(&words, path, &place, options, depth) {
                self.skipped.push(format!("{}: {}: {problem}", place(), excerpt(&words.join(" "))));
            }
        }
        Ok(())
    }

    fn add_line(
        &mut self,
        words: &[&str],
        path: &Path,
        place: &dyn Fn() -> String,
        options: &mut Options,
        depth: usize,
    ) -> Result<(), String> {
        let mut items = Vec::new();
        for word in words {
            if word.starts_with('-') {
                self.option(word, path, place, options, depth)?;
                continue;
            }
            if let Some(driver) = &options.driver {
                return Err(format!("belongs to --{driver}, only convolutions are measured"));
            }
            let mut problem: Problem = word.parse().map_err(|error| format!("{error}"))?;
            if let Some(batch) = options.batch {
                problem = problem.with_batch(batch).map_err(|error| error.to_string())?;
            }
            items.push(Item { problem, directions: options.directions.clone() });
        }
        if self.items.len() + items.len() > MOST_PROBLEMS {
            return Err(format!("there are more than {MOST_PROBLEMS} problems"));
        }
        self.items.extend(items);
        Ok(())
    }

    fn option(
        &mut self,
        word: &str,
        path: &Path,
        place: &dyn Fn() -> String,
        options: &mut Options,
        depth: usize,
    ) -> Result<(), String> {
        let name = word.trim_start_matches('-');
        let (name, value) = name.split_once('=').unwrap_or((name, ""));
        match name {
            "reset" => *options = Options { driver: options.driver.take(), ..Options::default() },
            "conv" => options.driver = None,
            "mb" => {
                let batch: u32 = value.parse().map_err(|_| "--mb needs a whole number below 2^32")?;
                options.batch = usize::try_from(batch).ok().filter(|&batch| batch > 0);
            }
            "dir" => options.directions = directions(value)?,
            "batch" if depth >= DEEPEST => return Err(format!("lists are nested more than {DEEPEST} deep")),
            "batch" if self.lists >= MOST_LISTS => {
                return Err(format!("there are more than {MOST_LISTS} lists"));
            }
            "batch" => {
                let path = path.parent().unwrap_or(Path::new("")).join(value);
                self.add_within(&path, options, depth + 1).map_err(|error| error.to_string())?;
            }
            "cfg" | "dt" if value.split(':').all(|kind| kind == "f32") => {}
            driver if OTHER_DRIVERS.contains(&driver) => options.driver = Some(driver.into()),
            _ => {
                let option = excerpt(word);
                if self.remarked.len() < MOST_NOTES && self.remarked.insert(option.clone()) {
                    self.remarks.push(format!("{}: the option {option} changes nothing here", place()));
                }
            }
        }
        Ok(())
    }
}

/// benchdnn's words for directions.
fn directions(value: &str) -> Result<Vec<Direction>, String> {
    let mut all = Vec::new();
    for word in value.split(',') {
        let these: &[Direction] = match word.to_ascii_uppercase().as_str() {
            "FWD" | "FWD_D" | "FWD_I" | "FWD_B" => &[Direction::Output],
            "BWD_D" => &[Direction::GradInput],
            "BWD_W" | "BWD_WB" => &[Direction::GradWeight],
            "BWD_DW" => &[Direction::GradInput, Direction::GradWeight],
            _ => return Err("--dir needs FWD_D, FWD_I, FWD_B, BWD_D, BWD_W, BWD_WB or BWD_DW".into()),
        };
        all.extend(these.iter().filter(|direction| !all.contains(*direction)).copied().collect::<Vec<_>>());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> (tempfile::TempDir, List) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shapes");
        fs::write(folder.path().join("more"), "ic3ih5oc3kh3n\"inner\"\n--mb=9\n").unwrap();
        fs::write(folder.path().join("itself"), "ic4ih5oc4kh3\n--batch=itself\n--batch=itself\n").unwrap();
        fs::write(&path, text).unwrap();
        let mut list = List::default();
        list.add(&path).unwrap();
        (folder, list)
    }

    #[track_caller]
    fn labels(list: &List) -> Vec<String> {
        list.items.iter().map(|item| format!("{} {}", item.problem.batch, item.problem.label())).collect()
    }

    #[test]
    fn options_hold_for_what_follows() {
        let text = "ic1ih5oc1kh3n\"a\"\n--mb=7 --dir=FWD_B,BWD_DW ic1ih5oc1kh3n\"b\" # why\n\
                    --cfg=f32 --dt=f32:f32:f32 mb4ic1ih5oc1kh3n\"c\"\n--mb=0\n--batch=more\nmb4ic1ih5oc1kh3n\"d\"\n\
                    --reset --conv\nmb4ic1ih5oc1kh3n\"e#1\" mb5ic1ih5oc1kh3n\"f\"\n";
        let (_folder, list) = read(text);
        assert_eq!(labels(&list), ["2 a", "7 b", "7 c", "2 inner", "9 d", "4 e#1", "5 f"]);
        let three = vec![Direction::Output, Direction::GradInput, Direction::GradWeight];
        let of: Vec<_> = list.items.iter().map(|item| item.directions.clone()).collect();
        assert_eq!(of, [vec![], three.clone(), three.clone(), three.clone(), three, vec![], vec![]]);
        assert_eq!((list.skipped.count, list.remarks.count), (0, 0), "{list:?}");
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_that_line() {
        let text = "ic1ih5oc1kh3n\"a\"\nih5oc1kh3\nic16oc16_ih10kh5_kh5ph2sh1\n--mb=many ic1ih5oc1kh3\n--dir=UP\n\
                    --batch=nowhere\nic1ih5oc1kh3 ph1\n\x1b[31m\n--stag=nhwc\n--stag=nhwc\n--deconv\nic1ih5oc1kh3\n\
                    --conv\nic1ih5oc1kh3n\"b\"";
        let (_folder, list) = read(text);
        assert_eq!(labels(&list), ["2 a", "2 b"]);
        let expected = [
            "line 2: \"ih5oc1kh3\": ic is missing",
            "line 3: \"ic16oc16_ih10kh5_kh5ph2sh1\": kh is given twice",
            "line 4: \"--mb=many ic1ih5oc1kh3\": --mb needs",
            "line 5: \"--dir=UP\": --dir needs",
            "nowhere: No such file",
            "line 7: \"ic1ih5oc1kh3 ph1\": ih is missing",
            "line 8: \"\\u{1b}[31m\": expected a key",
            "line 12: \"ic1ih5oc1kh3\": belongs to --deconv",
        ];
        assert_eq!(list.skipped.count, expected.len(), "{list:?}");
        for (text, expected) in list.skipped.texts.iter().zip(expected) {
            assert!(text.contains(expected) && text.contains("shapes, line"), "{text:?} lacks {expected:?}");
        }
        assert_eq!(list.remarks.count, 1, "{list:?}");
        assert!(list.remarks.texts[0].contains("line 9: the option \"--stag=nhwc\" changes nothing"));
    }

    #[test]
    fn lists_that_name_each_other_end() {
        let (_folder, list) = read("--batch=itself");
        assert!((DEEPEST - 1..=MOST_LISTS).contains(&list.items.len()), "{}", list.items.len());
        assert!(list.skipped.texts.iter().any(|text| text.contains("nested more than 8 deep")));
    }

    #[test]
    fn many_bad_lines_are_counted() {
        let (_folder, list) = read(&"what is this\n".repeat(2000));
        assert_eq!((list.skipped.count, list.skipped.texts.len()), (2000, MOST_NOTES));
    }
}
