//! A PostgreSQL server that says nothing is not waited for without end.

#![cfg(feature = "postgres")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tpe::storage::{Postgres, PostgresOptions};

/// A server that answers with `answers`, one for each message or batch of them, and then with silence.
fn server(answers: &'static [&'static [u8]]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut said = [0; 4096];
            for answer in answers {
                if stream.read(&mut said).is_ok_and(|length| length > 0) {
                    let _ = stream.write_all(answer);
                }
            }
            held.push(stream);
        }
    });
    format!("postgresql://me:secret@127.0.0.1:{port}/db")
}

/// What comes of connecting, how long it took, and whom one was told to be waiting for.
fn connect(url: &str) -> (String, Duration, Vec<String>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let options = PostgresOptions {
        connect: Duration::from_secs(4),
        statement: Duration::from_secs(4),
        on_wait: Box::new(move |server| {
            listener.lock().unwrap().push(server.to_owned());
            true
        }),
    };
    let begin = Instant::now();
    let message = Postgres::connect_with(url, options).err().expect(url).to_string();
    let told = told.lock().unwrap().clone();
    (message, begin.elapsed(), told)
}

#[test]
fn a_wait_can_be_given_up() {
    let options = PostgresOptions { on_wait: Box::new(|_| false), ..PostgresOptions::default() };
    let begin = Instant::now();
    let message = Postgres::connect_with(&server(&[]), options).err().unwrap().to_string();
    assert!(message.contains("the wait for the server was given up"), "{message}");
    // The server would be waited for half a minute.
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn silence_is_told_and_ends() {
    const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    const SET: &[u8] = b"C\0\0\0\x08SET\0C\0\0\0\x08SET\0Z\0\0\0\x05I";
    for answers in [&[][..], &[WELCOME][..], &[WELCOME, SET][..]] {
        let url = server(answers);
        let (message, time, told) = connect(&url);
        assert!(message.contains("has said nothing for 4 s"), "{message}");
        assert!(message.contains("postgresql://127.0.0.1:") && !message.contains("secret"), "{message}");
        assert!(time > Duration::from_secs(3) && time < Duration::from_secs(60), "{time:?}");
        assert!(!told.is_empty() && told.iter().all(|server| !server.contains("secret")), "{told:?}");
    }
}

#[test]
fn the_limit_of_the_address_counts() {
    let url = format!("{}?connect_timeout=1", server(&[]));
    let (message, time, told) = connect(&url);
    assert!(message.contains("has said nothing for"), "{message}");
    assert!(time < Duration::from_secs(4) && told.is_empty(), "{time:?}: {told:?}");
}
