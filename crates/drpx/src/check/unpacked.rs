//! What `unpack` leaves, once and again.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    hash::{DefaultHasher, Hasher},
    io::{self, Read},
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
};

use drp_core::{chain, limits};
use drp_host::{Host, Trial, TrialError, TrialOutput};

use super::finding::{Code, Finding};
use crate::exit::Failure;

/// Findings of one kind that are told one by one.
const TOLD_MAX: usize = 5;
/// Permissions that nobody should give away: writing for others, and another user's or group's rights.
const BAD_MODE: u32 = 0o6002;

/// What is in a directory, by the paths in it.
type Tree = BTreeMap<PathBuf, Entry>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    mode: u32,
    /// Sum of a file's contents; the target of a link.
    contents: u64,
    inode: u64,
    /// Seconds and nanoseconds of the last change of any kind.
    changed: (i64, i64),
}

impl Entry {
    fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.mode, self.contents) == (other.mode, other.contents)
    }
}

/// What is wrong with what a provider unpacks, and how many files it is.
pub(super) async fn look(host: &Host, executable: &Path) -> Result<(Vec<Finding>, usize), Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot look at what is unpacked: {error}"));
    let place = tempfile::Builder::new().prefix("drpx-check-").tempdir().map_err(failed)?;
    let here = place.path().join("here");
    // As a server has it: the directory is there.
    fs::create_dir(&here).map_err(failed)?;
    if let Err(problem) = unpack(host, executable, &here).await {
        return Ok((vec![Finding::of_provider(Code::Unpack, problem)], 0));
    }
    let first = tree_of(&here).map_err(failed)?;
    let mut findings = modes(&first);
    let again = unpack(host, executable, &here).await;
    let second = tree_of(&here).map_err(failed)?;
    compare_again(&first, &second, again.err(), &mut findings);

    let elsewhere = place.path().join("elsewhere/below");
    fs::create_dir_all(&elsewhere).map_err(failed)?;
    let third = unpack(host, executable, &elsewhere).await;
    if third.is_ok()
        && let Some(difference) = difference(&first, &tree_of(&elsewhere).map_err(failed)?)
    {
        let problem = format!("`unpack` leaves something else in another directory: {difference}");
        findings.push(Finding::of_provider(Code::UnpackVaries, problem));
    }
    let files: Vec<&PathBuf> = first.iter().filter(|(_, entry)| entry.is_file()).map(|(path, _)| path).collect();
    if let Some(file) = files.first() {
        let written =
            writes_through_link(host, executable, &place.path().join("linked"), file).await.map_err(failed)?;
        if written {
            let problem = format!("`unpack` follows a link at `{}` and writes to a file elsewhere", file.display());
            let finding = Finding::new(Code::UnpackLinks, format!("files/{}", file.display()), problem);
            findings.push(finding.help("write each file beside its place and rename it, which replaces a link"));
        }
    }
    Ok((findings, files.len()))
}

async fn unpack(host: &Host, executable: &Path, directory: &Path) -> Result<(), String> {
    let ended: Result<TrialOutput, TrialError> = host.try_provider(executable, Trial::Unpack(directory)).await;
    let output = ended.map_err(|error| format!("`unpack` failed: {}", chain(&error)))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`unpack` failed: {}: {}", output.status, output.stderr.replace('\n', " ")))
}

fn modes(tree: &Tree) -> Vec<Finding> {
    let bad = tree.iter().filter(|(_, entry)| !entry.is_link() && entry.mode & BAD_MODE != 0);
    let finding = |(path, entry): (&PathBuf, &Entry)| {
        let problem = format!("`{}` is unpacked with mode {:04o}", path.display(), entry.mode & 0o7777);
        let finding = Finding::new(Code::UnpackMode, format!("files/{}", path.display()), problem);
        finding.expected("nothing that all may write, and no set-user or set-group bit")
    };
    bad.map(finding).take(TOLD_MAX).collect()
}

fn compare_again(first: &Tree, second: &Tree, failed: Option<String>, findings: &mut Vec<Finding>) {
    let difference = failed.or_else(|| difference(first, second));
    if let Some(difference) = difference {
        let problem = format!("`unpack` into the same directory again: {difference}");
        let finding = Finding::of_provider(Code::UnpackVaries, problem);
        findings.push(finding.expected("the same files").help("servers unpack at each start and each upgrade"));
    }
    let overwritten = first.iter().filter(|(path, before)| {
        // A file of a new inode was put in place whole, which harms nobody.
        before.is_file()
            && second.get(*path).is_some_and(|now| now.inode == before.inode && now.changed != before.changed)
    });
    let overwritten: Vec<_> = overwritten.map(|(path, _)| format!("`{}`", path.display())).collect();
    if let [first, others @ ..] = overwritten.as_slice() {
        let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let problem = format!("`unpack` writes again into files that are as they should be: {first}{others}");
        let finding = Finding::of_provider(Code::UnpackOverwrites, problem);
        findings.push(finding.help("leave them alone: who downloads one meanwhile gets a part of it"));
    }
}

/// The first path in which two trees differ, and how.
fn difference(one: &Tree, other: &Tree) -> Option<String> {
    let missing =
        one.keys().find(|path| !other.contains_key(*path)).map(|path| format!("`{}` is missing", path.display()));
    let more = || other.keys().find(|path| !one.contains_key(*path)).map(|path| format!("`{}` is new", path.display()));
    let changed = || {
        let differs = |(path, entry): &(&PathBuf, &Entry)| other.get(*path).is_some_and(|now| !now.is_like(entry));
        one.iter().find(differs).map(|(path, _)| format!("`{}` is different", path.display()))
    };
    missing.or_else(more).or_else(changed)
}

/// Unpacks where a link to a file outside stands in the place of one of the files.
async fn writes_through_link(host: &Host, executable: &Path, root: &Path, file: &Path) -> io::Result<bool> {
    const PRECIOUS: &str = "not for providers";
    let victim = root.with_extension("victim");
    let link = root.join(file);
    fs::create_dir_all(link.parent().unwrap_or(root))?;
    fs::write(&victim, PRECIOUS)?;
    symlink(&victim, &link)?;
    // To refuse is as good as to replace the link.
    let _ = unpack(host, executable, root).await;
    Ok(fs::read_to_string(&victim).map_or(true, |text| text != PRECIOUS))
}

fn tree_of(root: &Path) -> io::Result<Tree> {
    let mut tree = Tree::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let found = fs::symlink_metadata(&path)?;
            let inside = path.strip_prefix(root).unwrap_or(&path).to_owned();
            let contents = if found.is_symlink() {
                sum(fs::read_link(&path)?.as_os_str().as_encoded_bytes())?
            } else if found.is_file() {
                // A file that its owner may not read is as good as empty.
                File::open(&path).map_or(Ok(0), sum)?
            } else {
                0
            };
            if found.is_dir() {
                directories.push(path);
            }
            let changed = (found.ctime(), found.ctime_nsec());
            tree.insert(inside, Entry { mode: found.mode(), contents, inode: found.ino(), changed });
            if tree.len() as u64 > limits::UNPACKED_ENTRIES_MAX {
                return Err(io::Error::other(format!("more than {} files", limits::UNPACKED_ENTRIES_MAX)));
            }
        }
    }
    Ok(tree)
}

fn sum(mut contents: impl Read) -> io::Result<u64> {
    let (mut sum, mut chunk) = (DefaultHasher::new(), vec![0; 64 << 10]);
    loop {
        match contents.read(&mut chunk)? {
            0 => return Ok(sum.finish()),
            read => sum.write(chunk.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: u32, contents: u64, inode: u64) -> Entry {
        Entry { mode, contents, inode, changed: (0, 0) }
    }

    #[test]
    fn trees_differ_by_names_modes_and_contents() {
        let of = |entries: &[(&str, Entry)]| -> Tree {
            entries.iter().map(|(path, entry)| (PathBuf::from(path), entry.clone())).collect()
        };
        let one = of(&[("a", entry(0o100_644, 1, 1)), ("b", entry(0o100_644, 2, 2))]);
        assert_eq!(difference(&one, &of(&[("a", entry(0o100_644, 1, 8)), ("b", entry(0o100_644, 2, 9))])), None);
        let check = |other: Tree, expected: &str| assert_eq!(difference(&one, &other).as_deref(), Some(expected));
        check(of(&[("a", entry(0o100_644, 1, 1))]), "`b` is missing");
        check(of(&[("a", entry(0o100_755, 1, 1)), ("b", entry(0o100_644, 2, 2))]), "`a` is different");
        check(of(&[("a", entry(0o100_644, 1, 1)), ("b", entry(0o100_644, 3, 2))]), "`b` is different");
        let more = [("a", entry(0o100_644, 1, 1)), ("b", entry(0o100_644, 2, 2)), ("c", entry(0o100_644, 2, 3))];
        check(of(&more), "`c` is new");
    }

    #[test]
    fn modes_that_give_rights_away_are_found() {
        let modes_of = |mode: u32| modes(&Tree::from([(PathBuf::from("f"), entry(mode, 0, 0))])).len();
        assert_eq!([0o100_644, 0o100_755, 0o120_777, 0o040_755].map(modes_of), [0; 4]);
        assert_eq!([0o100_666, 0o104_755, 0o102_755, 0o040_777].map(modes_of), [1; 4]);
    }

    #[test]
    fn a_tree_is_read_with_links_and_directories() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("d/f"), "x").unwrap();
        symlink("/nowhere", dir.path().join("l")).unwrap();
        let tree = tree_of(dir.path()).unwrap();
        assert_eq!(tree.keys().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), ["d", "d/f", "l"]);
        assert!(tree[Path::new("d/f")].is_file() && tree[Path::new("l")].is_link());
        assert_eq!(difference(&tree, &tree_of(dir.path()).unwrap()), None);
    }
}
