#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf, sync::Arc};

use ::tar::{Builder, EntryType, Header};
use ::zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::files::Files;

/// A tar of `a.txt`, which holds `hello`, as the xz tools write it.
const XZ: &str = "fd377a585a000004e6d6b446020021011c00000010cf58cce007ff00415d00308b8a87c40ef297a4f8753dc5a9edd997aa1f\
    9b4a9ea4ad6d38bc1607aaa08f2954ef8d7bccfc28a73a66c2c1b0b253e98706064926116a371fd87e2dc2315c0000000000\
    cef7b457bac931f500015d8010000000f928ba92b1c467fb020000000004595a";

struct Space {
    dir: tempfile::TempDir,
    files: Arc<Files>,
}

impl Space {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(Files::open(dir.path()).unwrap());
        Self { dir, files }
    }

    fn put(&self, path: &str, content: &[u8]) {
        let upload = self.files.upload(FileName::parse(path).unwrap()).unwrap();
        upload.file().unwrap().write_all(content).unwrap();
        upload.finish(None).unwrap();
    }

    fn explode_if(&self, path: &str, archive: &[u8], may_write: &dyn Fn(&FileName) -> bool) -> Result<(), UnpackError> {
        let name = FileName::parse(path).unwrap();
        let upload = self.files.upload(name.clone())?;
        upload.file().unwrap().write_all(archive).unwrap();
        let wanted = Wanted { archive: &name, may_write, given_up: &CancellationToken::new() };
        upload.explode(None, &wanted)
    }

    fn explode(&self, path: &str, archive: &[u8]) -> Result<(), UnpackError> {
        self.explode_if(path, archive, &|_| true)
    }

    /// What a client sees, with the files' content.
    fn seen(&self) -> Vec<String> {
        let names = self.files.list_all(&FileName::root()).unwrap().unwrap();
        let content = |name: String| match fs::read_to_string(self.dir.path().join("files").join(&name)) {
            Ok(text) if text.len() < 20 => format!("{name}={text}"),
            _ => name,
        };
        names.into_iter().map(content).collect()
    }

    /// What uploads have left beside the space.
    fn left(&self) -> Vec<PathBuf> {
        fs::read_dir(self.dir.path().join(".uploads")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn tar_of(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = Header::new_ustar();
        // Past the builder's own checks.
        header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        let is_link = matches!(kind, EntryType::Link | EntryType::Symlink);
        if is_link {
            header.as_ustar_mut().unwrap().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let data = if is_link { "" } else { content };
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn file<'a>(name: &'a str, content: &'a str) -> (EntryType, &'a str, &'a str) {
    (EntryType::Regular, name, content)
}

fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn every_usual_kind_of_archive_is_unpacked_beside_itself() {
    let tar = tar_of(&[(EntryType::Directory, "./", ""), file("./a.txt", "hello")]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar).unwrap();
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(&tar).unwrap();
    let xz: Vec<u8> = (0..XZ.len()).step_by(2).map(|at| u8::from_str_radix(&XZ[at..at + 2], 16).unwrap()).collect();
    for archive in [&tar, &gz.finish().unwrap(), &bz.finish().unwrap(), &xz, &zip_of(&[("a.txt", "hello")])] {
        let space = Space::new();
        space.explode("ux/x.bin", archive).unwrap();
        assert_eq!(space.seen()[..2], ["ux/", "ux/a.txt=hello"]);
        assert!(space.seen()[2].starts_with("ux/x.bin") && space.left().is_empty());
    }
}

#[test]
fn what_is_there_is_kept_or_replaced_file_by_file() {
    let space = Space::new();
    space.put("ux/js/old", b"old");
    space.put("ux/js/both", b"old");
    space.explode("ux/x.zip", &zip_of(&[("js/both", "new"), ("js/deep/er", "new"), ("top", "new")])).unwrap();
    let seen = ["ux/", "ux/js/", "ux/js/both=new", "ux/js/deep/", "ux/js/deep/er=new", "ux/js/old=old", "ux/top=new"];
    assert_eq!(space.seen()[..7], seen);
}

#[test]
fn links_within_the_archive_become_names_of_their_file() {
    let space = Space::new();
    let archive = tar_of(&[
        (EntryType::Symlink, "bin/sh", "../busy"),
        file("busy", "box"),
        (EntryType::Link, "hard", "busy"),
        (EntryType::Symlink, "chain", "bin/./sh"),
        file("busy2", "1"),
        file("busy2", "2"),
    ]);
    space.explode("x.tar", &archive).unwrap();
    assert_eq!(space.seen()[..6], ["bin/", "bin/sh=box", "busy=box", "busy2=2", "chain=box", "hard=box"]);
    let is_file = |name: &str| fs::symlink_metadata(space.dir.path().join("files").join(name)).unwrap().is_file();
    assert!(is_file("bin/sh") && is_file("chain"));
}

#[test]
fn what_must_not_be_unpacked_is_refused_and_leaves_nothing() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("x").display().to_string();
    let check = |kind: EntryType, name: &str, content: &str, expected: &str| {
        let space = Space::new();
        space.put("here", b"before");
        let error = space.explode("x.tar", &tar_of(&[file("good", "1"), (kind, name, content)])).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert_eq!((space.seen(), space.left()), (vec!["here=before".to_owned()], vec![]), "{name}");
        // Nothing of it is in the way of the next one.
        space.explode("x.tar", &tar_of(&[file("good", "1")])).unwrap();
    };
    check(EntryType::Regular, "../x", "1", "has a name");
    check(EntryType::Regular, "a/../../x", "1", "has a name");
    check(EntryType::Regular, "x.tar", "1", "own name");
    check(EntryType::Symlink, "l", "/etc/passwd", "leads out");
    check(EntryType::Symlink, "l", "../x", "leads out");
    check(EntryType::Symlink, "a/l", "b/../../../x", "leads out");
    check(EntryType::Symlink, "l", "missing", "something else than a file");
    check(EntryType::Symlink, "l", "l", "something else than a file");
    check(EntryType::Symlink, "l", "", "something else than a file");
    check(EntryType::Link, "l", &target, "something else than a file");
    check(EntryType::Link, "l", "../here", "leads out");
    check(EntryType::Char, "dev", "", "device or a pipe");
    check(EntryType::Block, "dev", "", "device or a pipe");
    check(EntryType::Fifo, "dev", "", "device or a pipe");
    check(EntryType::new(b'V'), "label", "", "kind that is not known");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_link_cannot_be_walked_through() {
    let space = Space::new();
    space.put("here/x", b"before");
    let through = [(EntryType::Symlink, "l", "here"), file("l/x", "after")];
    let error = space.explode("x.tar", &tar_of(&through)).unwrap_err();
    assert!(error.to_string().contains("something else than a file"), "{error}");
    // Nor one that somebody has put into the space.
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), space.dir.path().join("files/out")).unwrap();
    let error = space.explode("x.tar", &tar_of(&[file("out/x", "after")])).unwrap_err();
    assert!(matches!(error, UnpackError::File(FileError::InTheWay)), "{error}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(space.seen(), ["here/", "here/x=before", "out"]);
}

#[test]
fn a_conflict_takes_back_what_had_been_moved() {
    let space = Space::new();
    for name in ["a", "b/c", "z/deep"] {
        space.put(name, b"before");
    }
    let before = space.seen();
    let archive = tar_of(&[file("a", "1"), file("b/c", "1"), file("b/new", "1"), file("n/ew", "1"), file("z", "1")]);
    let error = space.explode("x.tar", &archive).unwrap_err();
    assert!(matches!(error, UnpackError::File(FileError::InTheWay)), "{error}");
    assert_eq!((space.seen(), space.left()), (before, vec![]));
}

#[test]
fn damaged_archives_and_other_files_are_refused() {
    let whole = zip_of(&[("a", "some text that is long enough")]);
    let mut flipped = whole.clone();
    flipped[32] ^= 1;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar_of(&[file("a", "1")])).unwrap();
    let gz = gz.finish().unwrap();
    for archive in [&whole[..whole.len() - 10], &flipped, &gz[..gz.len() / 2], b"BZh9 no", b"\xfd7zXZ\0 no"] {
        let space = Space::new();
        let error = space.explode("x", archive).unwrap_err();
        assert!(matches!(error, UnpackError::Unreadable(_)), "{error}");
        assert!(space.seen().is_empty() && space.left().is_empty());
    }
    for other in [&b""[..], b"text", &[0; 1024]] {
        assert!(matches!(Space::new().explode("x", other), Err(UnpackError::NoArchive)), "{other:?}");
    }
}

#[test]
fn only_what_the_caller_may_write_is_unpacked() {
    let space = Space::new();
    let archive = tar_of(&[file("a", "1"), file("b", "1")]);
    let error = space.explode_if("ux/x.tar", &archive, &|name| name.to_string() != "/ux/b").unwrap_err();
    assert_eq!(error.to_string(), "entry `b` may not be written");
    assert!(space.seen().is_empty());
}

#[test]
fn bombs_are_defused() {
    let dir = tempfile::tempdir().unwrap();
    let name = FileName::parse("x.tar").unwrap();
    let given_up = CancellationToken::new();
    let wanted = Wanted { archive: &name, may_write: &|_| true, given_up: &given_up };
    let tree = |archive_bytes| Tree::new(Staging::new(dir.path()).unwrap(), archive_bytes, &wanted);
    assert_eq!(tree(0).bytes_max, limits::UNPACKED_BYTES_ALWAYS);
    assert_eq!(tree(1 << 20).bytes_max, limits::UNPACKED_RATIO_MAX << 20);
    assert_eq!(tree(u64::MAX).bytes_max, limits::FILE_BYTES_MAX);

    let two = tar_of(&[file("a", "12345"), file("b", "12345")]);
    let check = |change: &dyn Fn(&mut Tree<'_>), expected: &str| {
        let mut tree = tree(0);
        change(&mut tree);
        let refused = tar::unpack(&*two, &mut tree).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    };
    check(&|tree| tree.bytes_max = 9, "more than 9 bytes");
    check(&|tree| tree.entries = limits::UNPACKED_ENTRIES_MAX - 1, "entries");

    // A name that a reader would hold in memory.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(1 << 40);
    header.set_cksum();
    let endless = header.as_bytes().as_slice().chain(io::repeat(b'x'));
    let refused = tar::unpack(endless, &mut tree(0)).unwrap_err();
    assert!(refused.to_string().contains("names and headers"), "{refused}");

    given_up.cancel();
    assert!(matches!(tar::unpack(&*two, &mut tree(0)), Err(UnpackError::GivenUp)));
}

/// Compressed, they are next to nothing.
#[test]
fn the_names_of_links_are_not_kept_without_a_limit() {
    let space = Space::new();
    let folder = vec!["x".repeat(250); 15].join("/");
    let mut builder = Builder::new(Vec::new());
    for n in 0..limits::UNPACKED_LIST_BYTES_MAX / (2 * folder.len() as u64) + 1 {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, format!("{n}/{folder}"), &folder).unwrap();
    }
    let refused = space.explode("links.tar", &builder.into_inner().unwrap()).unwrap_err();
    assert!(refused.to_string().ends_with("bytes of names and headers"), "{refused}");
    assert!(space.seen().is_empty() && space.left().is_empty());
}

#[test]
fn nothing_is_unpacked_where_no_name_leads() {
    let space = Space::new();
    let deep = vec!["d"; 20].join("/");
    let archive = tar_of(&[(EntryType::Regular, &format!("{deep}/f"), "x")]);
    space.explode("shallow.tar", &archive).unwrap();
    let refused = space.explode(&format!("{deep}/deep.tar"), &archive).unwrap_err();
    assert!(refused.to_string().ends_with("has a name that no file can have here"), "{refused}");
}
