//! `drpx serve` on data that it cannot use.

use std::{fs, path::Path};

use redb::{Database, TableDefinition};

use crate::process::{Server, drpx, texts};

/// Refuses to serve, with this text after the path of the data directory is taken out of it.
fn check(data: &Path, expected: &str) {
    let second = drpx().args(["serve", "--listen", "127.0.0.2:0", "--data"]).arg(data).output().unwrap();
    let (out, err, code) = texts(&second);
    assert_eq!((out.as_str(), code), ("", Some(1)), "{err}");
    assert_eq!(err.trim_end().replace(data.to_str().unwrap(), "DATA"), format!("error: {expected}"));
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let certificate = || fs::read(data.path().join("tls/server.pem")).unwrap();
    let before = certificate();
    check(
        data.path(),
        "cannot open the store: cannot open the store `DATA/store`, which is already open\n\
         One server can use a data directory at a time: stop the other, or choose another directory.",
    );
    assert_eq!(certificate(), before, "though it would have listened elsewhere");
    server.stop();
}

#[test]
fn a_store_that_cannot_be_used_is_left_alone_and_it_is_said_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path()).stop();
    let path = data.path().join("store/store.redb");
    let good = fs::read(&path).unwrap();

    let set_format = |format: u64| {
        let database = Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let meta = TableDefinition::<&str, u64>::new("meta");
        transaction.open_table(meta).unwrap().insert("format", format).unwrap();
        transaction.commit().unwrap();
    };
    set_format(2);
    let newer = "cannot open the store: cannot open `DATA/store/store.redb`: its format is 2 and this version knows \
                 formats up to 1\nNothing was changed: use the version of drpx that wrote it, or a later one.";
    check(data.path(), newer);
    check(data.path(), newer);

    let remedy = "Keep the directory as it is, and restore the last backup into another one with `drpx restore`. If \
                  the disk is full or failing, mend that first: the store may be unharmed.";
    for damaged in [good[..good.len() / 2].to_vec(), vec![0; good.len()], b"something else".to_vec()] {
        fs::write(&path, &damaged).unwrap();
        let serve = drpx().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).output().unwrap();
        let (_, err, code) = texts(&serve);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains("error: cannot open the store: cannot open the store `"), "{err}");
        assert!(err.trim_end().ends_with(&format!("\n{remedy}")), "{err}");
        assert_eq!(fs::read(&path).unwrap(), damaged, "it is left as it is");
    }

    fs::write(&path, good).unwrap();
    Server::start(data.path()).stop();
}
