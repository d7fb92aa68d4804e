//! The content in a definition, as `drpx content check` looks at it.

use drp_content::{
    Bundle, Prerequisite,
    check::{self, Code as ContentCode},
};
use drp_core::PluginProvider;

use super::finding::{Code, Finding};
use crate::exit::Failure;

/// What is said of a bundle as a whole that is not true of a provider's: it gets the provider's name and version.
const OF_BUNDLES: [ContentCode; 3] = [ContentCode::Meta, ContentCode::Undescribed, ContentCode::Unnamed];

/// Looks at the content of a provider: at the bundle, and at its text.
pub(super) fn look(provider: &PluginProvider, bundle: &Bundle) -> Result<Vec<Finding>, Failure> {
    let content = &provider.content;
    let mut findings = Vec::new();
    if [&provider.documentation, bundle.meta.text("Documentation")].iter().all(|text| text.trim().is_empty()) {
        let finding = Finding::of_provider(Code::Undocumented, "the provider has no Documentation");
        findings.push(finding.help("say in reStructuredText what it does and what its params mean"));
    }
    if bundle.meta.text("Description").trim().is_empty() {
        let finding = Finding::of_provider(Code::Undescribed, "the provider has no description");
        findings.push(finding.expected("`Description` in the content's `meta`").help("say in a line what it is for"));
    }
    if let Err(error) = Prerequisite::parse_list(bundle.meta.text("Prerequisites")) {
        let finding = Finding::of_provider(Code::Prerequisites, error.to_string());
        findings.push(finding.expected("`name` or `name: constraint`, joined by commas"));
    }
    if content.trim().is_empty() {
        return Ok(findings);
    }
    // What begins as JSON may be YAML all the same.
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(content).is_ok();
    let extension = if is_json { ".json" } else { ".yaml" };
    let file = tempfile::Builder::new().prefix("drpx-").suffix(extension).tempfile();
    let file = file.and_then(|file| std::fs::write(file.path(), content).map(|()| file));
    let file = file.map_err(|error| Failure::new(format!("cannot look at the content: {error}")))?;
    let found = check::check(&[file.path()]).findings.into_iter();
    let is_said = |finding: &check::Finding| {
        let of_bundle = finding.object.is_empty() && OF_BUNDLES.contains(&finding.code);
        // Of params more is known where actions and configuration are.
        !of_bundle && finding.code != ContentCode::UnusedParam
    };
    findings.extend(found.filter(is_said).map(Finding::from));
    Ok(findings)
}
