//! Files are read within bounds and written whole.

use std::fs;
use std::path::Path;
use std::process::Command;

use nn_core::files::{
    OutputError, ReadError, check_output, is_temporary, read, read_text, remove_temporary_files,
    write_atomically, write_output,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_is_read_is_bounded() {
    let folder = folder();
    let path = folder.path().join("x");
    fs::write(&path, b"12345678").unwrap();
    assert_eq!(read(&path, 8).unwrap(), b"12345678");
    assert_eq!(read_text(&path, u64::MAX).unwrap(), "12345678");
    let error = read(&path, 7).unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { most: 7, .. }), "{error}");
    assert!(read(&folder.path().join("none"), 8).unwrap_err().is_not_found());
    fs::write(&path, b"\xff\xfe").unwrap();
    assert!(read_text(&path, 8).unwrap_err().to_string().ends_with("x: is not UTF-8 text"));
}

#[test]
fn a_length_that_the_system_denies_is_bounded_too() {
    let status = Path::new("/proc/self/status");
    if !status.exists() {
        eprintln!("skipped: no /proc");
        return;
    }
    assert_eq!(fs::metadata(status).unwrap().len(), 0);
    assert!(matches!(read(status, 10), Err(ReadError::TooLarge { most: 10, .. })));
    assert!(read_text(status, 1 << 20).unwrap().contains("Name:"));
}

#[test]
fn a_sparse_file_is_refused_unread() {
    let folder = folder();
    let path = folder.path().join("sparse");
    fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
    let message = read(&path, 1 << 20).unwrap_err().to_string();
    assert!(message.contains("has more than 1 MiB"), "{message}");
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_folders_are_not_opened() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let zero = folder.path().join("zero");
    std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
    for (path, expected) in [(&*pipe, "is a pipe"), (&*zero, "is a device"), (folder.path(), "is a folder")] {
        let message = read(path, 8).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn an_output_replaces_a_file_only_with_force() {
    let folder = folder();
    let path = folder.path().join("out");
    write_output(&path, false, b"one").unwrap();
    let error = write_output(&path, false, b"two").unwrap_err();
    assert!(error.to_string().ends_with("out exists; give --force to replace it"), "{error}");
    assert!(matches!(check_output(&path, false), Err(OutputError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"one");
    check_output(&path, true).unwrap();
    write_output(&path, true, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_output_needs_a_folder_and_is_none() {
    let folder = folder();
    for force in [false, true] {
        let error = check_output(folder.path(), force).unwrap_err().to_string();
        assert!(error.contains("is a folder"), "{error}");
        let missing = folder.path().join("no/where");
        assert!(matches!(check_output(&missing, force), Err(OutputError::Io { .. })));
    }
}

#[cfg(unix)]
#[test]
fn an_output_keeps_links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let (path, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    assert!(write_output(&link, false, b"new").is_err());
    write_output(&link, true, b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let nowhere = folder.path().join("nowhere");
    symlink(folder.path().join("missing"), &nowhere).unwrap();
    assert!(write_output(&nowhere, true, b"new").unwrap_err().to_string().contains("a link to nothing"));
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_written_to_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    write_output(Path::new("/dev/null"), false, b"x").unwrap();
    assert!(fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());
    if Path::new("/dev/full").exists() {
        assert!(matches!(write_output(Path::new("/dev/full"), true, b"x"), Err(OutputError::Io { .. })));
        assert!(fs::symlink_metadata("/dev/full").unwrap().file_type().is_char_device());
    }
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read(pipe).unwrap())
    };
    write_output(&pipe, false, b"through").unwrap();
    assert_eq!(reader.join().unwrap(), b"through");
}

#[test]
fn only_files_of_our_own_are_removed() {
    let folder = folder();
    let ours = ".best.safetensors.vitrine-tmp.77";
    assert!(is_temporary(ours.as_ref()));
    let users = [".notes.tmp.7", "notes.vitrine-tmp.7", ".vitrine-tmp.x", ".a.vitrine-tmp.7x"];
    for name in users {
        assert!(!is_temporary(name.as_ref()), "{name}");
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    fs::write(folder.path().join(ours), "cut").unwrap();
    fs::create_dir(folder.path().join(".folder.vitrine-tmp.7")).unwrap();
    remove_temporary_files(folder.path()).unwrap();
    assert!(!folder.path().join(ours).exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), users.len() + 1);
}

#[cfg(unix)]
#[test]
fn a_temporary_file_that_is_a_link_is_not_followed() {
    let folder = folder();
    let (path, victim) = (folder.path().join("file"), folder.path().join("victim"));
    fs::write(&victim, "untouched").unwrap();
    let temporary = folder.path().join(format!(".file.vitrine-tmp.{}", std::process::id()));
    std::os::unix::fs::symlink(&victim, &temporary).unwrap();
    write_atomically(&path, b"new").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert_eq!(fs::read(&path).unwrap(), b"new");
}
