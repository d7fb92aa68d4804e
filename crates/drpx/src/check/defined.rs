//! What `define` prints, how, and whether it is always the same.

use std::time::Duration;

use drp_content::Bundle;
use drp_core::{PluginProvider, chain, json, limits};
use drp_host::{Host, Trial, TrialError, TrialOutput};
use serde_json::Value;

use super::finding::{Code, Finding};

/// A `define` that takes longer keeps a starting server waiting.
const SLOW: Duration = Duration::from_secs(2);
/// What is shown of an output that is no definition.
const SHOWN_CHARS_MAX: usize = 200;
/// Lines of an output in which the definition may begin, and those that are tried.
const NOISE_LINES_MAX: usize = 100;
const BEGINS_MAX: usize = 10;

/// What came of three runs of `define`.
pub(super) struct Runs {
    first: Result<TrialOutput, TrialError>,
    second: Result<TrialOutput, TrialError>,
    /// Without server and environment.
    alone: Result<TrialOutput, TrialError>,
}

/// A definition, and what is around it on the standard output.
struct Printed {
    value: Value,
    /// The value as it was written.
    text: String,
    noise: String,
}

impl Runs {
    /// Asks an executable three times what it is.
    pub(super) async fn of(host: &Host, executable: &std::path::Path) -> Self {
        Self {
            first: host.try_provider(executable, Trial::Define).await,
            second: host.try_provider(executable, Trial::Define).await,
            alone: host.try_provider(executable, Trial::DefineForCatalog).await,
        }
    }

    /// What is wrong with the runs, and the definition if there is one.
    pub(super) fn look(&self) -> (Vec<Finding>, Option<PluginProvider>) {
        let (output, printed) = match read(&self.first) {
            Ok(read) => read,
            Err(problem) => return (vec![Finding::of_provider(Code::Define, problem)], None),
        };
        let mut findings = Vec::new();
        if !printed.noise.is_empty() {
            let problem = format!("`define` prints more than the definition: `{}`", shown(&printed.noise));
            let finding = Finding::of_provider(Code::DefineNoise, problem).expected("JSON and nothing else on stdout");
            findings.push(finding.help("write what people should read to stderr, and not under `define`"));
        }
        if !output.stderr.is_empty() {
            let problem = format!("`define` writes to its standard error: `{}`", shown(&output.stderr));
            let finding = Finding::of_provider(Code::DefineStderr, problem).expected("silence");
            findings.push(finding.help("some servers read both outputs as one, and skip the provider"));
        }
        self.look_at_time(&mut findings);
        self.compare(&printed, &mut findings);
        match json::parse::<PluginProvider>(printed.text.as_bytes()) {
            Ok(provider) => (findings, Some(provider)),
            Err(error) => {
                let problem = format!("what `define` prints is no definition: {error}");
                findings.push(Finding::of_provider(Code::Define, problem));
                (findings, None)
            }
        }
    }

    /// The quickest run counts: a machine may be busy with other things.
    fn look_at_time(&self, findings: &mut Vec<Finding>) {
        let took = [&self.first, &self.second].into_iter().flatten().map(|output| output.took).min();
        if let Some(took) = took.filter(|took| *took > SLOW) {
            let problem = format!("`define` takes {:.1} s", took.as_secs_f64());
            let finding = Finding::of_provider(Code::DefineSlow, problem).expected(format!("less than {SLOW:?}"));
            findings.push(finding.help(format!(
                "a server asks each provider at each start, and waits {:?} at most; prepare things in `configure`",
                limits::DEFINE_TIME
            )));
        }
    }

    fn compare(&self, printed: &Printed, findings: &mut Vec<Finding>) {
        let difference = |other: &Result<TrialOutput, TrialError>| match read(other) {
            Ok((_, other)) => differing_key(&comparable(&printed.value), &comparable(&other.value))
                .map(|key| format!("another {key}")),
            Err(problem) => Some(problem),
        };
        if let Some(difference) = difference(&self.second) {
            let problem = format!("`define` says something else the second time: {difference}");
            findings.push(Finding::of_provider(Code::DefineVaries, problem).expected("the same definition each time"));
        }
        if let Some(difference) = difference(&self.alone) {
            let problem = format!("`define` says something else without server and environment: {difference}");
            let finding = Finding::of_provider(Code::DefineNeeds, problem);
            let finding = finding.expected("the same definition with `RS_TOKEN=catalog` and nothing but `PATH`");
            findings.push(finding.help("look at the server and the environment in `configure`, not in `define`"));
        }
    }
}

fn read(run: &Result<TrialOutput, TrialError>) -> Result<(&TrialOutput, Printed), String> {
    let output = run.as_ref().map_err(|error| format!("`define` failed: {}", chain(error)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let said = if output.stderr.is_empty() { text.as_ref() } else { &output.stderr };
        return Err(format!("`define` failed: {}: {}", output.status, shown(said)));
    }
    match printed(&text) {
        Some(printed) => Ok((output, printed)),
        None => Err(format!("`define` prints no JSON object: `{}`", shown(&text))),
    }
}

/// The first JSON object that begins a line of a text, and the rest of the text.
fn printed(text: &str) -> Option<Printed> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').take(NOISE_LINES_MAX).map(|line| {
        start += line.len();
        (start - line.len(), line)
    });
    let begins = lines.filter(|(_, line)| line.trim_start().starts_with('{')).take(BEGINS_MAX);
    for (start, _) in begins {
        let (before, rest) = text.split_at(start);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(value)) = values.next() {
            let (text, after) = rest.split_at(values.byte_offset());
            return Some(Printed { value, text: text.to_owned(), noise: format!("{}{}", before.trim(), after.trim()) });
        }
    }
    None
}

/// A definition in which texts that mean the same are the same.
fn comparable(definition: &Value) -> Value {
    let mut definition = definition.clone();
    if let Some(content) = definition.get_mut("Content")
        && let Some(bundle) = content.as_str().and_then(|text| Bundle::from_yaml(text).ok())
        && let Ok(bundle) = serde_json::to_value(bundle)
    {
        *content = bundle;
    }
    definition
}

/// The first key in which two definitions differ.
fn differing_key(one: &Value, other: &Value) -> Option<String> {
    if one == other {
        return None;
    }
    let keys = [one, other].into_iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
    let differing = keys.into_iter().find(|key| one.get(key) != other.get(key));
    Some(differing.cloned().unwrap_or_else(|| "definition".to_owned()))
}

/// The begin of a text, on one line.
fn shown(text: &str) -> String {
    let line = text.trim().replace('\n', " ");
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_is_found_among_noise() {
        let check = |text: &str, value: Value, noise: &str| {
            let printed = printed(text).unwrap();
            assert_eq!((printed.value, printed.noise.as_str()), (value, noise), "{text}");
        };
        check(" {\"a\": 1}\n", json!({"a": 1}), "");
        check("loading {plugins}\n{\"a\": {}}\n", json!({"a": {}}), "loading {plugins}");
        check("{plugins}\n{\"a\": {}}\n", json!({"a": {}}), "{plugins}");
        check("{\"a\": 1}\ndone\n", json!({"a": 1}), "done");
        for text in ["", "nonsense", "{\"a\": ", "[1]", "{".repeat(10_000).as_str()] {
            assert!(printed(text).is_none(), "{text}");
        }
    }

    #[test]
    fn definitions_differ_by_what_they_mean() {
        let of = |content: &str, version: &str| comparable(&json!({ "Content": content, "Version": version }));
        let yaml = of("meta: {Name: x}\nsections: {}\n", "v1");
        assert_eq!(differing_key(&yaml, &of("{\"sections\":{},\"meta\":{\"Name\":\"x\"}}", "v1")), None);
        assert_eq!(differing_key(&yaml, &of("meta: {Name: y}", "v1")).as_deref(), Some("Content"));
        assert_eq!(differing_key(&yaml, &of("meta: {Name: x}", "v2")).as_deref(), Some("Version"));
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(" a\nb "), "a b");
        assert_eq!(shown(&"ü".repeat(300)).chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
