//! What bundles demand of each other: versions and constraints on them (`models.md` §19.5).

use semver::{BuildMetadata, Version};
use thiserror::Error;

/// The constraint of a prerequisite that names none.
const ANY: &str = ">=0.0.0";

/// One bundle that another one demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// The bundle's name.
    pub(super) name: String,
    /// Any of these must hold, and of it every comparison.
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: Version,
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
#[derive(Debug, Error)]
#[error("Invalid version requirement for {name}: {reason}")]
pub(super) struct RequirementError {
    name: String,
    reason: String,
}

/// A bundle's own version: a leading `v` and everything from the first `-` do not count, and numbers that are not there
/// are zero. Bundles in the wild say `0.1`, and the server that clients know takes them.
///
/// # Errors
/// What is wrong with it, in the words that clients know.
pub(super) fn bundle_version(text: &str) -> Result<Version, String> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let core = text.split(['-', '+']).next().unwrap_or_default();
    if core.is_empty() {
        return Ok(Version::new(0, 0, 0));
    }
    let mut parts = core.splitn(3, '.');
    let [major, minor, patch] = [(); 3].map(|()| parts.next().unwrap_or("0"));
    let number = |what: &str, part: &str| {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("Invalid character(s) found in {what} number \"{part}\""));
        }
        if part.len() > 1 && part.starts_with('0') {
            return Err(format!("Leading zeroes found in {what} number \"{part}\""));
        }
        part.parse().map_err(|_| format!("Too large {what} number \"{part}\""))
    };
    Ok(Version::new(number("major", major)?, number("minor", minor)?, number("patch", patch)?))
}

/// Reads the prerequisites of a bundle: `name` or `name: constraint`, joined by commas. Of two for one name the last
/// counts.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, RequirementError> {
    let mut all: Vec<Requirement> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (name, constraint) = item.split_once(':').unwrap_or((item, ANY));
        let name = name.trim();
        let alternatives =
            alternatives(constraint.trim()).map_err(|reason| RequirementError { name: name.to_owned(), reason })?;
        all.retain(|known| known.name != name);
        all.push(Requirement { name: name.to_owned(), alternatives });
    }
    Ok(all)
}

impl Requirement {
    /// Whether a bundle of this version will do.
    pub(super) fn is_met_by(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| all.iter().all(|comparison| comparison.holds(version)))
    }
}

impl Comparison {
    fn new(operator: Operator, version: Version) -> Self {
        Self { operator, version }
    }

    fn holds(&self, version: &Version) -> bool {
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

fn exact(text: &str) -> Result<Version, String> {
    let mut version = Version::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
    version.build = BuildMetadata::EMPTY;
    Ok(version)
}

/// The first version that a wildcard such as `1.2.x` means, and the first behind them; `None` for no wildcard.
fn wildcard(text: &str) -> Option<Result<(Version, Version), String>> {
    let base = text.strip_suffix(".x")?;
    // `1.x.x` means `1.0.x`, as servers have it.
    let filled = base.strip_suffix(".x").map(|major| format!("{major}.0"));
    let base = filled.as_deref().unwrap_or(base);
    let bad = || format!("bad wildcard `{text}`");
    let overflow = |number: u64| number.checked_add(1).ok_or_else(bad);
    let range = match base.split('.').count() {
        1 => exact(&format!("{base}.0.0"))
            .and_then(|first| overflow(first.major).map(|next| (first, Version::new(next, 0, 0)))),
        2 => exact(&format!("{base}.0")).and_then(|first| {
            overflow(first.minor).map(|next| {
                let behind = Version::new(first.major, next, 0);
                (first, behind)
            })
        }),
        _ => Err(bad()),
    };
    Some(range)
}

fn within(operator: Operator, (first, behind): (Version, Version)) -> Vec<Comparison> {
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn versions_of_bundles_are_read_leniently_up_to_their_numbers() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let found = bundle_version(text).map(|version| version.to_string());
            assert_eq!(found.as_ref().map(String::as_str).map_err(String::as_str), expected, "{text}");
        };
        check("", Ok("0.0.0"));
        check("v1.2.3", Ok("1.2.3"));
        check("1.2.3-alpha00+g12", Ok("1.2.3"));
        check("v4.8.0+drpx.0.1.0", Ok("4.8.0"));
        check("-x", Ok("0.0.0"));
        check("1.2.foo", Err("Invalid character(s) found in patch number \"foo\""));
        check("1.b.0", Err("Invalid character(s) found in minor number \"b\""));
        check("0.1", Ok("0.1.0"));
        check("v7", Ok("7.0.0"));
        check("1.", Err("Invalid character(s) found in minor number \"\""));
        check("1.2.3.4", Err("Invalid character(s) found in patch number \"3.4\""));
        check("01.2.3", Err("Leading zeroes found in major number \"01\""));
        check("99999999999999999999.0.0", Err("Too large major number \"99999999999999999999\""));
    }

    #[test]
    fn constraints_hold_as_servers_have_it() {
        let check = |constraint: &str, version: &str, expected: bool| {
            let found = requirements(&format!("x: {constraint}")).unwrap()[0].is_met_by(&version.parse().unwrap());
            assert_eq!(found, expected, "{constraint} {version}");
        };
        check(">=1.2.0 <2.0.0", "1.9.9", true);
        check(">=1.2.0 <2.0.0", "2.0.0", false);
        check("> 1.0.0 < 1.5.0 || ==2.0.0", "2.0.0", true);
        check("1.0.0", "1.0.0", true);
        check("!1.0.0", "1.0.0", false);
        check("1.2.x", "1.2.9", true);
        check("1.2.x", "1.3.0", false);
        check("1.x", "1.9.0", true);
        check("1.x.x", "1.1.0", false);
        check(">1.2.x", "1.2.9", false);
        check(">1.2.x", "1.3.0", true);
        check("<=1.x", "1.2.0-rc2", true);
        check("<1.2.x", "1.1.9", true);
        check(">=1.2.x", "1.2.0", true);
        check("!=1.2.x", "1.4.0", false);
    }

    #[test]
    fn bad_constraints_are_named() {
        let check = |text: &str| {
            let error = requirements(text).unwrap_err().to_string();
            assert!(error.starts_with("Invalid version requirement for x: "), "{error}");
        };
        for text in ["x: >=1.0", "x: >=v1.0.0", "x: ~1.0.0", "x: ^1.0.0", "x: x", "x:", "x: 01.0.0", "x: 1.2.3.x"] {
            check(text);
        }
        for text in ["x: >=1.0.0 ||", "x: =>1.0.0", "x: >=", "x: 18446744073709551615.x"] {
            check(text);
        }
    }

    #[test]
    fn a_list_may_have_empty_items_and_the_last_of_a_name_counts() {
        let all = requirements(" a , ,b:1.0.0, b : 2.0.0").unwrap();
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(all[1].is_met_by(&Version::new(2, 0, 0)) && all[0].is_met_by(&Version::new(0, 0, 0)));
        assert!(requirements("").unwrap().is_empty());
    }
}
