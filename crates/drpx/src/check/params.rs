//! Whether the params that a provider names are those that its content declares.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Code, Finding};
use drp_content::Bundle;
use drp_core::{Model, Param, PluginProvider};

/// Looks at the params that a provider and its bundle name. What the provider `ships` as files may use any of them.
pub(super) fn look(provider: &PluginProvider, bundle: &Bundle, ships: bool) -> Vec<Finding> {
    let params = Params::of(provider, bundle);
    let mut findings = Vec::new();
    params.undeclared(provider, bundle, &mut findings);
    if !ships {
        params.unused(provider, bundle, &mut findings);
    }
    params.auto_start(provider, &mut findings);
    findings
}

/// The params of a provider.
struct Params {
    declared: BTreeMap<String, Param>,
    /// Each param that the definition names, and who names it.
    named: BTreeMap<String, Vec<String>>,
}

impl Params {
    fn of(provider: &PluginProvider, bundle: &Bundle) -> Self {
        let objects = bundle.sections.get(Param::PREFIX).into_iter().flatten();
        // What cannot be read as a param, a server says better.
        let declared = objects.filter_map(|(name, param)| Some((name.clone(), param.typed::<Param>().ok()?))).collect();
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut name = |by: String, lists: [&[String]; 2]| {
            for param in lists.into_iter().flatten() {
                named.entry(param.clone()).or_default().push(by.clone());
            }
        };
        name("the provider".to_owned(), [&provider.required_params, &provider.optional_params]);
        for action in provider.available_actions.iter() {
            let by = format!("action `{}` on {}", action.command, action.prefix());
            name(by, [&action.required_params, &action.optional_params]);
        }
        Self { declared, named }
    }

    /// A bundle that demands others may leave it to them to declare params of other families than its own.
    fn undeclared(&self, provider: &PluginProvider, bundle: &Bundle, findings: &mut Vec<Finding>) {
        let own: BTreeSet<&str> =
            self.declared.keys().map(|name| family(name)).chain([provider.name.as_str()]).collect();
        let demands = !bundle.meta.text("Prerequisites").trim().is_empty();
        for (name, by) in &self.named {
            if self.declared.contains_key(name) || (demands && !own.contains(family(name))) {
                continue;
            }
            let by = in_short(by);
            let problem = format!("param `{name}`, which {by} names, is not declared in the content");
            let finding = Finding::new(Code::UndeclaredParam, format!("params/{name}"), problem);
            let help = "declare it, or name in Prerequisites the content that does; \
                        till then its values are neither checked nor can they be secret";
            findings.push(finding.expected(format!("a Param object `{name}`")).help(help));
        }
    }

    fn unused(&self, provider: &PluginProvider, bundle: &Bundle, findings: &mut Vec<Finding>) {
        let texts = texts_of(provider, bundle);
        for name in self.declared.keys().filter(|name| !self.named.contains_key(*name)) {
            if texts.iter().any(|(owner, text)| owner != name && text.contains(name.as_str())) {
                continue;
            }
            let problem = format!("param `{name}` is declared, and no action, configuration or content names it");
            let finding = Finding::new(Code::UnusedParam, format!("params/{name}"), problem);
            let help = "remove it, or name it in RequiredParams or OptionalParams: a server passes no other to a plugin's actions";
            findings.push(finding.help(help));
        }
    }

    fn auto_start(&self, provider: &PluginProvider, findings: &mut Vec<Finding>) {
        let has_default = |name: &String| self.declared.get(name).is_some_and(|param| param.default_value().is_some());
        let missing: Vec<String> =
            provider.required_params.iter().filter(|name| !has_default(name)).map(|name| format!("`{name}`")).collect();
        if provider.auto_start && !missing.is_empty() {
            let missing = missing.join(", ");
            let problem = format!("AutoStart is set, and the plugin that it makes lacks the required {missing}");
            let finding = Finding::of_provider(Code::AutoStartParams, problem);
            findings.push(finding.help("give them defaults, make them optional, or leave the plugin to the operator"));
        }
    }
}

/// What stands before the first slash of a param's name.
fn family(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// The first of them, and how many more there are.
fn in_short(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [one, others @ ..] => format!("{one} (and {} more)", others.len()),
    }
}

/// All that could name a param, with the param that it is of, if it is of one.
fn texts_of<'a>(provider: &'a PluginProvider, bundle: &'a Bundle) -> Vec<(&'a str, String)> {
    let mut texts = vec![("", provider.documentation.clone())];
    for (section, objects) in &bundle.sections {
        for (key, object) in objects {
            let owner = if section == Param::PREFIX { key.as_str() } else { "" };
            texts.push((owner, serde_json::to_string(object).unwrap_or_default()));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use drp_core::{AvailableAction, Raw};
    use serde_json::{Value, json};

    use super::*;

    fn param(name: &str, schema: Value) -> Param {
        Param { name: name.to_owned(), schema: Raw::from(schema), ..Param::default() }
    }

    fn bundle(params: &[Param]) -> Bundle {
        let mut bundle = Bundle::default();
        params.iter().for_each(|param| bundle.add(param).unwrap());
        bundle
    }

    fn provider(required: &[&str], of_action: &[&str]) -> PluginProvider {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into();
        let action = AvailableAction {
            command: "do".to_owned(),
            required_params: list(of_action),
            ..AvailableAction::default()
        };
        PluginProvider {
            name: "sample".to_owned(),
            required_params: list(required),
            available_actions: vec![action].into(),
            ..PluginProvider::default()
        }
    }

    fn found(provider: &PluginProvider, bundle: &Bundle) -> Vec<(&'static str, String)> {
        look(provider, bundle, false).into_iter().map(|finding| (finding.code, finding.object)).collect()
    }

    fn check(provider: &PluginProvider, bundle: &Bundle, expected: &[(Code, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(code, object)| (code.name(), (*object).to_owned())).collect();
        assert_eq!(found(provider, bundle), expected);
    }

    #[test]
    fn what_is_named_must_be_declared_and_the_other_way_round() {
        let both = bundle(&[param("sample/a", json!({})), param("sample/b", json!({}))]);
        check(&provider(&["sample/a"], &["sample/b"]), &both, &[]);
        check(&provider(&["sample/a"], &["sample/a"]), &both, &[(Code::UnusedParam, "params/sample/b")]);
        check(
            &provider(&["sample/c"], &["sample/a", "sample/b"]),
            &both,
            &[(Code::UndeclaredParam, "params/sample/c")],
        );
        assert_eq!(look(&provider(&["sample/a"], &[]), &both, true), []);
    }

    #[test]
    fn content_may_use_a_param_and_prerequisites_may_declare_one() {
        let mut content = bundle(&[param("sample/a", json!({})), param("sample/b", json!({}))]);
        let task = json!({ "Name": "t", "Templates": [{ "Contents": "{{.Param \"sample/a\"}}" }] });
        content.add_raw("tasks", "t".to_owned(), serde_json::from_value(task).unwrap());
        let uses = provider(&[], &["sample/b", "other/x"]);
        check(&uses, &content, &[(Code::UndeclaredParam, "params/other/x")]);
        content.meta.set("Prerequisites", "other-content");
        check(&uses, &content, &[]);
        check(&provider(&[], &["sample/b", "sample/x"]), &content, &[(Code::UndeclaredParam, "params/sample/x")]);
    }

    #[test]
    fn a_plugin_that_starts_by_itself_needs_defaults() {
        let mut starts = provider(&["sample/a"], &[]);
        starts.auto_start = true;
        check(&starts, &bundle(&[param("sample/a", json!({ "type": "integer", "default": 1 }))]), &[]);
        check(&starts, &bundle(&[param("sample/a", json!({}))]), &[(Code::AutoStartParams, "provider")]);
    }
}
