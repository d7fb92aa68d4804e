//! `drpx backup` of a running server and `drpx restore`.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
};

use drp_client::{Client, Credentials, Query};
use drp_core::Machine;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    killed::{client, client_as, create_machines, create_plugin_and_machine, token, wait_until_plugin_works},
    process::{PATIENCE, Server, drpx, eventually, incrementer, texts},
};

const SECRET: &str = "correct horse battery staple";

/// Params with a secret among them, on the machine of [`create_plugin_and_machine`].
async fn keep_a_secret(client: &Client) {
    let param = json!({"Name": "test/secret", "Secure": true, "Schema": {"type": "string"}});
    client.raw_objects("params").create(&param).await.unwrap();
    client.objects::<Machine>().params("Name:demo").set("test/secret", &SECRET).await.unwrap();
}

async fn secret_of(client: &Client) -> Option<String> {
    client.objects::<Machine>().params("Name:demo").decode().get("test/secret").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_restored_from_a_backup_taken_under_writes_is_the_same_server() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    fs::create_dir_all(data.join("plugins")).unwrap();
    fs::copy(incrementer(), data.join("plugins/incrementer")).unwrap();
    let server = Server::start(&data);
    let first = client(&server);
    create_plugin_and_machine(&first).await;
    keep_a_secret(&first).await;
    let token = token(&server).await;
    wait_until_plugin_works(&first).await;
    fs::write(data.join("tftpboot/files/readme"), "read me").unwrap();

    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let writers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(create_machines(client(&server), format!("w{writer}"), Arc::clone(&acknowledged))))
        .collect();
    eventually(PATIENCE, "some machines are there", || (acknowledged.lock().unwrap().len() > 40).then_some(()));
    let before = acknowledged.lock().unwrap().clone();
    let file = place.path().join("drpx.tar.gz");
    let (out, err, code) = texts(&server.drpx(&["backup", file.to_str().unwrap()]));
    assert_eq!((out.as_str(), code), ("", Some(0)), "{err}");
    assert!(err.contains("backed up") && err.contains(" objects and "), "{err}");
    let during = acknowledged.lock().unwrap().len();
    eventually(PATIENCE, "writers go on", || (acknowledged.lock().unwrap().len() > during).then_some(()));
    drop(server);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing else is left");

    let restored = place.path().join("restored");
    let run = |args: &[&str]| texts(&drpx().args(args).output().unwrap());
    let (out, err, code) = run(&["restore", file.to_str().unwrap(), "--data", restored.to_str().unwrap()]);
    assert_eq!((out.as_str(), code), ("", Some(0)), "{err}");
    assert_eq!(fs::read(restored.join("tls/ca.pem")).unwrap(), fs::read(data.join("tls/ca.pem")).unwrap());
    let server = Server::start(&restored);
    let found: BTreeSet<String> = client(&server)
        .objects::<Machine>()
        .list(&Query::new())
        .await
        .unwrap()
        .into_iter()
        .map(|machine| machine.name)
        .collect();
    let lost: Vec<_> = before.difference(&found).collect();
    assert!(lost.is_empty(), "{lost:?}");
    // A user's token lives as long as its user's secret and the server's key, which are the same.
    let by_token = client_as(&server, Credentials::Token(token.as_str().into()));
    assert_eq!(secret_of(&by_token).await.as_deref(), Some(SECRET));
    wait_until_plugin_works(&by_token).await;
    assert_eq!(fs::read_to_string(restored.join("tftpboot/files/readme")).unwrap(), "read me");
}

#[test]
fn a_backup_goes_to_the_standard_output_and_comes_from_the_standard_input() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let server = Server::start(&data);
    let backup = server.drpx(&["backup", "-"]);
    assert_eq!((backup.status.code(), &*backup.stderr), (Some(0), &b""[..]));
    let whole = backup.stdout;

    let restore = |backup: &[u8], name: &str| {
        let mut command = drpx();
        command.args(["restore", "-", "--data"]).arg(place.path().join(name));
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may have seen enough before the end.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), backup);
        texts(&child.wait_with_output().unwrap())
    };
    let (_, err, code) = restore(&whole, "restored");
    assert_eq!(code, Some(0), "{err}");
    let entries = || fs::read_dir(place.path()).unwrap().count();
    let before = entries();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0x10;
    for (backup, expected) in [
        (&whole[..whole.len() - 1], "cannot restore a backup that is damaged or incomplete: "),
        (&whole[..whole.len() / 2], "cannot restore a backup that is damaged or incomplete: it ends too early"),
        (&changed, "cannot restore a backup "),
        (b"", "cannot restore what is no backup of a drpx server: it does not begin as one"),
    ] {
        let (_, err, code) = restore(backup, "refused");
        assert_eq!(code, Some(1));
        assert!(err.starts_with(&format!("error: {expected}")), "{err}");
        assert_eq!(entries(), before, "nothing is left");
    }
    let (_, err, code) = restore(&whole, "data");
    assert!(err.contains("which a server is using") && code == Some(1), "{err}");
    let (_, err, code) = restore(&whole, "restored");
    assert!(err.contains("which is not an empty directory") && code == Some(1), "{err}");
}

/// The other end of a pipe may be silent for ever.
#[test]
fn who_waits_for_a_pipe_can_be_interrupted_and_leaves_nothing() {
    let interrupted = |child: &mut Child| {
        kill_process(Pid::from_child(child), Signal::INT).unwrap();
        eventually(PATIENCE, "the command ends", || child.try_wait().unwrap()).code()
    };
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let entries = || fs::read_dir(place.path()).unwrap().count();
    let mut restore = drpx();
    restore.args(["restore", "-", "--data"]).arg(&data).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut restore = restore.spawn().unwrap();
    eventually(PATIENCE, "the restore begins", || (entries() == 1).then_some(()));
    assert_eq!((interrupted(&mut restore), entries()), (Some(130), 0));

    let server = Server::start(&data);
    // More than a pipe takes.
    fs::copy(incrementer(), data.join("tftpboot/files/large")).unwrap();
    let mut backup = server.command(&["backup", "-"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut begun = [0; 2];
    backup.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
    assert_eq!(interrupted(&mut backup), Some(130));
}

#[test]
fn a_backup_that_fails_leaves_what_was_there() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let server = Server::start(&data);
    let file = place.path().join("old.tar.gz");
    fs::write(&file, "the backup of yesterday").unwrap();
    let huge = fs::File::create(data.join("tftpboot/isos/huge.iso")).unwrap();
    huge.set_len((32 << 30) + 1).unwrap();
    let check = |args: &[&str], expected: i32, text: &str| {
        let (_, err, code) = texts(&server.drpx(&[&["backup"], args].concat()));
        assert_eq!(code, Some(expected), "{err}");
        assert!(err.contains(text), "{err}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "the backup of yesterday");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    };
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    check(&[&path(&file)], 1, "GET system/backup failed");
    check(&[&path(&file), "--user", "admin:wrong"], 1, "the server answered 403");
    check(&[&path(&place.path().join("no/such"))], 1, "cannot write");
    check(&[&path(place.path())], 2, "is there and is no file");
    check(&["/dev/null"], 2, "is there and is no file");
    check(&[], 2, "FILE");

    let (_, err, code) = texts(&drpx().args(["restore", &path(&file)]).output().unwrap());
    assert!(err.contains("--data") && code == Some(2), "{err}");
    let to = path(&place.path().join("new"));
    let (_, err, code) = texts(&drpx().args(["restore", &path(&file), "--data", &to]).output().unwrap());
    assert!(err.contains("what is no backup of a drpx server") && code == Some(1), "{err}");
    let (_, err, code) = texts(&drpx().args(["restore", "/no/such", "--data", &to]).output().unwrap());
    assert!(err.contains("cannot open `/no/such`") && code == Some(1), "{err}");
}
