//! Checks the bundles that are named, or one that it writes, and shows what it finds:
//! `cargo run -p drp-content --features check --example check -- PATH…`
#![allow(clippy::print_stdout, reason = "an example")]

use std::{env, error::Error, fs, path::PathBuf};

use drp_content::check::{Severity, check};

fn main() -> Result<(), Box<dyn Error>> {
    let mut bundles: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let directory = tempfile::tempdir()?;
    if bundles.is_empty() {
        let params = directory.path().join("params");
        fs::create_dir(&params)?;
        fs::write(directory.path().join("._Name.meta"), "example")?;
        fs::write(params.join("seconds.yaml"), "Name: blinker/seconds\nSchema: {type: integer, default: soon}\n")?;
        bundles.push(directory.path().to_owned());
    }
    let report = check(&bundles);
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("{} errors in {} objects", report.count(Severity::Error), report.objects);
    Ok(())
}
