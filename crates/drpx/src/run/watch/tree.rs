//! The files that a provider is made of, and when they were changed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

/// Files that are looked at. Who has more is not told of changes in the rest.
const FILES_MAX: usize = 20_000;
/// Cargo and others mark directories by it that hold nothing of worth.
const CACHE_MARK: &str = "CACHEDIR.TAG";
/// What a build may write among the sources.
const LOCK: &str = "Cargo.lock";

/// Files, and by what a change of each is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<PathBuf, Mark>);

/// Length, inode, and time of the last change in seconds and nanoseconds.
type Mark = (u64, u64, i64, i64);

impl Tree {
    /// The files of a crate, and those elsewhere that its executable was built from; of an executable, itself.
    pub(super) async fn of(path: &Path, executable: Option<&Path>) -> Self {
        let (path, executable) = (path.to_owned(), executable.map(Path::to_owned));
        // A task that panics or is cancelled has seen nothing.
        tokio::task::spawn_blocking(move || Self::read(&path, executable.as_deref())).await.unwrap_or_default()
    }

    /// These files as they were in another look, those excepted that are new, and that which a build writes.
    pub(super) fn with_marks_of(mut self, before: &Self) -> Self {
        for (path, mark) in &mut self.0 {
            let before = before.0.get(path).filter(|_| !path.ends_with(LOCK));
            *mark = before.copied().unwrap_or(*mark);
        }
        self
    }

    fn read(path: &Path, executable: Option<&Path>) -> Self {
        if !path.is_dir() {
            return Self(mark(path).map(|mark| (path.to_owned(), mark)).into_iter().collect());
        }
        let own = WalkDir::new(path).into_iter().filter_entry(|entry| !is_left_out(entry));
        // What cannot be read is not there.
        let own = own.filter_map(Result::ok).filter(|entry| !entry.file_type().is_dir()).map(DirEntry::into_path);
        let others = executable.map(sources).unwrap_or_default();
        let marked = own.take(FILES_MAX).chain(others.into_iter().take(FILES_MAX));
        Self(marked.filter_map(|path| Some((path.clone(), mark(&path)?))).collect())
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.ino(), found.mtime(), found.mtime_nsec()))
}

/// Hidden files and directories of build results.
fn is_left_out(entry: &DirEntry) -> bool {
    let hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
    hidden || (entry.file_type().is_dir() && entry.path().join(CACHE_MARK).exists())
}

/// What cargo says that an executable was built from, other crates of the same disk included.
fn sources(executable: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(executable.with_extension("d")).unwrap_or_default();
    parse_sources(&text)
}

/// Reads `TARGET: FILE FILE`, in which a blank of a name has a backslash before it.
fn parse_sources(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.lines().next().unwrap_or_default().split_once(": ") else { return Vec::new() };
    let mut sources = vec![String::new()];
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        let name = sources.last_mut();
        match (c, name) {
            (' ', _) => sources.push(String::new()),
            ('\\', Some(name)) => name.extend(chars.next()),
            (c, Some(name)) => name.push(c),
            (_, None) => {}
        }
    }
    sources.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_cargo_is_read() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(parse_sources(text), expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{text}");
        };
        check("/t/p: /a/main.rs /b/c\\ d.rs\n/a/main.rs:\n", &["/a/main.rs", "/b/c d.rs"]);
        check("/t/p:\n", &[]);
        check("", &[]);
    }

    #[test]
    fn changes_of_sources_are_seen_and_those_of_results_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("crate/src/main.rs", "1");
        write("crate/target/CACHEDIR.TAG", "");
        write("crate/target/provider", "1");
        write("other/lib.rs", "1");
        let executable = dir.path().join("crate/target/provider");
        write("crate/target/provider.d", &format!("x: {}\n", dir.path().join("other/lib.rs").display()));
        let look = || Tree::read(&dir.path().join("crate"), Some(&executable));
        let mut before = look();
        let mut changes = |path: &str, text: &str| {
            write(path, text);
            let now = look();
            let changed = now != before;
            before = now;
            changed
        };
        assert!(changes("crate/src/main.rs", "12"));
        assert!(changes("crate/src/new.rs", ""));
        assert!(changes("other/lib.rs", "12"));
        assert!(!changes("crate/target/provider", "12"));
        assert!(!changes("crate/.git/index", "12"));
    }

    #[test]
    fn a_build_that_writes_its_lock_changes_nothing_and_an_edit_meanwhile_does() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| fs::write(dir.path().join(path), text).unwrap();
        let look = || Tree::read(dir.path(), None);
        write("main.rs", "1");
        let before = look();
        write("Cargo.lock", "1");
        assert_eq!(look().with_marks_of(&before), look());
        write("main.rs", "12");
        assert_ne!(look().with_marks_of(&before), look());
        write("Cargo.lock", "12");
        let seen = look();
        write("Cargo.lock", "123");
        assert_ne!(seen, look());
    }
}
