//! `unpack`, well and badly.

use std::{fs, os::unix::fs::symlink, path::Path, process::exit};

use crate::{
    define::environment,
    serve::{flood, helper},
    wait_for_ever,
};

pub(crate) fn run(directory: &Path, mode: &str) {
    match mode {
        "unpack-refused" => {
            eprintln!("no room");
            exit(3);
        }
        "unpack-endless" => {
            let _helper = helper();
            wait_for_ever();
        }
        "unpack-link" => {
            // To a file and to a directory, by absolute and by relative paths.
            for (name, target) in [("passwd", "/etc/passwd"), ("etc", "/etc"), ("up", "../../../.."), ("asset", "up")] {
                let _ = symlink(target, directory.join(name));
            }
        }
        "unpack-flood" => flood(),
        "unpack-secrets" => {
            eprintln!("{}", environment());
            exit(1);
        }
        _ => {
            if let Err(error) = fs::write(directory.join("asset"), "an asset") {
                eprintln!("{error}");
                exit(1);
            }
        }
    }
}
