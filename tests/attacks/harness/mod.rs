//! What an attack is, and how the attacks of an area are run.

mod messages;
mod programs;
mod run;
mod self_test;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A network that trains in a moment; it lies in the folder of every attack as `tiny.json`.
pub const TINY: &str = r#"{"name": "tiny", "input_shape": [2304], "layers": [
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax"}}]}"#;

/// Trains it; it can be followed by further arguments.
pub const TRAIN: &str = "fer train tiny.json --epochs 1 --limit 70";

/// One row: a script, what it needs, and what must come of it.
pub struct Attack {
    name: &'static str,
    script: String,
    files: Vec<(String, Vec<u8>)>,
    setup: String,
    codes: Vec<i32>,
    says: Vec<String>,
    never: Vec<String>,
    after: String,
    seconds: u64,
    /// Most memory of all its processes, and most address space of each, in MiB.
    memory: (u64, u64),
    needs: Vec<Need>,
}

/// What an attack cannot do without; where the machine does not have it, the attack is skipped by name.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// The rights to become another user, whose number of threads can be limited.
    OtherUser,
    /// The rights to mount a file system that nobody else sees.
    Mount,
    /// The rights to make a device's file.
    Device,
}

/// An attack that runs `script`.
pub fn attack(name: &'static str, script: impl Into<String>) -> Attack {
    Attack {
        name,
        script: script.into(),
        files: vec![("tiny.json".into(), TINY.into())],
        setup: String::new(),
        codes: vec![0],
        says: Vec::new(),
        never: Vec::new(),
        after: String::new(),
        seconds: 60,
        memory: (400, 1024),
        needs: Vec::new(),
    }
}

impl Attack {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A file in its folder.
    pub fn file(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), content.into()));
        self
    }

    /// A copy of a file of the repository, named from its top.
    pub fn fixture(self, source: &str, name: &str) -> Self {
        let content = std::fs::read(programs::top().join(source)).unwrap();
        self.file(name, content)
    }

    /// A script that runs before, outside all bounds; several run one after the other.
    pub fn setup(mut self, script: &str) -> Self {
        self.setup += script;
        self.setup.push('\n');
        self
    }

    /// A finished run of `tiny.json` on the embedded faces, in the folder `run`.
    pub fn trained(self) -> Self {
        let run = programs::trained();
        self.setup(&format!("cp -r '{}' run", run.display()))
    }

    /// A run like it that was left before its end.
    pub fn left(self) -> Self {
        let run = programs::left();
        self.setup(&format!("cp -r '{}' run", run.display()))
    }

    /// A finished search of two trials, in the folder `search`, with its study in `search/study.db`.
    pub fn searched(self) -> Self {
        let search = programs::searched();
        self.setup(&format!("cp -r '{}' search", search.display()))
    }

    /// The exit code (of a program that a signal ended, 128 and the signal), and what must be said on stdout or stderr;
    /// in the place of what an earlier call asked for.
    pub fn ends(self, code: i32, says: &[&str]) -> Self {
        self.ends_in(&[code], says)
    }

    /// As [`Attack::ends`], with any of these codes.
    pub fn ends_in(mut self, codes: &[i32], says: &[&str]) -> Self {
        self.codes = codes.into();
        self.says = says.iter().map(ToString::to_string).collect();
        self
    }

    /// What must not be said.
    pub fn never(mut self, fragments: &[&str]) -> Self {
        self.never.extend(fragments.iter().map(ToString::to_string));
        self
    }

    /// A script that must succeed afterwards; several run one after the other and each must.
    pub fn after(mut self, script: &str) -> Self {
        self.after += script;
        self.after.push('\n');
        self
    }

    /// Another bound on time than a minute.
    pub fn within(mut self, seconds: u64) -> Self {
        self.seconds = seconds;
        self
    }

    /// Another bound on memory than 400 MiB; the address space may have 600 MiB more.
    pub fn memory(mut self, mebibytes: u64) -> Self {
        self.memory = (mebibytes, mebibytes + 600);
        self
    }

    /// Something that not every machine has.
    pub fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }
}

/// Runs attacks, two at a time, and fails with everything that did not come out as it must.
#[track_caller]
pub fn must_hold(attacks: Vec<Attack>) {
    let only = std::env::var("ATTACK").unwrap_or_default();
    let attacks: Vec<_> = attacks.into_iter().filter(|attack| attack.name.contains(&only)).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(attack) = attacks.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(problem) = run::run(attack) {
                failures.lock().unwrap().push(format!("{}: {problem}", attack.name));
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let failures = failures.into_inner().unwrap();
    let (failed, rows) = (failures.len(), attacks.len());
    assert!(failures.is_empty(), "{failed} of {rows} attacks:\n\n{}", failures.join("\n\n"));
}
