//! The real Optuna and these storages read each other's studies.

#![cfg(all(feature = "sqlite", feature = "postgres"))]

mod compat;
mod server;

use std::path::Path;

use compat::{dump, optuna, point, timeless, write};
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use server::Server;
use tpe::space::{Space, float};
use tpe::storage::{Memory, NewTrial, Postgres, Sqlite, Storage};
use tpe::study::Evaluation;
use tpe::{Direction, State, Study, Trial};

/// Studies that Optuna 5.0.0 wrote, and what it said about them; `compat/optuna_sql.py golden` made both.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn golden_copy(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("optuna.db");
    std::fs::copy(format!("{GOLDEN}/optuna_5.db"), &path).unwrap();
    path
}

/// Field by field, so that a difference is easy to see.
#[track_caller]
fn assert_same(found: &Json, expected: &Json) {
    let (a, b) = (found["trials"].as_array().unwrap(), expected["trials"].as_array().unwrap());
    a.iter().zip(b).for_each(|(a, b)| assert_eq!(a, b));
    assert_eq!(found, expected);
}

#[test]
fn what_optuna_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Sqlite::open(golden_copy(folder.path())).unwrap();
    let expected = std::fs::read_to_string(format!("{GOLDEN}/optuna_5.json")).unwrap();
    let expected: serde_json::Map<_, _> = serde_json::from_str(&expected).unwrap();
    assert_eq!(storage.studies().unwrap().len(), 2);
    assert_eq!(expected["from optuna"]["trials"].as_array().unwrap().len(), 16);
    for (name, expected) in expected {
        assert_same(&dump(&storage, &name), &expected);
    }
    let study = storage.study("from optuna").unwrap().unwrap();
    let new = NewTrial { params: point(0.5), ..NewTrial::new(State::Running) };
    storage.create_trial(study.id, &new, Default::default()).unwrap();
}

#[test]
fn sqlite_tables_are_those_of_optuna() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours.db");
    Sqlite::open(&ours).unwrap();
    let schema = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let mut rows: Vec<String> = Vec::new();
        for sql in [
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL",
            "SELECT 'version ' || version_num FROM alembic_version",
            "SELECT format('%d %d %s', version_info_id, schema_version, library_version) FROM version_info",
        ] {
            let mut statement = connection.prepare(sql).unwrap();
            rows.extend(statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap));
        }
        // White space has no meaning in them.
        rows.iter().map(|sql| sql.split_whitespace().collect()).collect()
    };
    let expected = schema(&golden_copy(folder.path()));
    assert_eq!(expected.len(), 13 + 2 + 2);
    assert_eq!(schema(&ours), expected);
}

/// The whole conversation, on `storage`, which Optuna knows as `url`.
fn converse(storage: &dyn Storage, url: &str, optuna: &dyn Fn(&[&str]) -> Json) {
    // We write, Optuna reads.
    write(storage);
    let memory = Memory::new();
    write(&memory);
    let seen = optuna(&["dump", url, "from us"]);
    assert_same(&dump(storage, "from us"), &seen);
    assert_same(&timeless(dump(&memory, "from us")), &timeless(seen));

    // Optuna goes on, beginning with the trial that waits; then we do, then Optuna again.
    optuna(&["continue", url, "from us", "12"]);
    let seen = optuna(&["dump", url, "from us"]);
    assert_eq!(seen["trials"].as_array().unwrap().len(), 10 + 12 - 1);
    assert_eq!(seen["trials"][8]["params"]["x"]["value"]["float"], "3fd0000000000000");
    assert_same(&dump(storage, "from us"), &seen);
    let study = storage.study("from us").unwrap().unwrap().id;
    let new = NewTrial { params: point(-0.5), ..NewTrial::new(State::Running) };
    for _ in 0..3 {
        match storage.create_trial(study, &new, Default::default()).unwrap() {
            tpe::storage::Admitted::Created { id, .. } => {
                storage.finish(id, State::Complete, &[3.0]).unwrap()
            }
            other => panic!("{other:?}"),
        };
    }
    optuna(&["continue", url, "from us", "1"]);
    let seen = optuna(&["dump", url, "from us"]);
    assert_eq!(seen["trials"].as_array().unwrap().len(), 25);
    assert_same(&dump(storage, "from us"), &seen);
    // The dashboard fails on choices that are lists, whoever stored them: it is shown a study without.
    let shown = storage.create_study("shown", &[Direction::Maximize]).unwrap();
    for x in [0.5, -0.5] {
        let new = NewTrial { params: point(x), ..NewTrial::new(State::Running) };
        match storage.create_trial(shown, &new, Default::default()).unwrap() {
            tpe::storage::Admitted::Created { id, .. } => storage.finish(id, State::Complete, &[x]).unwrap(),
            other => panic!("{other:?}"),
        };
    }
    let page = optuna(&["dashboard", url, "shown"]);
    assert_eq!((&page["status"], &page["trials"]), (&200.into(), &2.into()));

    // Optuna writes, we read and delete.
    optuna(&["write", url]);
    for name in ["from optuna", "two results"] {
        assert_same(&dump(storage, name), &optuna(&["dump", url, name]));
        storage.delete_study(storage.study(name).unwrap().unwrap().id).unwrap();
    }
    assert_same(&dump(storage, "from us"), &optuna(&["dump", url, "from us"]));
}

#[test]
fn optuna_and_sqlite() {
    let Some(optuna) = optuna("optuna_and_sqlite") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.db");
    converse(&Sqlite::open(&path).unwrap(), &format!("sqlite:///{}", path.display()), &optuna);
}

#[test]
fn optuna_and_postgresql() {
    let Some(optuna) = optuna("optuna_and_postgresql") else { return };
    let Some(server) = Server::start("optuna_and_postgresql") else { return };
    let url = server.new_database();
    converse(&Postgres::connect(&url).unwrap(), &url, &optuna);
}

#[test]
fn postgresql_tables_are_those_of_optuna() {
    const CATALOG: &str = "
        SELECT 'column', table_name, column_name, data_type, udt_name, character_maximum_length, is_nullable,
               column_default, ordinal_position
            FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index', indexname, indexdef, '', '', 0, '', '', 0
            FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(c.oid), '', '', 0, '', '', 0
            FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace WHERE nspname = 'public'
        UNION ALL SELECT 'label', typname, enumlabel, '', '', 0, '', '', enumsortorder
            FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
        UNION ALL SELECT 'sequence', sequencename, data_type::text, '', '', 0, '', '', max_value
            FROM pg_sequences
        UNION ALL SELECT 'version', version_num, schema_version::text, library_version, '', 0, '', '', 0
            FROM alembic_version, version_info
        ORDER BY 1, 2, 3";
    let Some(optuna) = optuna("postgresql_tables_are_those_of_optuna") else { return };
    let Some(server) = Server::start("postgresql_tables_are_those_of_optuna") else { return };
    let [ours, theirs] = [server.new_database(), server.new_database()];
    Postgres::connect(&ours).unwrap();
    optuna(&["create", &theirs]);
    let [ours, theirs] = ["d0", "d1"].map(|name| server.psql(name, CATALOG));
    assert!(ours.lines().count() > 80, "{ours}");
    assert_eq!(ours, theirs);
    Postgres::connect(&server.address("d1")).unwrap();
}

#[test]
fn optuna_reads_our_constraints_and_we_read_its() {
    let Some(optuna) = optuna("optuna_reads_our_constraints_and_we_read_its") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.db");
    let url = format!("sqlite:///{}", path.display());
    let open = |name: &str| {
        let space = Space::new([float("x", 0.0, 1.0)]).unwrap();
        Study::builder(space).name(name).storage(Sqlite::open(&path).unwrap()).open().unwrap()
    };
    let described = |study: &Study| {
        let constraints = |trial: &Trial| -> serde_json::Map<String, Json> {
            let bits = |value: f64| format!("{:016x}", value.to_bits()).into();
            trial.constraints().into_iter().map(|(name, value)| (name, bits(value))).collect()
        };
        let best = study.best().unwrap().map(|best| best.number);
        json!({ "best": best, "constraints": study.trials().unwrap().iter().map(constraints).collect::<Vec<_>>() })
    };
    for (name, least) in [("ours", 0.5), ("nothing is feasible", 2.0)] {
        let study = open(name);
        let objective = |trial: &Evaluation<'_>| {
            trial.constrain("a: \"least\"", least - trial.float("x"))?;
            trial.constrain("infinite", f64::NEG_INFINITY)?;
            Ok(trial.float("x"))
        };
        study.optimize(15, objective).unwrap();
        assert_eq!(study.best().unwrap().is_some(), least < 1.0);
        assert_eq!(described(&study), optuna(&["best", &url, name]), "{name}");
    }
    let theirs = optuna(&["constrained", &url]);
    let study = open("constrained");
    assert_eq!(described(&study), theirs);
    assert!(theirs["best"].is_u64(), "{theirs}");
}
