//! `GET /system/backup` over HTTP.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::json;

use crate::peer::{PASSWORD, Peer, within};

const PATH: &str = "/system/backup";

async fn basic(peer: &Peer, name: &str, claims: &[[&str; 3]]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let claims: Vec<_> = claims.iter().map(|[s, a, k]| json!({"scope": s, "action": a, "specific": k})).collect();
    let role = json!({"Name": name, "Claims": claims});
    assert_eq!(peer.call("POST", "/roles", &role.to_string()).await.status, StatusCode::CREATED);
    let user = json!({"Name": name, "Roles": [name]});
    assert_eq!(peer.call("POST", "/users", &user.to_string()).await.status, StatusCode::CREATED);
    let password = json!({"Password": PASSWORD}).to_string();
    assert_eq!(peer.call("PUT", &format!("/users/{name}/password"), &password).await.status, StatusCode::OK);
    format!("Basic {}", STANDARD.encode(format!("{name}:{PASSWORD}")))
}

#[tokio::test]
async fn only_who_may_take_a_backup_gets_one() {
    let peer = Peer::start().await;
    let others = basic(&peer, "others", &[["system", "actions,action,upgrade", "*"], ["machines", "*", "*"]]).await;
    let keeper = basic(&peer, "keeper", &[["system", "backup", "*"]]).await;

    let refused = peer.call_as(&others, "GET", PATH, "").await;
    assert_eq!(refused.error().0, 403);
    assert_eq!(refused.json()["Messages"], json!(["Cannot access /api/v3/system/backup", "Requires: system backup "]));
    assert_eq!(peer.call_as("Bearer x", "GET", PATH, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(peer.call_as(&keeper, "GET", "/users", "").await.json(), json!([]), "no other claim comes with it");

    for method in ["HEAD", "GET"] {
        let answer = peer.call_as(&keeper, method, PATH, "").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/octet-stream"));
        match method {
            "HEAD" => assert!(answer.body.is_empty()),
            _ => drop(drp_host::backup::verify(&*answer.body).unwrap()),
        }
    }
    assert_eq!(peer.call("POST", PATH, "{}").await.status, StatusCode::NOT_FOUND);
    peer.host.stop().await;
}

/// One that takes nothing holds up neither writers nor readers, and the next backup is refused until it is gone.
#[tokio::test]
async fn a_backup_holds_nobody_up_and_is_the_only_one() {
    let peer = Peer::start().await;
    // More than all buffers on the way hold, and nothing that can be compressed.
    let mut noise = vec![0; 24 << 20];
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for byte in &mut noise {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        *byte = seed.to_le_bytes()[0];
    }
    let iso = peer.dir.path().join("data/tftpboot/isos/noise.iso");
    std::fs::write(&iso, &noise).unwrap();

    let stream = TokioIo::new(peer.connect().await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("/api/v3{PATH}")).header("host", "x").header("authorization", peer.bearer());
    let begun = within(sender.send_request(request.body(Full::<bytes::Bytes>::default()).unwrap())).await.unwrap();
    assert_eq!(begun.status(), StatusCode::OK);

    for n in 0..20 {
        let machine = json!({"Name": format!("m{n}")}).to_string();
        assert_eq!(peer.call("POST", "/machines", &machine).await.status, StatusCode::CREATED);
    }
    let refused = peer.call("GET", PATH, "").await;
    assert_eq!(refused.error(), (409, "GET".to_owned(), "another backup is being made".to_owned()));

    let whole = within(begun.into_body().collect()).await.unwrap().to_bytes();
    let summary = drp_host::backup::verify(&*whole).unwrap();
    assert!(summary.bytes > 24 << 20);
    connection.abort();

    // Who goes away in the middle leaves the turn to the next one.
    let stream = TokioIo::new(peer.connect().await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("/api/v3{PATH}")).header("host", "x").header("authorization", peer.bearer());
    let begun = within(sender.send_request(request.body(Full::<bytes::Bytes>::default()).unwrap())).await.unwrap();
    drop(begun);
    connection.abort();
    let again = async {
        while peer.call("HEAD", PATH, "").await.status != StatusCode::OK
            || peer.call("GET", PATH, "").await.status == StatusCode::CONFLICT
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(again).await;
    peer.host.stop().await;
}

/// A file that cannot be read ends the answer before its end, so that nobody takes it for whole.
#[tokio::test]
async fn a_backup_that_fails_is_cut_off() {
    let peer = Peer::start().await;
    let huge = std::fs::File::create(peer.dir.path().join("data/tftpboot/isos/huge.iso")).unwrap();
    // It takes no room on the disk; it only is longer than a file may be.
    huge.set_len((32 << 30) + 1).unwrap();
    let stream = TokioIo::new(peer.connect().await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("/api/v3{PATH}")).header("host", "x").header("authorization", peer.bearer());
    let request = request.body(Full::<bytes::Bytes>::default()).unwrap();
    let whole = async { sender.send_request(request).await?.into_body().collect().await };
    assert!(within(whole).await.is_err());
    let logged = peer.call("GET", "/logs", "").await.json().to_string();
    assert!(logged.contains("A backup failed: cannot put more than 34359738368 bytes of one file into a backup"));
    peer.host.stop().await;
}

/// Whoever gives the data directory another file or folder decides whether it belongs into a backup, in
/// `backup/manifest.rs` and `docs/design/0005-backup.md`.
#[tokio::test]
async fn everything_in_the_data_directory_is_backed_up_or_made_anew() {
    let peer = Peer::start().await;
    let names = |path: &str| {
        let entries = std::fs::read_dir(peer.dir.path().join("data").join(path)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    };
    let kept = ["job-logs", "plugins", "store", "tftpboot", "tls", "token.key"];
    let made_anew = ["run", "scratch"];
    let unknown: Vec<_> =
        names("").into_iter().filter(|name| !kept.contains(&&**name) && !made_anew.contains(&&**name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(names("tftpboot"), [".iso-uploads", ".uploads", "files", "isos"]);
    assert_eq!(names("store"), ["store.lock", "store.redb"]);
    peer.host.stop().await;
}
