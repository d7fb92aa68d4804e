//! Files, isos and executables of providers: streams with sums, in both directions.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use drp_client::{BadAnswer, ClientError, ClientErrorKind, SaveError, Upload};
use tokio::io::{AsyncRead, ReadBuf};

use crate::peer::{Peer, Reply, head, json, last_words, lines, soon};

/// The sum of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn bad_answer(error: &ClientError) -> &BadAnswer {
    match error.kind() {
        ClientErrorKind::BadAnswer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// A server that takes anything, and says that it has this sum.
async fn store(size: usize, sum: &'static str) -> Peer {
    Peer::start(move |seen| match seen.line.split(' ').next().unwrap() {
        "POST" => json("201 Created", &format!(r#"{{"Path":"/x","Size":{size}}}"#)),
        _ => head("200 OK", &[&format!("X-DRP-SHA256SUM: {sum}"), "Content-Length: 5"]),
    })
    .await
}

#[tokio::test]
async fn an_upload_is_streamed_told_about_and_compared() {
    let peer = store(5, HELLO).await;
    let progress = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&progress);
    let upload = Upload::bytes("hello").on_progress(move |sent, total| told.lock().unwrap().push((sent, total)));
    let uploaded = peer.client().files().upload("/a/b c", upload).await.unwrap();
    assert_eq!((uploaded.path.as_str(), uploaded.bytes, uploaded.sha256.as_str()), ("/x", 5, HELLO));
    assert_eq!(*progress.lock().unwrap(), [(5, Some(5))]);
    assert_eq!(lines(&peer), ["POST /files/a/b%20c", "HEAD /files/a/b%20c"]);
    let sent = &peer.seen()[0];
    assert_eq!((sent.body.as_str(), sent.header("content-type")), ("hello", Some("application/octet-stream")));
    assert_eq!((sent.header("accept"), sent.header("content-length")), (Some("application/json"), None));
}

#[tokio::test]
async fn an_upload_that_the_server_has_otherwise_is_an_error() {
    let upload = async |size, sum| {
        let peer = store(size, sum).await;
        peer.client().isos().upload("x", Upload::bytes("hello")).await.unwrap_err()
    };
    let error = upload(4, HELLO).await;
    assert!(matches!(bad_answer(&error), BadAnswer::Size { expected: 5, found: 4 }), "{error:?}");
    let error = upload(5, "00").await;
    assert!(matches!(bad_answer(&error), BadAnswer::Sum { expected, .. } if expected == "00"), "{error:?}");
    assert_eq!(error.doing(), "HEAD isos/x");
}

#[tokio::test]
async fn a_file_is_uploaded_from_disk_and_large_ones_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    std::fs::write(&path, "x".repeat(1 << 20)).unwrap();
    let peer = Peer::start(|seen| json("201 Created", &format!(r#"{{"path":"p","size":{}}}"#, seen.body.len()))).await;
    let pieces = Arc::new(Mutex::new(0));
    let count = Arc::clone(&pieces);
    let upload = Upload::file(&path).await.unwrap().on_progress(move |_, total| {
        assert_eq!(total, Some(1 << 20));
        *count.lock().unwrap() += 1;
    });
    let providers = peer.client().plugin_providers().replace_writable();
    let uploaded = providers.upload("incrementer", upload).await.unwrap();
    assert_eq!((uploaded.path.as_str(), uploaded.bytes), ("p", 1 << 20));
    assert!(*pieces.lock().unwrap() >= 16);
    assert_eq!(lines(&peer), ["POST /plugin_providers/incrementer?replaceWritable=true"]);
    assert!(Upload::file(folder.path().join("none")).await.is_err());
}

/// A source that gives a few bytes and then an error, or nothing any more.
struct Broken {
    fails: bool,
    is_begun: bool,
}

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.is_begun {
            self.is_begun = true;
            buffer.put_slice(b"some");
            return Poll::Ready(Ok(()));
        }
        if self.fails { Poll::Ready(Err(io::Error::other("the disk is gone"))) } else { Poll::Pending }
    }
}

#[tokio::test]
async fn a_source_that_breaks_or_falls_silent_ends_the_upload() {
    let peer = store(5, HELLO).await;
    let files = peer.client().with_request_time(Duration::from_millis(200)).files();
    let upload = |fails| Upload::reader(Broken { fails, is_begun: false });
    let error = soon(files.upload("x", upload(true))).await.unwrap_err();
    assert_eq!(error.chain(), "POST files/x failed: what was to be sent cannot be read: the disk is gone");
    let error = soon(files.upload("x", upload(false))).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Timeout(_)), "{error:?}");
    assert!(peer.seen().is_empty(), "no upload was whole");
}

#[tokio::test]
async fn a_refused_upload_is_the_servers_error() {
    let peer = Peer::start(|_| {
        json("400 Bad Request", r#"{"Type":"API ERROR","Messages":["Import plugin failed bogus: no"],"Code":400}"#)
    })
    .await;
    let error = peer.client().plugin_providers().upload("bogus", Upload::bytes("vm\n")).await.unwrap_err();
    assert!(error.chain().contains("Import plugin failed bogus"), "{}", error.chain());
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn names_sums_and_removals_are_one_call_each() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "HEAD /api/v3/files/none" => head("404 Not Found", &[]),
        "HEAD /api/v3/files/old" => head("200 OK", &["ETag: \"SHA256:AB12\"", "Content-Length: 7"]),
        line if line.starts_with("HEAD") => head("200 OK", &["X-DRP-SHA256SUM: cd"]),
        line if line.starts_with("DELETE") => head("204 No Content", &[]),
        line if line.starts_with("POST") => json("201 Created", r#"{"Path":"/a.zip","Size":3}"#),
        _ => json("200 OK", r#"["bar/","foo"]"#),
    })
    .await;
    let (files, isos) = (peer.client().files(), peer.client().isos());
    assert_eq!(files.list("").await.unwrap(), ["bar/", "foo"]);
    files.list("/bar").await.unwrap();
    files.list_all("/bar").await.unwrap();
    isos.list("").await.unwrap();
    assert_eq!(files.info("none").await.unwrap(), None);
    let old = files.info("old").await.unwrap().unwrap();
    assert_eq!((old.bytes, old.sha256.as_deref()), (Some(7), Some("ab12")));
    assert_eq!(isos.info("new").await.unwrap().unwrap().sha256.as_deref(), Some("cd"));
    files.upload_and_explode("a.zip", Upload::bytes("zip")).await.unwrap();
    files.delete("foo").await.unwrap();
    isos.delete("foo").await.unwrap();
    peer.client().plugin_providers().delete("incrementer").await.unwrap();
    let expected = [
        "GET /files",
        "GET /files?path=%2Fbar",
        "GET /files?path=%2Fbar&all=true",
        "GET /isos",
        "HEAD /files/none",
        "HEAD /files/old",
        "HEAD /isos/new",
        "POST /files/a.zip?explode=true",
        "DELETE /files/foo",
        "DELETE /isos/foo",
        "DELETE /plugin_providers/incrementer",
    ];
    assert_eq!(lines(&peer), expected);
    assert!(files.delete("../users/rocketskates").await.is_err());
    assert!(files.delete("/").await.is_err());
}

fn stream(headers: &str, body: &str) -> Reply {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream";
    last_words(&format!("{head}\r\n{headers}\r\n{body}"))
}

/// Saves what the server answers under a name that there is a file of already.
async fn save(reply: Reply) -> (Result<drp_client::Saved, SaveError>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jq");
    std::fs::write(&path, "what was there").unwrap();
    let peer = Peer::script(vec![reply]).await;
    let client = peer.client().with_request_time(Duration::from_millis(500));
    let download = soon(client.files().download("jq")).await.unwrap();
    let saved = soon(download.save(&path)).await;
    assert_eq!(names(folder.path()), ["jq"], "nothing unfinished is left");
    assert_eq!(peer.seen()[0].headers.iter().filter(|(name, _)| name == "accept").count(), 2);
    (saved, std::fs::read_to_string(&path).unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test]
async fn a_download_is_saved_when_it_is_whole_and_has_its_sum() {
    let (saved, file) = save(stream(&format!("X-DRP-SHA256SUM: {HELLO}\r\nContent-Length: 5\r\n"), "hello")).await;
    let saved = saved.unwrap();
    assert_eq!((saved.bytes, saved.sha256.as_str(), saved.is_verified, file.as_str()), (5, HELLO, true, "hello"));
    let (saved, file) = save(stream("Content-Length: 5\r\n", "hello")).await;
    assert_eq!((saved.unwrap().is_verified, file.as_str()), (false, "hello"));
}

#[tokio::test]
async fn a_download_that_is_cut_or_changed_leaves_what_was_there() {
    let (saved, file) = save(stream("Content-Length: 50\r\n", "hello")).await;
    let error = saved.unwrap_err();
    assert!(drp_core::chain(&error).contains("ended in the middle"), "{error:?}");
    assert_eq!(file, "what was there");
    let (saved, file) = save(stream("ETag: \"SHA256:00ff\"\r\nContent-Length: 5\r\n", "hello")).await;
    assert!(matches!(saved, Err(SaveError::Client(error)) if matches!(bad_answer(&error), BadAnswer::Sum { .. })));
    assert_eq!(file, "what was there");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let peer = Peer::script(vec![stream("Content-Length: 5\r\n", "hello")]).await;
    let download = peer.client().plugin_providers().download("incrementer").await.unwrap();
    let error = download.save("/nowhere/jq").await.unwrap_err();
    assert!(error.to_string() == "cannot write `/nowhere/jq`", "{error}");
    assert_eq!(lines(&peer), ["GET /plugin_providers/incrementer/binary"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_saved_file_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let peer = Peer::script(vec![stream("Content-Length: 5\r\n", "hello")]).await;
    let progress = Arc::new(Mutex::new(0));
    let told = Arc::clone(&progress);
    let download = peer.client().isos().download("new").await.unwrap();
    download.on_progress(move |received, _| *told.lock().unwrap() = received).save(&path).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(*progress.lock().unwrap(), 5);
}
