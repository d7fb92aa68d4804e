//! Checks bundles before a server sees them: all that it would refuse, and what is merely doubtful, each with its place.
//!
//! ```
//! use drp_content::check::{Severity, check};
//! # let directory = tempfile::tempdir().unwrap();
//! # std::fs::create_dir(directory.path().join("params")).unwrap();
//! # std::fs::write(directory.path().join("params/x.yaml"), "Name: 1x\n").unwrap();
//! let report = check(&[directory.path()]);
//! let finding = report.findings.iter().find(|finding| finding.severity == Severity::Error).unwrap();
//! assert_eq!((finding.code.name(), finding.line), ("name", Some(1)));
//! assert_eq!(finding.problem, "Invalid Name `1x`");
//! ```

mod finding;
mod form;
mod go_template;
mod metadata;
mod near;
mod objects;
mod params;
mod read;
mod references;
mod spelling;
mod subject;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

pub use self::finding::{Code, Finding, Severity};
use self::{
    finding::say,
    references::Offer,
    subject::{Findings, Item, Subject},
};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// All findings, by file, line and column.
    pub findings: Vec<Finding>,
    /// How many more findings there are than are kept.
    pub dropped: usize,
    /// Objects that were looked at.
    pub objects: usize,
    /// Prerequisites that were not among the bundles, by the bundle that demands them. What such a bundle names was not
    /// looked for: it may be in them.
    pub missing_prerequisites: BTreeMap<String, Vec<String>>,
}

impl Report {
    /// How many findings are of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Checks bundles, directories or files of YAML or JSON. What one names is looked for in it and in those others that are
/// its prerequisites. Blocks.
#[must_use]
pub fn check(bundles: &[impl AsRef<Path>]) -> Report {
    let mut findings = Findings::default();
    let mut subjects = Vec::new();
    for bundle in bundles {
        let mut subject = read::read(bundle.as_ref(), &mut findings);
        metadata::check(&mut subject, &mut findings);
        objects::check(&mut subject, &mut findings);
        subjects.push(subject);
    }
    let offers: Vec<Offer> = subjects.iter().map(Offer::of).collect();
    let mut report = Report::default();
    for (subject, own) in subjects.iter().zip(&offers) {
        params::check(subject, &mut findings);
        check_texts(subject, &mut findings);
        check_descriptions(subject, &mut findings);
        check_prerequisites(subject, own, &offers, &mut findings);
        let missing = references::check(subject, own, &offers, &mut findings);
        if !missing.is_empty() {
            report.missing_prerequisites.insert(subject.root.display().to_string(), missing);
        }
        report.objects += subject.items.len();
    }
    report.dropped = findings.dropped;
    report.findings = findings.all;
    report.findings.sort();
    report.findings.dedup();
    report
}

/// Templates that Go refuses to read.
fn check_texts(subject: &Subject, findings: &mut Findings) {
    for text in references::texts(subject) {
        if let Some((line, problem)) = go_template::look(text.text).problem {
            let said = say(Code::TemplateSyntax, problem).help("servers cannot render this text");
            findings.add(subject.about_line(text.item, &text.path, line, said));
        }
    }
}

fn check_descriptions(subject: &Subject, findings: &mut Findings) {
    const DESCRIBED: [&str; 6] = ["bootenvs", "params", "profiles", "stages", "tasks", "workflows"];
    let described = subject.items.iter().filter(|item| DESCRIBED.contains(&item.section.as_str()));
    // A description that is no text is told already.
    let misfits = findings.all.iter().filter(|one| one.code == Code::Type && one.field == "/Description");
    let misfits: BTreeSet<String> = misfits.map(|one| one.object.clone()).collect();
    let is_missing = |item: &&Item| item.text("Description").trim().is_empty() && !misfits.contains(&item.name());
    for item in described.filter(is_missing) {
        let said = say(Code::Undescribed, format!("`{}` has no Description", item.key)).expected("one line for lists");
        findings.add(subject.about(item, &["Description".into()], said.help("say in a line what it is for")));
    }
}

/// Prerequisites that are there, in a version that will not do.
fn check_prerequisites(subject: &Subject, own: &Offer, offers: &[Offer], findings: &mut Findings) {
    for wanted in &own.prerequisites {
        let Some(offer) = offers.iter().find(|offer| offer.name == wanted.name) else { continue };
        // A version that cannot be read is told where it is.
        if offer.version.parse().is_ok_and(|version| !wanted.is_met_by(&version)) {
            let said = say(Code::Prerequisite, format!("`{}` is there in version {}", offer.name, offer.version));
            let said = said.expected("a version that the constraint takes").help("relax it, or check another version");
            findings.add(subject.finding(&subject.meta_place("Prerequisites"), said));
        }
    }
}
