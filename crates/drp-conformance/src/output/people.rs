//! For people: every failure with what shows it, what was not judged, and the sum.

use std::fmt::Write;

use crate::{
    expected::Expected,
    report::{Counts, Outcome, Report},
};

/// The report as text. What is not as the list of expected failures says comes with its exchange.
pub fn people(report: &Report, expected: &Expected) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = write(&mut text, report, expected);
    text
}

fn write(text: &mut String, report: &Report, expected: &Expected) -> std::fmt::Result {
    for checked in &report.checks {
        let code = checked.code;
        match &checked.outcome {
            Outcome::Passed => match expected.reason(code) {
                None => writeln!(text, "passed  {code}")?,
                Some(reason) => {
                    writeln!(text, "passed  {code}: was expected to fail ({reason})")?;
                    writeln!(text, "        help: take `{code}` out of the expected failures")?;
                }
            },
            Outcome::Skipped(reason) => writeln!(text, "skipped {code}: {reason}")?,
            Outcome::Failed(finding) => match expected.reason(code) {
                Some(reason) => writeln!(text, "failed  {code}, as expected ({reason}): {}", finding.problem)?,
                None => {
                    writeln!(text, "failed  {code}: {}", finding.problem)?;
                    writeln!(text, "        rule: {} ({})", code.rule(), code.source())?;
                    writeln!(text, "        help: {}", code.remedy())?;
                    for line in &finding.exchange {
                        writeln!(text, "        | {line}")?;
                    }
                }
            },
        }
    }
    let Counts { passed, failed, skipped } = report.counts();
    writeln!(text, "{}: {passed} passed, {failed} failed, {skipped} skipped", report.subject)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        code::Code,
        report::{Checked, Finding},
    };

    /// A report with an outcome of each kind.
    pub(in crate::output) fn sample() -> Report {
        let finding = Finding { problem: "404 was <expected>".to_owned(), exchange: vec!["1 ms host POST".to_owned()] };
        let checked = |code, outcome| Checked { code, outcome, seconds: 0.25 };
        let checks = vec![
            checked(Code::DefineJson, Outcome::Passed),
            checked(Code::ActionUnknown, Outcome::Failed(finding)),
            checked(Code::EventsStall, Outcome::Skipped("it opens no websocket".to_owned())),
        ];
        Report { subject: "sample v1".to_owned(), is_usable: true, checks }
    }

    #[test]
    fn a_failure_comes_with_its_rule_its_remedy_and_its_exchange() {
        let wanted = "passed  define-json
failed  action-unknown: 404 was <expected>
        rule: an unknown command is answered with 404 (plugins-in-the-wild 5)
        help: answer 404 to what is no action of yours
        | 1 ms host POST
skipped events-stall: it opens no websocket
sample v1: 1 passed, 1 failed, 1 skipped
";
        assert_eq!(people(&sample(), &Expected::default()), wanted);
    }

    #[test]
    fn what_is_not_as_expected_is_told() {
        let list = "[expected-failures]\naction-unknown = \"issue 7\"\ndefine-json = \"issue 8\"";
        let text = people(&sample(), &Expected::from_toml(list).unwrap());
        assert!(text.starts_with("passed  define-json: was expected to fail (issue 8)\n"), "{text}");
        assert!(text.contains("failed  action-unknown, as expected (issue 7): 404 was <expected>\n"), "{text}");
        assert!(!text.contains("| "), "{text}");
    }
}
