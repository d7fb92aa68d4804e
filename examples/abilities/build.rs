//! Has cargo look at the directory, so that it notices new files too.

fn main() {
    println!("cargo::rerun-if-changed=files");
}
