//! For CI: JUnit's XML.

use std::fmt::Write;

use crate::{
    expected::Expected,
    report::{Checked, Outcome, Report},
};

/// The report as a JUnit document. What is not as the list of expected failures says is a failure; a failure that is
/// expected counts as skipped.
pub fn junit(report: &Report, expected: &Expected) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = write(&mut text, report, expected);
    text
}

fn write(text: &mut String, report: &Report, expected: &Expected) -> std::fmt::Result {
    let checks = &report.checks;
    let failures = expected.surprises(report).count();
    let is_excused = |checked: &&Checked| checked.outcome.is_failure() && expected.reason(checked.code).is_some();
    let skipped = report.counts().skipped + checks.iter().filter(is_excused).count();
    let seconds: f64 = checks.iter().map(|checked| checked.seconds).sum();
    writeln!(text, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let name = escaped(&report.subject);
    let tests = checks.len();
    writeln!(
        text,
        r#"<testsuite name="{name}" tests="{tests}" failures="{failures}" skipped="{skipped}" time="{seconds:.3}">"#
    )?;
    for checked in checks {
        let (code, phase) = (checked.code, checked.code.phase().name());
        write!(text, r#"  <testcase classname="{phase}" name="{code}" time="{:.3}">"#, checked.seconds)?;
        match (&checked.outcome, expected.reason(code)) {
            (Outcome::Passed, None) => {}
            (Outcome::Passed, Some(reason)) => {
                let message = format!("was expected to fail ({reason})");
                write!(text, r#"<failure message="{}"/>"#, escaped(&message))?;
            }
            (Outcome::Skipped(reason), _) => write!(text, r#"<skipped message="{}"/>"#, escaped(reason))?,
            (Outcome::Failed(finding), Some(reason)) => {
                let message = format!("expected to fail ({reason}): {}", finding.problem);
                write!(text, r#"<skipped message="{}"/>"#, escaped(&message))?;
            }
            (Outcome::Failed(finding), None) => {
                let exchange = escaped(&finding.exchange.join("\n"));
                write!(text, r#"<failure message="{}">{exchange}</failure>"#, escaped(&finding.problem))?;
            }
        }
        writeln!(text, "</testcase>")?;
    }
    writeln!(text, "</testsuite>")
}

/// Text within XML; what XML cannot hold at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::people::tests::sample;

    #[test]
    fn failures_and_skips_are_where_ci_looks_for_them() {
        let wanted = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="sample v1" tests="3" failures="1" skipped="1" time="0.750">
  <testcase classname="define" name="define-json" time="0.250"></testcase>
  <testcase classname="action" name="action-unknown" time="0.250"><failure message="404 was &lt;expected&gt;">1 ms host POST</failure></testcase>
  <testcase classname="events" name="events-stall" time="0.250"><skipped message="it opens no websocket"/></testcase>
</testsuite>
"#;
        assert_eq!(junit(&sample(), &Expected::default()), wanted);
        let list = Expected::from_toml("[expected-failures]\naction-unknown = \"7\"\ndefine-json = \"8\"").unwrap();
        let text = junit(&sample(), &list);
        assert!(text.contains(r#"failures="1" skipped="2""#) && text.contains("was expected to fail (8)"), "{text}");
        assert_eq!(escaped("a\u{1}&\n"), "a\u{fffd}&amp;\n");
    }
}
