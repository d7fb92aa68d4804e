//! Has cargo look at the directories, so that it notices new files too.

fn main() {
    println!("cargo::rerun-if-changed=content");
    println!("cargo::rerun-if-changed=files");
}
