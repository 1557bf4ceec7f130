//! A private PostgreSQL server, without a network address, that ends with its test.

use std::cell::Cell;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// The account that runs the server if the tests run as root, which PostgreSQL refuses: `nobody`.
pub const NOBODY: u32 = 65534;

/// A running server; it stops when dropped, in a panic too.
pub struct Server {
    folder: TempDir,
    process: Option<Child>,
    databases: Cell<usize>,
}

impl Server {
    /// Starts one, or says on the standard output that the test is skipped.
    pub fn start(test: &str) -> Option<Self> {
        if Command::new("postgres").arg("--version").output().is_err() {
            println!("skipped: {test} (needs PostgreSQL)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        let made = unprivileged("initdb")
            .args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { folder, process: None, databases: Cell::new(0) };
        server.run();
        Some(server)
    }

    /// The address of a new, empty database.
    pub fn new_database(&self) -> String {
        let name = format!("d{}", self.databases.replace(self.databases.get() + 1));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// The address of a database, with the driver that Optuna's side needs.
    pub fn address(&self, name: &str) -> String {
        format!("postgresql+psycopg2://postgres@/{name}?host={}", self.folder.path().display())
    }

    /// What the server answers to `sql` in `database`, a line for each row.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-U", "postgres", "-h"]).arg(self.folder.path());
        let output = psql.args(["-At", "-v", "ON_ERROR_STOP=1", "-c", sql, database]).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the server, which does not run, and waits until it answers.
    pub fn run(&mut self) {
        let folder = self.folder.path();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut postgres = unprivileged("postgres");
        postgres.args(["-F", "-c", "listen_addresses=", "-k"]).arg(folder).arg("-D").arg(folder.join("data"));
        postgres.current_dir(folder).stdout(Stdio::null()).stderr(log);
        self.process = Some(postgres.spawn().unwrap());
        self.wait();
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        let data = self.folder.path().join("data");
        let mut stop = unprivileged("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-D"]).arg(data).current_dir(&self.folder);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn wait(&self) {
        for _ in 0..600 {
            let ready = Command::new("psql")
                .args(["-X", "-U", "postgres", "-c", "SELECT 1", "-h"])
                .arg(self.folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("the PostgreSQL server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the tests may do anything.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// A command that does not run as root.
pub fn unprivileged(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", program]);
    command
}
