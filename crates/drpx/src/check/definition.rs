//! What the definition itself says.

use std::collections::BTreeSet;

use drp_core::{Model, PluginProvider, contract, names};

use super::finding::{Code, Finding};

/// Looks at a definition from the executable `file`, for a server with these object types.
pub(super) fn look(provider: &PluginProvider, file: &str, types: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    identity(provider, file, &mut findings);
    if provider.has_publish {
        let finding =
            Finding::of_provider(Code::HasPublish, "HasPublish is set: the server posts every event and waits");
        findings.push(finding.expected("false").help("select the events it needs over the websocket instead"));
    }
    actions(provider, types, &mut findings);
    lists(provider, &mut findings);
    findings
}

fn identity(provider: &PluginProvider, file: &str, findings: &mut Vec<Finding>) {
    let PluginProvider { name, version, plugin_version, .. } = provider;
    if *plugin_version != contract::PLUGIN_VERSION {
        let finding = Finding::of_provider(Code::PluginVersion, format!("PluginVersion is {plugin_version}"));
        findings.push(finding.expected(contract::PLUGIN_VERSION.to_string()).help("servers skip all others"));
    }
    if !names::is_name(name) {
        let finding = Finding::of_provider(Code::Name, names::complaint("Invalid Name", name));
        findings
            .push(finding.expected("two characters or more: a letter, then letters, digits, blanks, `-`, `_`, `.`"));
    } else if name != file {
        let problem = format!("the provider is called `{name}` and its executable `{file}`");
        let finding = Finding::of_provider(Code::ExecutableName, problem).expected("the same name");
        findings.push(finding.help("rename the executable: who uploads or removes one of them means the other"));
    }
    let number = version.strip_prefix('v').unwrap_or(version);
    if let Err(error) = semver::Version::parse(number) {
        let finding = Finding::of_provider(Code::Version, format!("Version `{version}` is not semantic: {error}"));
        findings.push(finding.expected("such as `v1.2.3`").help("bundles that have it for a prerequisite compare it"));
    }
}

fn actions(provider: &PluginProvider, types: &[String], findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for action in provider.available_actions.iter() {
        let (command, prefix) = (&action.command, action.prefix());
        let object = format!("actions/{prefix}/{command}");
        if command.trim().is_empty() {
            findings.push(Finding::new(Code::UnnamedAction, &object, format!("an action on {prefix} has no Command")));
        }
        if !seen.insert((prefix, command)) {
            let problem = format!("action `{command}` on {prefix} is declared twice");
            findings.push(Finding::new(Code::DuplicateAction, &object, problem).help("only one of them can be called"));
        }
        let known = |model: &str| {
            model == contract::SYSTEM
                || model == PluginProvider::PREFIX
                || types.iter().any(|known| known == model)
                || provider.store_objects.contains_key(model)
        };
        if !known(prefix) {
            let problem = format!("action `{command}` is on `{prefix}`, which is no object type");
            let finding = Finding::new(Code::UnknownModel, &object, problem);
            findings.push(finding.expected("a type in plural, such as `machines`, or one of its own StoreObjects"));
        }
    }
}

/// Params that are named twice for the same thing.
fn lists(provider: &PluginProvider, findings: &mut Vec<Finding>) {
    let mut check = |object: String, required: &[String], optional: &[String]| {
        let mut seen = BTreeSet::new();
        for name in required.iter().chain(optional).filter(|name| !seen.insert(name.as_str())) {
            let problem = format!("param `{name}` is named twice");
            let finding = Finding::new(Code::ParamTwice, &object, problem);
            findings.push(finding.expected("once, in RequiredParams or in OptionalParams"));
        }
    };
    check("provider".to_owned(), &provider.required_params, &provider.optional_params);
    for action in provider.available_actions.iter() {
        let object = format!("actions/{}/{}", action.prefix(), action.command);
        check(object, &action.required_params, &action.optional_params);
    }
}

#[cfg(test)]
mod tests {
    use drp_core::AvailableAction;

    use super::*;

    fn good() -> PluginProvider {
        PluginProvider {
            name: "sample".to_owned(),
            version: "v1.2.3-beta.1+5".to_owned(),
            plugin_version: 4,
            ..PluginProvider::default()
        }
    }

    fn action(model: &str, command: &str) -> AvailableAction {
        AvailableAction { model: model.to_owned(), command: command.to_owned(), ..AvailableAction::default() }
    }

    fn check(provider: &PluginProvider, expected: &[(Code, &str)]) {
        let found = look(provider, "sample", &["machines".to_owned()]);
        let found: Vec<_> = found.iter().map(|finding| (finding.code, finding.object.as_str())).collect();
        let expected: Vec<_> = expected.iter().map(|(code, object)| (code.name(), *object)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_good_definition_passes() {
        check(&good(), &[]);
        let mut provider = good();
        provider.available_actions =
            vec![action("", "a"), action("system", "b"), action("machines", "a"), action("sample-things", "a")].into();
        provider.store_objects.insert("sample-things".to_owned(), drp_core::Raw::null());
        check(&provider, &[]);
    }

    #[test]
    fn each_fault_of_the_provider_is_found() {
        let of = |change: fn(&mut PluginProvider)| {
            let mut provider = good();
            change(&mut provider);
            provider
        };
        check(&of(|p| p.plugin_version = 3), &[(Code::PluginVersion, "provider")]);
        check(&of(|p| p.name = "1x".to_owned()), &[(Code::Name, "provider")]);
        check(&of(|p| p.name = "other".to_owned()), &[(Code::ExecutableName, "provider")]);
        check(&of(|p| p.has_publish = true), &[(Code::HasPublish, "provider")]);
        for version in ["", "v1", "1.2", "v1.2.3.4", "latest"] {
            check(&PluginProvider { version: version.to_owned(), ..good() }, &[(Code::Version, "provider")]);
        }
    }

    #[test]
    fn each_fault_of_an_action_is_found() {
        let mut provider = good();
        provider.available_actions =
            vec![action("machines", "a"), action("machines", "a"), action("machine", "b"), action("", " ")].into();
        let mut twice = action("machines", "c");
        twice.required_params = vec!["sample/x".to_owned()].into();
        twice.optional_params = vec!["sample/x".to_owned()].into();
        provider.available_actions.push(twice);
        let expected = [
            (Code::DuplicateAction, "actions/machines/a"),
            (Code::UnknownModel, "actions/machine/b"),
            (Code::UnnamedAction, "actions/system/ "),
            (Code::ParamTwice, "actions/machines/c"),
        ];
        check(&provider, &expected);
    }
}
