//! What people see. Colour only on a terminal; without it the text says the same.
//!
//! Nobody may be reading any more (`drpx run … | head`); that is no reason to fail, so what cannot be written is let go.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use anstyle::{AnsiColor, Style};
use drp_content::check::{Finding, Severity};
use drp_core::{Event, Level, Line, Raw, Time};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// Secrets of the command line and the configuration, which are shown nowhere, whoever repeats them.
static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
const MASK: &str = "<secret>";

/// Cuts these texts out of everything that is shown from now on.
pub(crate) fn hide(secrets: Vec<String>) {
    // Said once, before anything is shown.
    let _ = SECRETS.set(secrets);
}

/// One thing that happened: what, and the rest.
pub(crate) fn step(style: Style, what: &str, text: &str) {
    let text = presentable(text);
    let _ = writeln!(anstream::stdout(), "{style}{what:>12}{style:#} {text}");
}

/// A result, as JSON and nothing else.
pub(crate) fn result(value: &Raw) {
    let _ = writeln!(anstream::stdout(), "{value}");
}

/// Something that is wrong or doubtful in a bundle, as compilers tell it.
pub(crate) fn finding(finding: &Finding) {
    let texts = [&finding.problem, &finding.expected, &finding.remedy].map(String::as_str);
    diagnostic(&finding.place(), finding.severity, finding.code.name(), texts);
}

/// Something that is wrong or doubtful in a provider, in the same form.
pub(crate) fn finding_of_provider(finding: &crate::check::Finding) {
    let texts = [&finding.problem, &finding.expected, &finding.remedy].map(String::as_str);
    diagnostic(&finding.file, finding.severity, finding.code, texts);
}

fn diagnostic(place: &str, severity: Severity, code: &str, [problem, expected, remedy]: [&str; 3]) {
    let style = match severity {
        Severity::Error => BAD,
        Severity::Warning => WARNING,
    };
    let (place, mut problem) = (presentable(place), problem.lines().map(presentable));
    let first = problem.next().unwrap_or_default();
    let _ = writeln!(anstream::stdout(), "{place}: {style}{severity}[{code}]{style:#}: {first}");
    for line in problem {
        let _ = writeln!(anstream::stdout(), "  {line}");
    }
    for (what, text) in [("expected", expected), ("help", remedy)] {
        if !text.is_empty() {
            let _ = writeln!(anstream::stdout(), "  {QUIET}{what}:{QUIET:#} {}", presentable(text));
        }
    }
}

/// Something in which a replay is not what was recorded.
pub(crate) fn difference(found: &drp_host::Difference) {
    let text = found.to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    step(BAD, "differs", first);
    for line in rest.lines() {
        let _ = writeln!(anstream::stdout(), "{}", presentable(line));
    }
}

/// A text that is a result, as it is.
pub(crate) fn document(text: &str) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// Progress that is not part of the output.
pub(crate) fn progress(what: &str, text: &str) {
    let text = presentable(text);
    let _ = writeln!(anstream::stderr(), "{GOOD}{what:>12}{GOOD:#} {text}");
}

/// Something to be careful about.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(anstream::stderr(), "{WARNING}warning{WARNING:#}: {}", presentable(text));
}

/// What ended the command; may have several lines.
pub(crate) fn complain(text: &str) {
    let lines: Vec<String> = text.lines().map(presentable).collect();
    let _ = writeln!(anstream::stderr(), "{BAD}error{BAD:#}: {}", lines.join("\n"));
}

/// A line of the server's log, among other things that happen.
pub(crate) fn line(line: &Line) {
    let style = match line.level {
        Level::Trace | Level::Debug | Level::Info | Level::Audit => QUIET,
        Level::Warn => WARNING,
        Level::Error | Level::Fatal | Level::Panic => BAD,
    };
    step(style, "log", &text_of(line));
}

/// A line of the server's log, on its own.
pub(crate) fn log_line(line: &Line) {
    let _ = writeln!(anstream::stderr(), "{} {}", line.time, presentable(&text_of(line)));
}

/// A line that is complete as it is.
pub(crate) fn raw_line(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// The text without the secrets of the command line.
pub(crate) fn masked(text: &str) -> String {
    let secrets = SECRETS.get().into_iter().flatten().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
}

/// An event.
pub(crate) fn event(event: &Event) {
    let by = if event.principal.is_empty() { String::new() } else { format!(" by {}", event.principal) };
    step(QUIET, "event", &format!("{}.{}.{}{by}", event.type_, event.action, event.key));
}

/// Something that a command shows in its course.
pub(crate) enum Said {
    /// A line of what was asked for, ready to be shown.
    Result(String),
    /// That something is missing behind the lines before.
    Gap(String),
}

/// Shows it. Fails where nobody reads any more, which is no reason for a command to fail.
pub(crate) fn say(said: &Said) -> io::Result<()> {
    match said {
        Said::Result(line) => writeln!(anstream::stdout(), "{line}"),
        Said::Gap(text) => {
            let _ = writeln!(anstream::stderr(), "{WARNING}{text}{WARNING:#}");
            Ok(())
        }
    }
}

/// A time in UTC, with milliseconds and always as wide.
pub(crate) fn moment(time: &Time) -> String {
    match time.timestamp() {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        Err(_) => time.to_string(),
    }
}

fn text_of(line: &Line) -> String {
    format!("{} {}: {}", line.service, line.level, line.message.trim_end())
}

/// Text from elsewhere must not steer the terminal, look like several lines, or repeat a secret.
pub(crate) fn presentable(text: &str) -> String {
    let text = masked(text);
    let escape = |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(presentable("a\u{1b}[2Jb\nc\t→"), "a\\u{1b}[2Jb\\nc\t→");
    }
}
