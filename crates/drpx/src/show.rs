//! What people see. Colour only on a terminal; without it the text says the same.

use anstyle::{AnsiColor, Style};
use drp_core::{Event, Level, Line, Raw};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// One thing that happened: what, and the rest.
pub(crate) fn step(style: Style, what: &str, text: &str) {
    anstream::println!("{style}{what:>12}{style:#} {text}");
}

/// A result, as JSON and nothing else.
pub(crate) fn result(value: &Raw) {
    anstream::println!("{value}");
}

/// Progress that is not part of the output.
pub(crate) fn progress(what: &str, text: &str) {
    anstream::eprintln!("{GOOD}{what:>12}{GOOD:#} {text}");
}

/// Something to be careful about.
pub(crate) fn warn(text: &str) {
    anstream::eprintln!("{WARNING}warning{WARNING:#}: {text}");
}

/// What ended the command.
pub(crate) fn complain(text: &str) {
    anstream::eprintln!("{BAD}error{BAD:#}: {text}");
}

/// A line of the server's log.
pub(crate) fn line(line: &Line) {
    let style = match line.level {
        Level::Trace | Level::Debug | Level::Info | Level::Audit => QUIET,
        Level::Warn => WARNING,
        Level::Error | Level::Fatal | Level::Panic => BAD,
    };
    step(style, "log", &line_text(line));
}

/// The text of a log line, on one line.
pub(crate) fn line_text(line: &Line) -> String {
    format!("{} {}: {}", line.service, line.level, line.message.trim_end().escape_debug_controls())
}

/// An event.
pub(crate) fn event(event: &Event) {
    let by = if event.principal.is_empty() { String::new() } else { format!(" by {}", event.principal) };
    let text = format!("{}.{}.{}{by}", event.type_, event.action, event.key);
    step(QUIET, "event", &text.escape_debug_controls());
}

/// Text from elsewhere must not steer the terminal.
trait EscapeControls {
    fn escape_debug_controls(&self) -> String;
}

impl EscapeControls for str {
    fn escape_debug_controls(&self) -> String {
        let escape = |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
        self.chars().map(escape).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        let line = Line { service: "x".into(), message: "a\u{1b}[2Jb\nc".into(), ..Line::default() };
        assert_eq!(line_text(&line), r"x info: a\u{1b}[2Jb\nc");
    }
}
