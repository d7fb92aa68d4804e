//! `unpack`: the files, whole, and nowhere else.

mod tree;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;

use super::{
    case::{Case, Ran, UNUSED_TOKEN, Way},
    listen::is_clear_error,
    suite::{Check, check},
};
use crate::{
    transcript::excerpt,
    verdict::{Verdict, cannot, ensure, failed, skipped},
};
use tree::{Entry, Tree};

pub(super) const CHECKS: &[Check] = &[
    check!(UnpackEnds, Nothing, ends),
    check!(UnpackExit, Nothing, exits),
    check!(UnpackSame, Nothing, is_the_same),
    check!(UnpackModes, Nothing, has_modest_modes),
    check!(UnpackInside, Nothing, stays_inside),
    check!(UnpackLinks, Nothing, follows_no_link),
    check!(UnpackRefused, Nothing, refuses_no_directory),
    check!(UnpackKilled, Nothing, survives_a_kill),
    check!(UnpackArgument, Nothing, wants_its_argument),
    check!(UnpackSecrets, Nothing, shows_no_token),
];

/// Moments at which `unpack` is killed.
const KILLED_AFTER_MS: [u64; 4] = [1, 3, 6, 12];
/// Files in whose place a link is put.
const LINKED_MAX: usize = 100;
const SENTINEL: &str = "this is nobody's file";

async fn unpack(case: &Case, target: &Path, way: Way) -> Verdict<Ran> {
    case.run(&["unpack".as_ref(), target.as_os_str()], way).await
}

/// Unpacks into a directory, which is made.
async fn unpacked_to(case: &Case, target: &Path) -> Verdict<Tree> {
    fs::create_dir_all(target).map_err(cannot("make a directory"))?;
    let ran = unpack(case, target, Way::default()).await?;
    if !ran.status.is_some_and(|status| status.success()) {
        // That is told by other checks.
        return skipped("`unpack` does not end well");
    }
    Tree::of(target).map_err(cannot("read what was unpacked"))
}

async fn ends(case: &Case) -> Verdict {
    let ran = unpack(case, &case.directory("u")?, Way::default()).await?;
    ran.ended().map(drop)
}

async fn exits(case: &Case) -> Verdict {
    let ran = unpack(case, &case.directory("u")?, Way::default()).await?;
    let status = ran.ended()?;
    ensure!(status.success(), "it ended with {status}; on stderr: {}", excerpt(&ran.stderr, 200));
    Ok(())
}

async fn is_the_same(case: &Case) -> Verdict {
    let (one, two) = (case.path("u"), case.path("u"));
    let first = unpacked_to(case, &one).await?;
    let again = unpacked_to(case, &one).await?;
    ensure!(first == again, "the second time into the same directory: {}", first.difference(&again));
    let elsewhere = unpacked_to(case, &two).await?;
    ensure!(first == elsewhere, "into another directory: {}", first.difference(&elsewhere));
    Ok(())
}

async fn has_modest_modes(case: &Case) -> Verdict {
    let tree = unpacked_to(case, &case.path("u")).await?;
    for (path, entry) in &tree.entries {
        let mode = entry.mode();
        ensure!(mode & 0o002 == 0, "`{path}` has mode {mode:04o}: everybody may change it");
        ensure!(mode & 0o6000 == 0 || entry.is_directory(), "`{path}` has mode {mode:04o}: it runs as somebody else");
    }
    Ok(())
}

async fn stays_inside(case: &Case) -> Verdict {
    let around = case.directory("a")?;
    let (target, directory) = (around.join("target"), around.join("where it runs"));
    fs::create_dir(&directory).map_err(cannot("make a directory"))?;
    fs::create_dir(&target).map_err(cannot("make a directory"))?;
    unpack(case, &target, Way { directory: Some(directory.clone()), ..Way::default() }).await?.ended()?;
    let mut beside = fs::read_dir(&around).map_err(cannot("read a directory"))?.flatten().map(|entry| entry.path());
    if let Some(path) = beside.find(|path| *path != target && *path != directory) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return failed(format!("it made `{name}` beside its directory"));
    }
    let here = Tree::of(&directory).map_err(cannot("read a directory"))?;
    if let Some(path) = here.entries.keys().next() {
        return failed(format!("it wrote `{path}` where it ran"));
    }
    let tree = Tree::of(&target).map_err(cannot("read what was unpacked"))?;
    for (path, entry) in &tree.entries {
        if let Entry::Link(to) = entry {
            let from = target.join(path);
            let is_inside = fs::canonicalize(&from).is_ok_and(|to| to.starts_with(&target));
            ensure!(is_inside, "`{path}` is a link that leads out of the directory, to `{}`", to.display());
        }
    }
    Ok(())
}

async fn follows_no_link(case: &Case) -> Verdict {
    let tree = unpacked_to(case, &case.path("u")).await?;
    let files = tree.files();
    if files.is_empty() {
        return skipped("it unpacks no files");
    }
    let (target, outside) = (case.directory("u")?, case.directory("o")?);
    let sentinel = |number: usize| outside.join(number.to_string());
    for (number, path) in files.iter().take(LINKED_MAX).enumerate() {
        let link = target.join(path);
        let parent = link.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        fs::create_dir_all(parent).map_err(cannot("make a directory"))?;
        fs::write(sentinel(number), SENTINEL).map_err(cannot("write a file"))?;
        symlink(sentinel(number), link).map_err(cannot("make a link"))?;
    }
    // Whether it refuses or replaces the links is its own choice.
    unpack(case, &target, Way::default()).await?.ended()?;
    for (number, path) in files.iter().take(LINKED_MAX).enumerate() {
        let text = fs::read_to_string(sentinel(number)).unwrap_or_default();
        ensure!(text == SENTINEL, "it wrote through a link in the place of `{path}` to a file outside");
    }
    Ok(())
}

async fn refuses_no_directory(case: &Case) -> Verdict {
    let files = unpacked_to(case, &case.path("u")).await?.files();
    if files.is_empty() {
        return skipped("it unpacks no files");
    }
    // Below a file, where nobody can make a directory, whatever their rights.
    let file = case.path("file");
    fs::write(&file, SENTINEL).map_err(cannot("write a file"))?;
    let ran = unpack(case, &file.join("target"), Way::default()).await?;
    is_clear_error(&ran, "a target below a file")?;
    let text = fs::read_to_string(&file).unwrap_or_default();
    ensure!(text == SENTINEL, "the file in the way of its target was changed");
    Ok(())
}

async fn survives_a_kill(case: &Case) -> Verdict {
    let whole = unpacked_to(case, &case.path("u")).await?;
    if whole.files().is_empty() {
        return skipped("it unpacks no files");
    }
    for after_ms in KILLED_AFTER_MS {
        let target = case.directory("u")?;
        let args = ["unpack".as_ref(), target.as_os_str()];
        let mut process = case.start(&args, &Way::default(), "https://127.0.0.1:1", UNUSED_TOKEN)?;
        process.ended_within(Duration::from_millis(after_ms)).await;
        process.signal(Signal::KILL);
        process.ended_within(case.patience()).await;
        let again = unpacked_to(case, &target).await?;
        ensure!(whole == again, "killed after {after_ms} ms and run again: {}", whole.difference(&again));
    }
    Ok(())
}

async fn wants_its_argument(case: &Case) -> Verdict {
    let ran = case.run(&["unpack".as_ref()], Way::default()).await?;
    is_clear_error(&ran, "`unpack` without a directory")
}

async fn shows_no_token(case: &Case) -> Verdict {
    let ran = unpack(case, &case.directory("u")?, Way::default()).await?;
    let stdout = String::from_utf8_lossy(&ran.stdout).into_owned();
    ensure!(!stdout.contains(UNUSED_TOKEN), "the token of RS_TOKEN is on stdout");
    ensure!(!ran.stderr.contains(UNUSED_TOKEN), "the token of RS_TOKEN is on stderr");
    Ok(())
}
