//! There to be watched, not to work: so cargo notices new files.
#![allow(clippy::print_stdout, reason = "this is how cargo is told")]

fn main() {
    println!("cargo::rerun-if-changed=content");
    println!("cargo::rerun-if-changed=assets");
}
