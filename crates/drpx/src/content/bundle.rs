//! `drpx content bundle`: one file of a directory.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use drp_content::{Format, Metadata, read_directory};
use drp_core::chain;

use super::{STANDARD, summary};
use crate::{
    exit::{Exit, Failure},
    show,
};

/// Make one file of a bundle's directory.
///
/// Each sub-directory of DIR is a type of objects, and each file in it an object in YAML or JSON; any other file in
/// `templates` is the contents of a template that is called as the file. What an object is called decides where it stands
/// in the bundle, not what its file is called. A file `._Version.meta` in DIR holds the bundle's Version, and so on.
///
/// The result is what `drpcli contents bundle` makes of the directory.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  drpx content bundle ./content                                  YAML, on the standard output
  drpx content bundle ./content burnin.json Version=v1.2.3
  drpx content bundle ./content --format json | jq .meta
  drpx content bundle ./content burnin.yaml && drpcli contents upload burnin.yaml
Metadata: Author, CodeSource, Color, Copyright, Description, DisplayName, DocUrl, Documentation, Icon, License, Name, Order,
Prerequisites, RequiredFeatures, Source, Tags, Type, Version.")]
pub(crate) struct BundleArgs {
    /// The bundle's directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The file to write, replaced if it is there; the standard output if not given. And metadata, for fields that have
    /// no file in DIR.
    #[arg(value_name = "[FILE] [FIELD=VALUE]")]
    rest: Vec<String>,
    /// What to write, `yaml` or `json`; as the file's extension says if not given, or YAML.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

pub(crate) fn bundle(args: &BundleArgs) -> Result<Exit, Failure> {
    let (file, defaults) = sort(&args.rest)?;
    let format = match (args.format, file) {
        (Some(format), _) => format,
        (None, None) => Format::Yaml,
        (None, Some(file)) => Format::of(file).ok_or_else(|| {
            let file = file.display();
            Failure::usage(format!("`{file}` ends in none of .yaml, .yml and .json: rename it or give --format"))
        })?,
    };
    let content = read_directory(&args.directory, &defaults).map_err(|error| Failure::new(chain(&error)))?;
    for left_out in &content.left_out {
        let path = left_out.path.strip_prefix(&args.directory).unwrap_or(&left_out.path);
        show::warn(&format!("{}: left out `{}`, which is no key of its type", path.display(), left_out.key));
    }
    let text = content.bundle.to_text(format).map_err(|error| Failure::new(chain(&error)))?;
    match file {
        Some(file) => {
            let failed = |error| Failure::new(format!("cannot write `{}`: {error}", file.display()));
            write(file, &text).map_err(failed)?;
            show::progress("bundled", &summary(&content.bundle));
        }
        None => print(&text).map_err(|error| Failure::new(format!("cannot write to the standard output: {error}")))?,
    }
    Ok(Exit::Well)
}

/// The file and the metadata.
fn sort(rest: &[String]) -> Result<(Option<&Path>, Metadata), Failure> {
    let (mut file, mut meta) = (None, Metadata::default());
    for argument in rest {
        match argument.split_once('=') {
            Some((field, text)) if Metadata::FIELDS.contains(&field) => meta.set(field, text),
            Some((field, _)) => {
                let fields = Metadata::FIELDS.join(", ");
                return Err(Failure::usage(format!("`{field}` is no metadata of a bundle; these are: {fields}")));
            }
            None if file.is_none() => file = Some(Path::new(argument)),
            None => return Err(Failure::usage(format!("`{argument}` is a second file: metadata is FIELD=VALUE"))),
        }
    }
    Ok((file.filter(|file| file.as_os_str() != STANDARD), meta))
}

/// The file appears whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|found| !found.is_file()) {
        // A pipe or a device: nothing to replace.
        return fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = there.map_or_else(|| Permissions::from_mode(0o666), |found| found.permissions());
    let mut file = tempfile::Builder::new().prefix(".drpx-").permissions(permissions).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Nobody may be reading any more (`| head`), which is no reason to fail.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
