//! A directory of content, as one file and as a directory again.
//!
//! `cargo run -p drp-content --features write --example bundle [DIR]`; without DIR it makes one.
#![allow(clippy::print_stdout, reason = "an example")]

use std::{error::Error, fs, path::PathBuf};

use drp_content::{Bundle, Format, Metadata, Place, read_directory};

fn main() -> Result<(), Box<dyn Error>> {
    let room = tempfile::tempdir()?;
    let directory = match std::env::args_os().nth(1) {
        Some(directory) => PathBuf::from(directory),
        None => {
            let directory = room.path().join("content");
            fs::create_dir_all(directory.join("params"))?;
            fs::write(directory.join("._Name.meta"), "lights")?;
            fs::write(directory.join("params/colour.yaml"), "Name: lights/colour\nSchema: {type: string}\n")?;
            directory
        }
    };

    // What has no `._FIELD.meta` file is taken from here.
    let mut defaults = Metadata::default();
    defaults.set("Version", "v1.2.3");
    let content = read_directory(&directory, &defaults)?;
    for left_out in &content.left_out {
        println!("{}: `{}` is no key of its type", left_out.path.display(), left_out.key);
    }
    let text = content.bundle.to_text(Format::Yaml)?;
    println!("{text}");

    let again = room.path().join("again");
    Bundle::from_yaml(&text)?.write_directory(&again, Format::Yaml, Place::Free)?;
    assert_eq!(Bundle::from_directory(&again)?, content.bundle);
    Ok(())
}
