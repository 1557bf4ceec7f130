//! Files and servers that hold no studies: clear errors, and nothing is changed.

#![cfg(all(feature = "sqlite", feature = "postgres"))]

mod server;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use server::{NOBODY, Server, is_root, unprivileged};
use tempfile::TempDir;
use tpe::storage::{AttrKind, Known, NewTrial, Postgres, Sqlite, Storage, StorageError};
use tpe::{Direction, State};

/// The message of the error, which must name the file.
#[track_caller]
fn refused(path: &Path) -> String {
    let error = Sqlite::open(path).expect_err("opened");
    let message = error.to_string();
    assert!(message.contains(path.file_name().unwrap().to_str().unwrap()), "{message}");
    message
}

/// A folder with a file in which one trial is finished.
fn with_study() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.db");
    let storage = Sqlite::open(&path).unwrap();
    let study = storage.create_study("s", &[Direction::Minimize]).unwrap();
    let new = NewTrial { values: vec![1.0], ..NewTrial::new(State::Complete) };
    storage.create_trial(study, &new, Default::default()).unwrap();
    (folder, path)
}

/// Opens `path` in vain and finds it as it was.
#[track_caller]
fn untouched(path: &Path) -> String {
    let before = fs::read(path).unwrap();
    let message = refused(path);
    assert_eq!(fs::read(path).unwrap(), before);
    let folder = path.parent().unwrap();
    assert_eq!(folder.read_dir().unwrap().count(), 1, "files beside {}", path.display());
    message
}

#[test]
fn no_sqlite_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for text in
        ["x", "SQLite", "Some notes on hyper-parameters, longer than the head of a database. ", "{}\n"]
    {
        fs::write(&path, text.repeat(if text.len() > 10 { 100 } else { 1 })).unwrap();
        assert!(untouched(&path).contains("is not an SQLite database"));
    }
}

#[test]
fn a_database_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE recipes (a); CREATE TABLE b (c)").unwrap();
    let message = untouched(&path);
    assert!(message.contains("another program") && message.contains("\"recipes\""), "{message}");
}

#[test]
fn other_versions_of_the_tables() {
    for (sql, words) in [
        ("UPDATE alembic_version SET version_num = 'v2.6.0.a'", ["v2.6.0.a", "optuna storage upgrade"]),
        ("UPDATE alembic_version SET version_num = 'v9.0.0.a'", ["v9.0.0.a", "unknown"]),
        ("DELETE FROM alembic_version", ["no version", "optuna storage upgrade"]),
        ("DROP TABLE alembic_version", ["no version", "optuna storage upgrade"]),
        ("DROP TABLE trial_heartbeats", ["trial_heartbeats", "missing"]),
    ] {
        let (_folder, path) = with_study();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&format!("PRAGMA journal_mode = DELETE; {sql}")).unwrap();
        drop(connection);
        let message = untouched(&path);
        assert!(words.iter().all(|word| message.contains(word)), "{sql}: {message}");
        assert!(matches!(Sqlite::open(&path), Err(StorageError::Foreign { .. })));
    }
}

#[test]
fn truncated_files() {
    let (_folder, path) = with_study();
    let whole = fs::read(&path).unwrap();
    for length in [20, 99, 100, 512, 4096, 4097, whole.len() - 4096, whole.len() - 100, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = refused(&path);
        assert!(message.contains("damaged"), "{length}: {message}");
        assert_eq!(fs::read(&path).unwrap(), whole[..length]);
    }
    fs::write(&path, &whole).unwrap();
    let storage = Sqlite::open(&path).unwrap();
    let study = storage.study("s").unwrap().unwrap();
    assert_eq!(storage.trials(study.id, &Known::default()).unwrap()[0].values, [1.0]);
}

#[test]
fn damaged_rows() {
    for (sql, words) in [
        ("UPDATE trials SET state = 'LOST'", ["table trials", "\"LOST\""]),
        ("UPDATE trials SET datetime_start = 'soon'", ["table trials", "\"soon\""]),
        ("UPDATE trials SET number = -1", ["table trials", "-1"]),
        ("UPDATE trial_values SET value_type = 'INF_POS'", ["table trial_values", "INF_POS"]),
        ("UPDATE trial_values SET value = NULL", ["table trial_values", "FINITE"]),
        ("INSERT INTO trial_params VALUES (1, 1, 'x', 0.5, '{}')", ["table trial_params", "no name"]),
        (
            "INSERT INTO trial_params VALUES (1, 1, 'x', NULL, '{}')",
            ["table trial_params", "without a value"],
        ),
        ("INSERT INTO trial_user_attributes VALUES (1, 1, 'key', '[')", ["table trial_user_attr", "\"key\""]),
    ] {
        let (_folder, path) = with_study();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let storage = Sqlite::open(&path).unwrap();
        let study = storage.study("s").unwrap().unwrap();
        let error = storage.trials(study.id, &Known::default()).expect_err(sql);
        let message = error.to_string();
        assert!(matches!(error, StorageError::Damaged { .. }), "{message}");
        assert!(words.iter().all(|word| message.contains(word)), "{sql}: {message}");
        assert!(message.contains("study.db"), "{message}");
    }
}

#[test]
fn no_file_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("study.db");
    assert!(refused(&path).contains("there is no folder"));
    assert!(!path.parent().unwrap().exists());
    assert!(refused(folder.path()).contains("it is a folder"));
    assert!(refused(Path::new("/dev/null")).contains("it is not a file"));
    assert!(Sqlite::open("").is_err());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Sqlite::open(file.join("study.db")).is_err());
}

#[test]
fn an_empty_file_is_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    fs::write(&path, "").unwrap();
    Sqlite::open(&path).unwrap().create_study("s", &[]).unwrap();
    assert_eq!(Sqlite::open(&path).unwrap().studies().unwrap().len(), 1);
}

/// Root writes everywhere, so this runs itself as somebody else.
#[test]
fn read_only_places() {
    const FOLDER: &str = "TPE_TEST_READ_ONLY";
    if let Ok(folder) = std::env::var(FOLDER) {
        let folder = Path::new(&folder);
        assert!(refused(&folder.join("new.db")).contains("writable"));
        assert!(refused(&folder.join("study.db")).contains("writable"));
        return;
    }
    let (folder, path) = with_study();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    if is_root() {
        chown(folder.path(), Some(NOBODY), None).unwrap();
    }
    let before = fs::read(&path).unwrap();
    let output = unprivileged(std::env::current_exe().unwrap().to_str().unwrap())
        .args(["read_only_places", "--exact"])
        .env(FOLDER, folder.path())
        .current_dir("/")
        .output()
        .unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn addresses_that_are_none() {
    for (url, words) in [
        ("study.db", ["://", "postgresql://user"]),
        ("sqlite:///study.db", ["not the address of a PostgreSQL", "postgresql://user"]),
        ("mysql://me:secret@host/db", ["address", "not the address"]),
        ("postgresql://me:secret@host:port/db", ["address", "cannot be read"]),
        ("postgresql://me:secret@host:70000/db?a=b", ["address", "cannot be read"]),
        ("postgresql://me:secret/host", ["address", "cannot be read"]),
        ("postgresql://me:se@cret@host:x/db", ["address", "written %40"]),
        ("postgresql://me:se@secret@host/db", ["address", "written %40"]),
        ("postgresql://me:secret@x@host/db", ["address", "written %40"]),
        ("postgresql://me:se/secret@host/db", ["address", "written %40"]),
        ("postgresql://me:1/secret@host/db", ["address", "written %40"]),
        ("postgresql://me:1?a=secret@host/db", ["address", "written %40"]),
        ("postgresql:/me:secret@host/db", ["://", "postgresql://user"]),
        ("postgres:me:secret@host", ["://", "postgresql://user"]),
        ("host=h user=me password=secret", ["://", "postgresql://user"]),
        ("me:secret@h://x", ["address", "not the address"]),
        ("postgresql://me@host:secret/db", ["address", "cannot be read"]),
        ("postgresql://me:secret@host/db?sslmode=require", ["encrypted", "not built in"]),
        ("postgresql://me:secret@host/db?sslmode=verify-full", ["encrypted", "not built in"]),
        ("postgresql://me:secret@host/db?sslrootcert=root.crt", ["encrypted", "not built in"]),
        ("postgresql://me:secret@host/db?sslmode=allow", ["address", "cannot be read"]),
        ("postgresql://host:x/db?password=secret", ["address", "cannot be read"]),
        ("postgresql:///db", ["names no host", "postgresql://user"]),
        // A port where nobody listens.
        ("postgresql://me:secret@127.0.0.1:1/db", ["postgresql://127.0.0.1:1/db", "efused"]),
        ("postgresql+psycopg2://me:secret@127.0.0.1:1/db", ["postgresql://127.0.0.1:1/db", "efused"]),
    ] {
        let error = Postgres::connect(url).err().expect(url);
        let message = format!("{error} {error:?}");
        assert!(words.iter().all(|word| message.contains(word)), "{url}: {message}");
        assert!(!message.contains("secret") && !message.contains("cret@"), "{message}");
    }
}

#[test]
fn databases_on_a_server() {
    let Some(mut server) = Server::start("databases_on_a_server") else { return };
    let refused = |url: &str, words: &[&str]| {
        let message = Postgres::connect(url).err().expect(url).to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    refused(&server.address("nowhere"), &["/nowhere", "does not exist"]);
    for (sql, words) in [
        ("UPDATE alembic_version SET version_num = 'v3.0.0.d'", ["v3.0.0.d", "optuna storage upgrade"]),
        ("DELETE FROM alembic_version", ["no version", "optuna storage upgrade"]),
        ("DROP TABLE trial_heartbeats", ["trial_heartbeats", "missing"]),
    ] {
        let url = server.new_database();
        let name = url.split(['/', '?']).nth(3).unwrap();
        Postgres::connect(&url).unwrap();
        server.psql(name, sql);
        refused(&url, &[name, words[0], words[1]]);
    }
    // Tables of others may stand beside Optuna's.
    let url = server.new_database();
    let name = url.split(['/', '?']).nth(3).unwrap().to_owned();
    server.psql(&name, "CREATE TABLE recipes (a INTEGER)");
    let storage = Postgres::connect(&url).unwrap();
    let study = storage.create_study("s", &[Direction::Minimize]).unwrap();
    let wide = "x".repeat(513);
    let error = storage.set_study_attr(study, AttrKind::User, &wide, &json!(1)).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
    assert!(storage.create_study("zero\0", &[]).is_err());

    // A connection that was cut is made anew, once, by the next verb.
    server.psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'd%'");
    storage.set_study_attr(study, AttrKind::User, "k", &json!(1)).unwrap();
    server.stop();
    server.run();
    assert_eq!(storage.studies().unwrap()[0].user_attrs["k"], 1);
    server.stop();
    for _ in 0..2 {
        let message = storage.studies().unwrap_err().to_string();
        assert!(message.contains(&name) && message.contains("connect"), "{message}");
    }
    server.run();
    assert_eq!(storage.studies().unwrap().len(), 1);
}
