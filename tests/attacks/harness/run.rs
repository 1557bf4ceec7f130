//! Running one attack within its bounds.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Attack, Need, messages, programs};

/// More output than this of one program is itself wrong.
const MOST_OUTPUT: u64 = 1 << 20;

/// Runs an attack.
///
/// # Errors
/// With what came out otherwise than it must.
pub fn run(attack: &Attack) -> Result<(), String> {
    if let Some(need) = attack.needs.iter().find(|need| !is_there(**need)) {
        eprintln!("skipped: {} (needs {need:?})", attack.name);
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = folder.path();
    for (name, content) in &attack.files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).and_then(|()| fs::write(&path, content)).unwrap();
    }
    succeeds(folder, &attack.setup).map_err(|said| format!("its setup failed: {said}"))?;

    let limited = match unlimited() {
        true => attack.script.clone(),
        false => format!("ulimit -v {}\n{}", attack.memory.1 << 10, attack.script),
    };
    let mut output = tempfile::tempfile().unwrap();
    let mut command = programs::shell(folder, &limited);
    command.stdin(Stdio::null()).stdout(clone(&output)).stderr(clone(&output)).process_group(0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let end = watch(&mut child, attack);
    let mut said = Vec::new();
    output.rewind().and_then(|()| (&output).take(MOST_OUTPUT).read_to_end(&mut said)).unwrap();
    let said = String::from_utf8_lossy(&said).replace(&*folder.to_string_lossy(), "");
    let with_output = |problem: String| format!("{problem}\n--- it said:\n{}", shortened(&said));

    let code = code(end.map_err(with_output)?);
    if !attack.codes.contains(&code) {
        return Err(with_output(format!("exit code {code}, expected {:?}", attack.codes)));
    }
    if let Some(fragment) = attack.says.iter().find(|fragment| !said.contains(*fragment)) {
        return Err(with_output(format!("{fragment:?} is not said")));
    }
    if let Some(fragment) = attack.never.iter().find(|fragment| said.contains(*fragment)) {
        return Err(with_output(format!("{fragment:?} is said")));
    }
    messages::check(&said).map_err(with_output)?;
    succeeds(folder, &attack.after).map_err(|why| with_output(format!("what must hold afterwards: {why}")))
}

/// Waits for an attack's end within its bounds; whatever it started is ended with it.
fn watch(child: &mut Child, attack: &Attack) -> Result<ExitStatus, String> {
    let deadline = Instant::now() + Duration::from_secs(attack.seconds);
    let most = attack.memory.0 << 10;
    let end = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break Ok(status);
        }
        if Instant::now() > deadline {
            break Err(format!("no end within {} s", attack.seconds));
        }
        let peak = peak(child.id());
        if peak > most && !unlimited() {
            break Err(format!("{} MiB of memory, at most {} were expected", peak >> 10, most >> 10));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = child.wait();
    end
}

/// The most memory in KiB that a process and each of its descendants have had, added up.
fn peak(process: u32) -> u64 {
    let of_process = fs::read_to_string(format!("/proc/{process}/status"));
    let own = of_process.iter().flat_map(|status| status.lines()).filter_map(|line| {
        line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    });
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok()).map(peak);
    own.chain(children).sum()
}

/// The exit code as a shell tells it.
fn code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

fn succeeds(folder: &Path, script: &str) -> Result<(), String> {
    if script.is_empty() {
        return Ok(());
    }
    let output = programs::shell(folder, &format!("set -e\n{script}")).output().unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{script}{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// Whether bounds on memory are left out: a sanitizer takes address space for itself.
fn unlimited() -> bool {
    static UNLIMITED: OnceLock<bool> = OnceLock::new();
    *UNLIMITED.get_or_init(|| std::env::var_os("ATTACKS_WITHOUT_LIMITS").is_some())
}

fn is_there(need: Need) -> bool {
    static OTHER_USER: OnceLock<bool> = OnceLock::new();
    static MOUNT: OnceLock<bool> = OnceLock::new();
    static DEVICE: OnceLock<bool> = OnceLock::new();
    let try_out = |script: &str| {
        let output = Command::new("sh").args(["-c", script]).output();
        output.is_ok_and(|output| output.status.success())
    };
    match need {
        Need::OtherUser => *OTHER_USER.get_or_init(|| {
            let program = programs::folder().join("fer");
            try_out(&format!(
                "setpriv --reuid=65534 --clear-groups prlimit --nproc=64 '{}' --version",
                program.display()
            ))
        }),
        Need::Device => *DEVICE.get_or_init(|| {
            try_out("folder=$(mktemp -d) && mknod $folder/null c 1 3 && echo > $folder/null && rm -r $folder")
        }),
        Need::Mount => *MOUNT.get_or_init(|| {
            try_out("unshare --mount sh -c 'mount -t tmpfs -o size=3m tmpfs /mnt && touch /mnt/x'")
        }),
    }
}

fn clone(file: &File) -> File {
    file.try_clone().unwrap()
}

fn shortened(said: &str) -> String {
    let mut short: String = said.chars().take(1500).flat_map(char::escape_default).collect();
    short = short.replace("\\n", "\n");
    if said.len() > 1500 {
        short += " ..";
    }
    short
}
