//! Backups that no server writes.

use std::fs;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::tempdir;

use crate::{
    auth::hex,
    backup::{restore, seal::Sealing},
};

/// An entry, and what the manifest says of it.
struct Crafted {
    path: &'static str,
    kind: EntryType,
    mode: u32,
    content: Vec<u8>,
}

fn file(path: &'static str, content: &str) -> Crafted {
    Crafted { path, kind: EntryType::Regular, mode: 0o600, content: content.into() }
}

fn of_kind(path: &'static str, kind: EntryType) -> Crafted {
    Crafted { path, kind, mode: 0o600, content: Vec::new() }
}

fn head() -> Value {
    json!({"format": 1, "server_version": "9.9.9", "revision": 7, "created": "2026-11-24T00:00:00Z"})
}

/// A backup whose manifest lists all of these.
fn honest(entries: Vec<Crafted>) -> Vec<Crafted> {
    let item = |entry: &Crafted| {
        let sum = (entry.kind == EntryType::Regular).then(|| hex(&Sha256::digest(&entry.content)));
        json!({"path": entry.path, "mode": entry.mode, "size": entry.content.len(), "sha256": sum})
    };
    let mut manifest = head();
    manifest["entries"] = entries.iter().map(item).collect();
    manifest["left_out"] = json!([]);
    let mut all = vec![file("drpx-backup.json", &head().to_string())];
    all.extend(entries);
    all.push(file("manifest.json", &manifest.to_string()));
    all
}

fn packed(entries: &[Crafted]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut tar = Builder::new(GzEncoder::new(Sealing::new(&mut out), Compression::fast()));
    for entry in entries {
        let mut header = Header::new_gnu();
        // The library would refuse to write some of these names.
        header.as_old_mut().name[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_size(entry.content.len() as u64);
        if entry.kind == EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, &*entry.content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap().seal().unwrap();
    out
}

#[test]
fn what_no_server_writes_is_refused_and_leaves_nothing() {
    let check = |entries: &[Crafted], expected: Option<&str>| {
        let place = tempdir().unwrap();
        let restored = restore(&*packed(entries), &place.path().join("data"));
        let text = restored.err().map(|error| error.to_string().replace("cannot restore ", ""));
        assert_eq!(text.as_deref(), expected);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), usize::from(expected.is_none()));
    };
    let tls = || Crafted { path: "tls", kind: EntryType::Directory, mode: 0o700, content: Vec::new() };
    let record = r#"{"section":"machines","key":"a","revision":7,"created":1,"text":"{}"}"#;
    let part = |lines: &[&str]| file("store/000000.jsonl", &lines.iter().map(|l| format!("{l}\n")).collect::<String>());
    check(&honest(vec![part(&[record]), file("token.key", "k"), tls(), file("tls/a", "x")]), None);

    let refuse = |entry: Crafted, problem: &str| {
        let text = format!("a backup with the entry `{}`, which {problem}", entry.path.escape_debug());
        check(&honest(vec![tls(), entry]), Some(&text));
    };
    let (elsewhere, unknown) = ("leads elsewhere", "is in no place that a server has");
    refuse(file("/etc/cron.d/x", "x"), elsewhere);
    refuse(file("tls/../../x", "x"), elsewhere);
    refuse(file("../x", "x"), elsewhere);
    refuse(file("tls/./x", "x"), elsewhere);
    refuse(file("store/store.redb", "x"), unknown);
    refuse(file("store/000001.jsonl", "x"), unknown);
    refuse(file("authorized_keys", "x"), unknown);
    let no_file = "is neither a file nor a folder";
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
        EntryType::GNULongLink,
    ] {
        refuse(of_kind("tls/x", kind), no_file);
    }
    refuse(Crafted { mode: 0o4755, ..file("plugins/x", "x") }, "has more than permissions in its mode");
    refuse(tls(), "is there twice");
    check(
        &honest(vec![tls(), file("tls/x", "1"), file("tls/x", "2")]),
        Some("a backup with the entry `tls/x`, which is there twice"),
    );

    let damaged = |entries: &[Crafted], problem: &str| {
        check(entries, Some(&format!("a backup that is damaged or incomplete: {problem}")));
    };
    let broken_part = |lines: &[&str], problem: &str| {
        damaged(&honest(vec![part(lines)]), &format!("store/000000.jsonl: {problem}"));
    };
    broken_part(&[record, record], "an entry is not in its place");
    let revised = |revision: u64, created: u64| {
        record.replace(":7", &format!(":{revision}")).replace(":1", &format!(":{created}"))
    };
    broken_part(&[&revised(8, 1)], "an entry has a revision that the store had not");
    broken_part(&[&revised(3, 4)], "an entry has a revision that the store had not");
    broken_part(&[&record.replace("machines", "")], "cannot use `/a` as a name");
    let long = "k".repeat(1025);
    broken_part(
        &[&record.replace(":\"a\"", &format!(":\"{long}\""))],
        "cannot take 1025 bytes of a key: the limit is 1024",
    );
    damaged(&honest(vec![file("store/000000.jsonl", record)]), "store/000000.jsonl: its last line is cut");

    let without_last = |mut entries: Vec<Crafted>| {
        entries.pop();
        entries
    };
    damaged(&without_last(honest(vec![tls()])), "its manifest is missing");
    let swapped = |change: fn(&mut Crafted)| {
        let mut entries = honest(vec![tls(), file("tls/x", "1")]);
        change(&mut entries[2]);
        entries
    };
    damaged(&swapped(|entry| entry.content = b"2".into()), "`tls/x` is not what was written");
    damaged(&swapped(|entry| entry.mode = 0o644), "`tls/x` is not what was written");
    damaged(&swapped(|entry| entry.path = "tls/y"), "`tls/x` is missing");
    let mut more = honest(vec![tls()]);
    more.insert(2, file("tls/more", "x"));
    damaged(&more, "`tls/more` is not in its manifest");
    let mut behind = honest(vec![tls()]);
    behind.push(file("tls/x", "x"));
    check(&behind, Some("a backup with the entry `tls/x`, which comes after the manifest"));
    let mut other = honest(vec![]);
    other[0].content = head().to_string().replace('7', "8").into();
    damaged(&other, "drpx-backup.json and manifest.json differ");
    check(&honest(vec![tls()])[1..], Some("what is no backup of a drpx server: its first entry is another"));
    check(&[], Some("what is no backup of a drpx server: it is empty"));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let mut newer = honest(vec![]);
    newer[0].content = br#"{"format":2,"server_version":"1.2.3","all":"else differs"}"#.into();
    let place = tempdir().unwrap();
    let refused = restore(&*packed(&newer), &place.path().join("data")).unwrap_err();
    let expected = "cannot restore a backup of format 2, made by drpx 1.2.3: this version knows formats up to 1";
    assert_eq!(refused.to_string(), expected);
    let refused = restore(&b"PK\x03\x04 is another kind of file"[..], &place.path().join("data")).unwrap_err();
    assert_eq!(refused.to_string(), "cannot restore what is no backup of a drpx server: it does not begin as one");
}

#[test]
fn a_name_without_end_is_not_kept() {
    let mut entries = honest(vec![]);
    let long = Crafted { content: vec![b'x'; 50 << 20], ..of_kind("././@LongLink", EntryType::GNULongName) };
    entries.insert(1, long);
    let place = tempdir().unwrap();
    let refused = restore(&*packed(&entries), &place.path().join("data")).unwrap_err();
    assert_eq!(refused.to_string(), "cannot restore a backup with more than 4097 bytes of a path");
}

/// Sizes are looked at before anything is unpacked.
#[test]
fn sizes_beyond_the_limits_are_refused_by_their_announcement() {
    let mut huge = Header::new_gnu();
    huge.set_path("tls/huge").unwrap();
    huge.set_mode(0o600);
    huge.set_size((32 << 30) + 1);
    huge.set_entry_type(EntryType::Regular);
    huge.set_cksum();
    let mut out = Vec::new();
    let mut tar = Builder::new(GzEncoder::new(Sealing::new(&mut out), Compression::fast()));
    let mut first = Header::new_gnu();
    let text = head().to_string();
    first.set_mode(0o600);
    first.set_size(text.len() as u64);
    tar.append_data(&mut first, "drpx-backup.json", text.as_bytes()).unwrap();
    tar.append(&huge, std::io::empty()).unwrap();
    tar.into_inner().unwrap().finish().unwrap().seal().unwrap();
    let place = tempdir().unwrap();
    let refused = restore(&*out, &place.path().join("data")).unwrap_err();
    assert_eq!(refused.to_string(), "cannot restore a backup with more than 34359738368 bytes of one file");
}
