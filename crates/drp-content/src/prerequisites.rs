//! What a bundle demands of its server and of other bundles (`models.md` §19.5).

use semver::BuildMetadata;
use thiserror::Error;

use crate::{Metadata, Version};

/// The constraint of a prerequisite that names none.
const ANY: &str = ">=0.0.0";

/// A bundle that another one demands, and which versions of it will do.
///
/// The constraint is a language of its own: `<`, `<=`, `>`, `>=`, `=` and `!=` before versions of three numbers, a blank
/// for "and", ` || ` for "or", and `x` as the last number for any.
///
/// ```
/// use drp_content::Prerequisite;
/// let all = Prerequisite::parse_list("drp-community-content, tools: >=1.2.0 <2.0.0 || 3.x").unwrap();
/// assert_eq!(all[1].name, "tools");
/// assert!(all[1].is_met_by(&"v3.4.5".parse().unwrap()));
/// assert!(!all[1].is_met_by(&"v2.0.0".parse().unwrap()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    /// The bundle's name.
    pub name: String,
    /// Any of these must hold, and of it every comparison.
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: semver::Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
}

/// A list of prerequisites cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Invalid version requirement for {name}: {reason}")]
pub struct PrerequisiteError {
    name: String,
    reason: String,
}

impl Prerequisite {
    /// Reads the prerequisites of a bundle: `name` or `name: constraint`, joined by commas. Of two for one name the last
    /// counts.
    ///
    /// # Errors
    /// A constraint cannot be read.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, PrerequisiteError> {
        let mut all: Vec<Self> = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, constraint) = item.split_once(':').unwrap_or((item, ANY));
            let name = name.trim();
            let alternatives = alternatives(constraint.trim())
                .map_err(|reason| PrerequisiteError { name: name.to_owned(), reason })?;
            all.retain(|known| known.name != name);
            all.push(Self { name: name.to_owned(), alternatives });
        }
        Ok(all)
    }

    /// Whether a bundle of this version will do.
    #[must_use]
    pub fn is_met_by(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| all.iter().all(|comparison| comparison.holds(&version.0)))
    }
}

/// What a bundle demands, with the server's texts about it.
impl Metadata {
    /// The features that the bundle demands of its server. Authors part them by commas or blanks.
    pub fn required_features(&self) -> impl Iterator<Item = &str> {
        let is_separator = |c: char| c == ',' || c.is_whitespace();
        self.text("RequiredFeatures").split(is_separator).filter(|feature| !feature.is_empty())
    }

    /// What a server with these features refuses the bundle for, whatever else it holds: no name, a bad version, bad
    /// prerequisites, and features that it lacks.
    #[must_use]
    pub fn refusals(&self, features: &[&str]) -> Vec<String> {
        let name = self.text("Name").trim();
        if name.is_empty() {
            return vec!["Store at content- has no Name metadata".to_owned()];
        }
        let mut refusals = Vec::new();
        if let Err(error) = self.text("Version").parse::<Version>() {
            refusals.push(format!("Layer {name}: invalid version {}: {error}", self.text("Version").trim()));
        }
        if let Err(error) = Prerequisite::parse_list(self.text("Prerequisites")) {
            refusals.push(format!("Layer {name}: error parsing prerequisites {}: {error}", self.text("Prerequisites")));
        }
        refusals.extend(self.required_features().filter(|feature| !features.contains(feature)).map(|feature| {
            format!("Content layer {name} requires feature {feature}, but dr-provision does not provide it")
        }));
        refusals
    }

    /// What a server warns of that has these other bundles: prerequisites that are not there, or in no version that will
    /// do. `version_of` gives the version of a bundle that is there.
    pub fn unmet(&self, version_of: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let layer = self.text("Name").trim();
        let test = |wanted: &Prerequisite| {
            let name = &wanted.name;
            match version_of(name).map(|version| version.parse()) {
                Some(Ok(version)) if wanted.is_met_by(&version) => None,
                Some(_) => Some(format!("Layer {layer} prerequisite test on {name} failed")),
                None => Some(format!("Layer {layer} has {name} as a prerequisite, but {name} does not exist!")),
            }
        };
        // Those of a provider's bundle may be unreadable: nothing of it is refused for that.
        let all = Prerequisite::parse_list(self.text("Prerequisites")).unwrap_or_default();
        all.iter().filter_map(test).collect()
    }
}

impl Comparison {
    fn new(operator: Operator, version: semver::Version) -> Self {
        Self { operator, version }
    }

    fn holds(&self, version: &semver::Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::AtMost => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::AtLeast => order.is_ge(),
            Operator::Equal => order.is_eq(),
            Operator::Unequal => order.is_ne(),
        }
    }
}

fn alternatives(constraint: &str) -> Result<Vec<Vec<Comparison>>, String> {
    constraint.split("||").map(comparisons).collect()
}

/// Reads comparisons that must hold together: versions with an operator each, blanks between and also behind operators.
fn comparisons(text: &str) -> Result<Vec<Comparison>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("empty constraint".to_owned());
    }
    while !rest.is_empty() {
        let behind = rest.trim_start_matches(['<', '>', '=', '!']);
        let operator = operator(&rest[..rest.len() - behind.len()])?;
        let behind = behind.trim_start();
        let end = behind.find([' ', '\t', '<', '>', '=', '!']).unwrap_or(behind.len());
        let (version, next) = behind.split_at(end);
        match wildcard(version) {
            Some(range) => all.extend(within(operator, range?)),
            None => all.push(Comparison::new(operator, exact(version)?)),
        }
        rest = next.trim_start();
    }
    Ok(all)
}

fn operator(text: &str) -> Result<Operator, String> {
    Ok(match text {
        "<" => Operator::Less,
        "<=" => Operator::AtMost,
        ">" => Operator::Greater,
        ">=" => Operator::AtLeast,
        "" | "=" | "==" => Operator::Equal,
        "!" | "!=" => Operator::Unequal,
        _ => return Err(format!("unknown comparator `{text}`")),
    })
}

fn exact(text: &str) -> Result<semver::Version, String> {
    let mut version = semver::Version::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
    version.build = BuildMetadata::EMPTY;
    Ok(version)
}

/// The first version that a wildcard such as `1.2.x` means, and the first behind them; `None` for no wildcard.
fn wildcard(text: &str) -> Option<Result<(semver::Version, semver::Version), String>> {
    let base = text.strip_suffix(".x")?;
    // `1.x.x` means `1.0.x`, as servers have it.
    let filled = base.strip_suffix(".x").map(|major| format!("{major}.0"));
    let base = filled.as_deref().unwrap_or(base);
    let bad = || format!("bad wildcard `{text}`");
    let overflow = |number: u64| number.checked_add(1).ok_or_else(bad);
    let range = match base.split('.').count() {
        1 => exact(&format!("{base}.0.0"))
            .and_then(|first| overflow(first.major).map(|next| (first, semver::Version::new(next, 0, 0)))),
        2 => exact(&format!("{base}.0")).and_then(|first| {
            overflow(first.minor).map(|next| {
                let behind = semver::Version::new(first.major, next, 0);
                (first, behind)
            })
        }),
        _ => Err(bad()),
    };
    Some(range)
}

fn within(operator: Operator, (first, behind): (semver::Version, semver::Version)) -> Vec<Comparison> {
    let one = |operator, version| vec![Comparison::new(operator, version)];
    match operator {
        Operator::Less => one(Operator::Less, first),
        Operator::AtMost => one(Operator::Less, behind),
        Operator::Greater => one(Operator::AtLeast, behind),
        Operator::AtLeast => one(Operator::AtLeast, first),
        Operator::Equal => {
            vec![Comparison::new(Operator::AtLeast, first), Comparison::new(Operator::Less, behind)]
        }
        // Both at once, which nothing satisfies: bundles are written for servers that have it so.
        Operator::Unequal => {
            vec![Comparison::new(Operator::Less, first), Comparison::new(Operator::AtLeast, behind)]
        }
    }
}

#[cfg(test)]
mod tests;
