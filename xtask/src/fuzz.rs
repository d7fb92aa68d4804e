//! `cargo xtask fuzz`: libFuzzer on each target for a while.
//!
//! Everything is built once more, for a compiler that counts which way inputs take, in a directory of its own. What
//! libFuzzer finds worth keeping stays in `target/fuzz/inputs`, so that the next run goes on from there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};

const USAGE: &str = "usage: cargo xtask fuzz [TARGET [INPUT]] [--seconds N] [--seed N]";
/// Time of each target unless another is asked for.
const SECONDS: u64 = 30;
/// What one input may take: far more than any takes that is no finding.
const INPUT_SECONDS: u32 = 5;
const INPUT_MEMORY_MB: u32 = 2048;
const INPUT_BYTES: u32 = 16 << 10;
/// Time to make the input of a finding smaller.
const SHRINK_SECONDS: u32 = 20;
/// What libFuzzer needs of the compiler. All of it is stable.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Args {
    target: Option<String>,
    /// Run this input alone, instead of looking for others.
    input: Option<PathBuf>,
    seconds: Option<u64>,
    seed: Option<u64>,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    let args = parse(args)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask is in the workspace")?;
    let mut targets = targets(&root.join("fuzz/corpus"))?;
    if let Some(target) = &args.target {
        ensure!(targets.contains(target), "no target `{target}`; there are {}", targets.join(", "));
        targets.retain(|other| other == target);
    }
    let fuzzer = build(root)?;
    if let (Some(target), Some(input)) = (&args.target, &args.input) {
        let status = Command::new(&fuzzer).env("DRPX_FUZZ_TARGET", target).arg(input).status()?;
        ensure!(status.success(), "target {target} falls over {}", input.display());
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    // libFuzzer takes 32 bits, and 0 as "any".
    let seed = args.seed.unwrap_or(now % u64::from(u32::MAX)).max(1);
    say(&format!("{:<16} {:>12} {:>10}   seed {seed}", "target", "executions", "a second"));
    let mut found = Vec::new();
    for target in &targets {
        let run = Run { root, fuzzer: &fuzzer, target, seconds: args.seconds.unwrap_or(SECONDS), seed };
        found.extend(run.run()?);
    }
    ensure!(found.is_empty(), "findings:\n{}", found.join("\n"));
    Ok(())
}

fn parse(args: &[String]) -> Result<Args> {
    let (mut parsed, mut rest) = (Args::default(), args.iter());
    while let Some(arg) = rest.next() {
        let mut number = || rest.next().and_then(|text| text.parse().ok()).with_context(|| format!("{arg}: {USAGE}"));
        match arg.as_str() {
            "--seconds" => parsed.seconds = Some(number()?),
            "--seed" => parsed.seed = Some(number()?),
            option if option.starts_with('-') => bail!(USAGE),
            target if parsed.target.is_none() => parsed.target = Some(target.to_owned()),
            input if parsed.input.is_none() => parsed.input = Some(input.into()),
            _ => bail!(USAGE),
        }
    }
    Ok(parsed)
}

/// Every target has a directory with its corpus; a test of `fuzz` holds that.
fn targets(corpus: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(corpus).with_context(|| format!("cannot read {}", corpus.display()))?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn build(root: &Path) -> Result<PathBuf> {
    let version = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let directory = root.join("target/fuzz");
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["build", "--quiet", "--release", "-p", "fuzz", "--features", "engine", "--bin", "fuzz"])
        // With a target named, the flags are not those of build scripts and macros, which run here.
        .args(["--target", host, "--target-dir"])
        .arg(&directory)
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .status()?;
    ensure!(status.success(), "the fuzzer does not build; libFuzzer needs a C++ compiler");
    Ok(directory.join(host).join("release/fuzz"))
}

/// One target for its time.
struct Run<'a> {
    root: &'a Path,
    fuzzer: &'a Path,
    target: &'a str,
    seconds: u64,
    seed: u64,
}

impl Run<'_> {
    /// What was found, as lines that say how to see it again.
    fn run(&self) -> Result<Vec<String>> {
        let inputs = self.root.join("target/fuzz/inputs").join(self.target);
        let findings = self.root.join("fuzz/findings").join(self.target);
        fs::create_dir_all(&inputs)?;
        fs::create_dir_all(&findings)?;
        let before = files(&findings)?;
        let output = self
            .fuzzer(&findings)
            .args([format!("-max_total_time={}", self.seconds), format!("-seed={}", self.seed)])
            .args([format!("-max_len={INPUT_BYTES}"), "-print_final_stats=1".to_owned()])
            .arg(format!("-dict={}", self.root.join("fuzz/dictionary").display()))
            .arg(&inputs)
            .arg(self.root.join("fuzz/corpus").join(self.target))
            .output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        let executions = number_of(&text, "stat::number_of_executed_units:");
        let a_second = number_of(&text, "stat::average_exec_per_sec:");
        say(&format!("{:<16} {executions:>12} {a_second:>10}", self.target));
        let mut found: Vec<PathBuf> = files(&findings)?;
        found.retain(|file| !before.contains(file));
        if output.status.success() && found.is_empty() {
            return Ok(Vec::new());
        }
        say(&tail(&text));
        ensure!(!found.is_empty(), "target {}: libFuzzer ended with {}", self.target, output.status);
        found.iter().map(|input| self.told(&findings, input)).collect()
    }

    /// Makes an input smaller, and says how to run it.
    fn told(&self, findings: &Path, input: &Path) -> Result<String> {
        let small = findings.join("smallest");
        let _: Output = self
            .fuzzer(findings)
            .args(["-minimize_crash=1", &format!("-max_total_time={SHRINK_SECONDS}")])
            .arg(format!("-exact_artifact_path={}", small.display()))
            .arg(input)
            .output()?;
        let input = if small.is_file() {
            // A name of its own: the next finding must not take its place.
            let kept = input.with_extension("small");
            fs::rename(&small, &kept)?;
            kept
        } else {
            input.to_owned()
        };
        Ok(format!("cargo xtask fuzz {} {}", self.target, input.display()))
    }

    fn fuzzer(&self, findings: &Path) -> Command {
        let mut command = Command::new(self.fuzzer);
        command
            .env("DRPX_FUZZ_TARGET", self.target)
            .args([format!("-timeout={INPUT_SECONDS}"), format!("-rss_limit_mb={INPUT_MEMORY_MB}")])
            .arg(format!("-artifact_prefix={}/", findings.display()));
        command
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(directory)?.flatten().map(|entry| entry.path()).collect())
}

fn number_of(text: &str, name: &str) -> u64 {
    let value = text.lines().rev().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
}

/// The end of what libFuzzer says, without the input's bytes: they are in the file.
fn tail(text: &str) -> String {
    const LINES: usize = 40;
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("0x")).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[allow(clippy::print_stdout, reason = "a command prints its table")]
fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Args> {
        parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_target_an_input_and_numbers_are_read_in_any_order() {
        let args = parsed(&["--seconds", "5", "patch", "--seed", "7", "file"]).unwrap();
        let (target, input) = (Some("patch".to_owned()), Some("file".into()));
        assert_eq!(args, Args { target, input, seconds: Some(5), seed: Some(7) });
    }

    #[test]
    fn what_is_no_number_or_no_option_is_refused() {
        for args in [&["--seconds", "x"] as &[_], &["--seed"], &["--what"], &["a", "b", "c"]] {
            assert!(parsed(args).unwrap_err().to_string().contains("usage:"), "{args:?}");
        }
    }

    #[test]
    fn figures_are_those_at_the_end() {
        let text = "#1 INITED\nstat::number_of_executed_units: 1\nstat::number_of_executed_units: 1234\n";
        assert_eq!(number_of(text, "stat::number_of_executed_units:"), 1234);
        assert_eq!(number_of(text, "stat::average_exec_per_sec:"), 0);
    }
}
