//! Chores of the workspace: `cargo xtask ci` runs what CI runs, `bench` measures, `soak` runs a server for long under
//! load and faults, and `fuzz` looks for inputs that a parser falls over.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail, ensure};

mod fuzz;
#[cfg(test)]
mod named_tests;
#[cfg(test)]
mod rooms;

const USAGE: &str = "usage: cargo xtask ci|bench|fuzz|soak";

/// What CI runs, one after the other.
const CI: [&[&str]; 4] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    &["doc", "--workspace", "--no-deps"],
    &["test", "--workspace"],
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln_chain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((chore, [])) if chore == "ci" => CI.iter().try_for_each(|args| cargo(args)),
        Some((chore, rest)) if chore == "bench" || chore == "soak" => {
            let rest = rest.iter().map(String::as_str);
            cargo(&["run", "--release", "-p", chore, "--"].into_iter().chain(rest).collect::<Vec<_>>())
        }
        Some((chore, rest)) if chore == "fuzz" => fuzz::run(rest),
        _ => bail!(USAGE),
    }
}

fn cargo(args: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO")).args(args).env("RUSTDOCFLAGS", "-D warnings").status()?;
    ensure!(status.success(), "`cargo {}` failed", args.join(" "));
    Ok(())
}

#[allow(clippy::print_stderr, reason = "a command talks on stderr")]
fn eprintln_chain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
