//! `drpx new`: a provider to begin with, which builds, tests and runs as it is.

mod checkout;
mod name;
mod template;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use clap::Args;

use self::{checkout::Checkout, template::Kind};
use crate::{
    exit::{Exit, Failure},
    show,
};

/// Make a new provider that builds, tests and runs as it is.
///
/// Writes a crate into a new directory, whose name becomes that of the crate, of the executable and of the provider:
/// a server wants all of them to be the same.
///
/// The crates of drpx are not published, so the new one depends on a checkout of drpx by its path: the one that this
/// drpx was built from, unless --path names another.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx new pdu-control && cd pdu-control && cargo test && drpx run . --demo
  drpx new machine-audit --kind events
  drpx new lab-content --kind content --path ~/src/drpx")]
pub(crate) struct NewArgs {
    /// The directory to make; its last part is the provider's name: lower-case letters, digits and `-`.
    #[arg(value_name = "NAME")]
    directory: PathBuf,
    /// What to begin with.
    #[arg(long, value_name = "KIND", default_value = "basic")]
    kind: Kind,
    /// The checkout of drpx to depend on.
    #[arg(long, value_name = "CHECKOUT")]
    path: Option<PathBuf>,
}

pub(crate) fn new(args: &NewArgs) -> Result<Exit, Failure> {
    let name = name::of_directory(&args.directory).map_err(Failure::usage)?;
    refuse_occupied(&args.directory)?;
    let checkout = Checkout::find(args.path.as_deref()).map_err(Failure::usage)?;
    let files = template::files(args.kind, name, &checkout);
    let text = |error: io::Error| Failure::new(format!("cannot make `{}`: {error}", args.directory.display()));
    write_whole(&args.directory, &files).map_err(text)?;
    let directory = args.directory.display();
    show::step(show::GOOD, "made", &format!("provider {name} in {directory}"));
    show::step(show::GOOD, "next", &format!("cd {directory} && cargo test && drpx run . --demo && drpx check ."));
    Ok(Exit::Well)
}

/// A file of the new crate: its path in it, and what is in it.
type NewFile = (String, String);

fn refuse_occupied(directory: &Path) -> Result<(), Failure> {
    let occupied = match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => fs::read_dir(directory).map(|mut entries| entries.next().is_some()),
        Ok(_) => Ok(true),
    };
    let directory = directory.display();
    match occupied {
        Ok(false) => Ok(()),
        Ok(true) => Err(Failure::usage(format!("`{directory}` is there already, and something is in it"))),
        Err(error) => Err(Failure::new(format!("cannot look at `{directory}`: {error}"))),
    }
}

/// Writes all files beside the directory and puts them in place in one step: an error leaves nothing behind. An empty
/// directory makes room; one that somebody has filled meanwhile does not.
fn write_whole(directory: &Path, files: &[NewFile]) -> io::Result<()> {
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let staged = tempfile::Builder::new().prefix(".drpx-new-").tempdir_in(parent)?;
    let root = staged.path().join("crate");
    for (path, contents) in files {
        let path = root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, contents)?;
        // A script that is shipped has the mode of its file.
        if contents.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    fs::rename(root, directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_leaves_nothing_and_what_is_there_stays() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("full");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("precious"), "kept").unwrap();
        write_whole(&target, &[file("src/main.rs", "new")]).unwrap_err();
        write_whole(&dir.path().join("half"), &[file("a", ""), file("a/b", "")]).unwrap_err();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["full"]);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(target.join("precious")).unwrap(), "kept");

        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        write_whole(&empty, &[file("src/main.rs", "new"), file("run.sh", "#!/bin/sh\n")]).unwrap();
        assert_eq!(fs::read_to_string(empty.join("src/main.rs")).unwrap(), "new");
        assert_eq!(fs::metadata(empty.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
