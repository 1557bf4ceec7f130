//! Searches and their studies: damaged databases, journals, folders; addresses of servers.

use super::harness::{Attack, attack};

const RESUME: &str = "fer search --resume --trials 3 --epochs 1 --limit 70 --batch 64 --out search";
const BEGIN: &str = "fer search --trials 1 --epochs 1 --limit 70 --batch 64";

/// A finished search to which something happened, resumed for one more trial.
fn resume(name: &'static str, harm: &str) -> Attack {
    attack(name, RESUME).searched().setup(harm).ends(1, &["search"])
}

/// A search that is resumed on links to what is not its own, which it must leave alone.
fn foreign(name: &'static str, harm: &str) -> Attack {
    resume(name, harm).file("victim", "precious").after("test \"$(cat victim)\" = precious")
}

/// A search with a journal of this content.
fn journal(name: &'static str, content: impl Into<Vec<u8>>) -> Attack {
    attack(name, format!("{BEGIN} --resume --study s.journal --out out"))
        .file("s.journal", content)
        .ends(1, &["s.journal"])
}

/// A search on a server's address, which must not be told.
fn server(name: &'static str, address: &str) -> Attack {
    attack(name, format!("{BEGIN} --study '{address}' --out out"))
        .ends_in(&[1, 2], &[])
        .never(&["s3cr3t", "PW@", "@pw", "%73"])
        .after("! grep -rq s3cr3t .")
}

fn created(study: &str) -> String {
    format!("{{\"op_code\": 0, \"worker_id\": \"a\", \"study_name\": {study}, \"directions\": [2]}}\n")
}

pub fn rows() -> Vec<Attack> {
    vec![
        resume("a search that goes on", ":").ends(0, &["trial"]),
        resume("a study of zeros", "head -c 4096 /dev/zero > search/study.db"),
        resume("a study of text", "echo no database > search/study.db"),
        resume("half a study", "truncate -s 20000 search/study.db"),
        resume("a study that is a folder", "rm search/study.db*; mkdir search/study.db"),
        resume("a study that is a pipe", "rm search/study.db*; mkfifo search/study.db"),
        resume("a study that is a device", "rm search/study.db*; ln -s /dev/zero search/study.db"),
        foreign("a study that links elsewhere", "rm search/study.db*; ln -s ../victim search/study.db"),
        foreign("a search's lock that links elsewhere", "ln -sf ../victim search/search.lock"),
        resume("a search's lock that is a pipe", "rm -f search/search.lock; mkfifo search/search.lock"),
        foreign("a search's result that links elsewhere", "ln -sf ../victim search/result.json"),
        resume("a search of other settings", ":").ends(1, &["search"]).setup(
            "sed -i 's/limit/limitz/' search/*.toml || true; rm -f search/study.db*; echo x > search/study.db",
        ),
        attack("a search in a taken folder", format!("{BEGIN} --out folder"))
            .file("folder/mine", "mine")
            .ends(1, &["folder"])
            .after("test \"$(ls folder)\" = mine"),
        attack("a search in a file", format!("{BEGIN} --out file"))
            .file("file", "mine")
            .ends(1, &["file"])
            .never(&["not empty"]),
        attack("a search of no trials", "fer search --trials 0 --epochs 1 --limit 70 --out out").ends_in(&[1, 2], &["trials"]),
        attack("a search of 2^64 trials", "fer search --trials 18446744073709551616 --out out").ends(2, &["--trials"]),
        attack("a search with a study of an unknown kind", format!("{BEGIN} --study s.xml --out out"))
            .ends_in(&[1, 2], &["s.xml"]),
        journal("a journal of text", "no journal\n"),
        journal("a journal of zeros", vec![0; 4096]),
        journal("a journal of brackets", "[".repeat(100_000) + "\n"),
        journal("a journal of lists", "[1, 2]\n"),
        journal("a journal of unknown operations", "{\"op_code\": 99, \"worker_id\": \"a\"}\n"),
        journal("a journal of a study that is a number", created("7")),
        journal("a journal of a trial without a study", "{\"op_code\": 4, \"worker_id\": \"a\", \"study_id\": 7}\n")
            .ends_in(&[0, 1], &[]),
        journal("a journal of a number of 400 digits", created("\"s\"").replace("[2]", &format!("[{}]", "9".repeat(400)))),
        attack("a journal that is a pipe", format!("{BEGIN} --resume --study s.journal --out out"))
            .setup("mkfifo s.journal")
            .ends(1, &["s.journal"]),
        attack("a journal that is a device", format!("{BEGIN} --resume --study s.journal --out out"))
            .setup("ln -s /dev/zero s.journal")
            .ends(1, &["s.journal"]),
        server("a password with an at sign", "postgresql://u:s3cr3t@pw@127.0.0.1:9/d"),
        server("a password behind one slash", "postgresql:/u:s3cr3tPW@127.0.0.1/d"),
        server("a password behind no slash", "postgresql:u:s3cr3tPW@127.0.0.1/d"),
        server("a password of a file", "postgresql:/u:s3cr3tPW@127.0.0.1/d.db"),
        server("a password among settings", "host=127.0.0.1 port=9 user=u password=s3cr3tPW"),
        server("a password of an encrypted connection", "postgresql://u:s3cr3tPW@127.0.0.1:9/d?sslmode=require")
            .ends(1, &["encrypted", "not built in"]),
        server("a password for a port", "postgresql://u:1/s3cr3tPW@127.0.0.1:9/d"),
        attack("a password in the wrong place", format!("{BEGIN} postgresql://u:s3cr3tPW@h/d"))
            .ends(2, &["unexpected argument"])
            .never(&["s3cr3t"]),
        attack("a password for a number", "fer search --trials postgresql:/u:s3cr3tPW@h/d")
            .ends(2, &["--trials"])
            .never(&["s3cr3t"]),
        server("a password in a query", "postgresql://127.0.0.1:9/d?user=u&password=s3cr3t"),
        server("a password with a percent sign", "postgresql://u:s3cr3t%@127.0.0.1:9/d"),
        server("a password at a port of letters", "postgresql://u:s3cr3t@127.0.0.1:port/d"),
        server("a password with a slash", "postgresql://u:s3cr3t/PW@127.0.0.1:9/d"),
    ]
}
