//! The provider that the suite for hosts brings along: the executable itself, where its name says that it is one.
//!
//! The suite uploads the executable that it runs in under a name that begins with `conformance-`. A server then runs it
//! as it runs providers, and what it does there is as raw as the suite: standard library and `hyper`, nothing of the
//! framework. It keeps nothing, reaches nothing but its host, and does what the suite asks it to by its actions.

pub(crate) mod definition;
mod serve;

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// With what the name of an executable begins that is one.
pub(crate) const NAME_PREFIX: &str = "conformance-";
/// What `unpack` writes, and what is in it.
pub(crate) const FILE: (&str, &str) = ("file.txt", "unpacked by the conformance suite\n");

/// Does what a provider does, if the process was started as one: under a name that begins with `conformance-`, with
/// `define`, `unpack` or `listen`. Returns how the process then has to exit, and nothing if it is an ordinary one.
///
/// An executable that [`HostSuite`](crate::HostSuite) is to upload calls it first of all.
pub fn run() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let executable = PathBuf::from(args.next()?);
    // A server may ask what is not yet in its place: `.NAME.part`.
    let name = executable.file_name()?.to_str()?.trim_start_matches('.');
    let name = name.strip_suffix(".part").unwrap_or(name).to_owned();
    if !name.starts_with(NAME_PREFIX) {
        return None;
    }
    let args: Vec<OsString> = args.collect();
    let (command, rest) = args.split_first()?;
    let done = match (command.to_str()?, rest) {
        ("define", []) => writeln!(io::stdout(), "{}", definition::of(&name)),
        ("unpack", [directory]) => unpack(Path::new(directory)),
        ("listen", [to, from]) => serve::listen(&name, Path::new(to), Path::new(from)),
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who does not listen is not told.
            let _ = writeln!(io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    })
}

fn unpack(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join(FILE.0), FILE.1)
}
