//! For programs: one JSON object.

use serde_json::{Value, json};

use crate::{
    expected::Expected,
    report::{Checked, Outcome, Report},
};

/// The report as a JSON object: `subject`, `usable`, `counts`, and `checks` with `code`, `phase`, `rule`, `source`,
/// `remedy`, `outcome`, `seconds`, and where they apply `problem`, `exchange`, `reason` and `expected`.
pub fn json(report: &Report, expected: &Expected) -> Value {
    let checks: Vec<Value> = report.checks.iter().map(|checked| check(checked, expected)).collect();
    json!({ "subject": report.subject, "usable": report.is_usable, "counts": report.counts(), "checks": checks })
}

fn check(checked: &Checked, expected: &Expected) -> Value {
    let code = checked.code;
    let mut value = json!({
        "code": code.name(),
        "phase": code.phase().name(),
        "rule": code.rule(),
        "source": code.source(),
        "remedy": code.remedy(),
        "outcome": checked.outcome.name(),
        "seconds": checked.seconds,
    });
    match &checked.outcome {
        Outcome::Passed => {}
        Outcome::Skipped(reason) => value["reason"] = reason.as_str().into(),
        Outcome::Failed(finding) => {
            value["problem"] = finding.problem.as_str().into();
            value["exchange"] = finding.exchange.as_slice().into();
        }
    }
    if let Some(reason) = expected.reason(code) {
        value["expected"] = reason.into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::people::tests::sample;

    #[test]
    fn every_outcome_has_what_belongs_to_it() {
        let list = Expected::from_toml("[expected-failures]\naction-unknown = \"issue 7\"").unwrap();
        let value = json(&sample(), &list);
        assert_eq!(value["counts"], json!({ "passed": 1, "failed": 1, "skipped": 1 }));
        let failed = &value["checks"][1];
        assert_eq!((&failed["outcome"], &failed["phase"]), (&json!("failed"), &json!("action")));
        assert_eq!((&failed["problem"], &failed["expected"]), (&json!("404 was <expected>"), &json!("issue 7")));
        assert_eq!(failed["exchange"], json!(["1 ms host POST"]));
        assert_eq!(value["checks"][2]["reason"], "it opens no websocket");
    }
}
