//! Names that are good for a provider, its crate, its executable and its params at the same time.

use std::path::Path;

/// Longest name. It stands in socket names, params and file names of others, which have limits.
const BYTES_MAX: usize = 64;

/// Names that cargo or the compiler has taken, or that the new crate depends on.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "drp-client",
    "drp-content",
    "drp-core",
    "drp-plugin",
    "drp-test",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "schemars",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "tokio",
    "tracing",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// The name that a directory gives to the provider in it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn of_directory(directory: &Path) -> Result<&str, String> {
    let Some(name) = directory.file_name() else {
        return Err(format!("`{}` has no name that could be the provider's", directory.display()));
    };
    let name = name.to_str().ok_or_else(|| format!("`{}` is no UTF-8", name.display()))?;
    match problem(name) {
        None => Ok(name),
        Some(problem) => Err(format!("a provider cannot be called `{name}`: {problem}")),
    }
}

fn problem(name: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let first_good = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() < 2 || name.len() > BYTES_MAX {
        return Some(format!("it must have 2 to {BYTES_MAX} characters"));
    }
    if !first_good || !name.chars().all(good) || name.ends_with('-') || name.contains("--") {
        return Some("it must be lower-case letters, digits and single `-` between them, a letter first".to_owned());
    }
    TAKEN.contains(&name).then(|| "Rust has taken that name, or the crate depends on it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_good_for_servers_cargo_and_rust() {
        for name in ["ab", "pdu-control", "a1", "x".repeat(64).as_str()] {
            assert_eq!(problem(name), None, "{name}");
            assert!(drp_core::names::is_name(name), "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", "a", "Ab", "1a", "-a", "a-", "a--b", "a_b", "a b", "a/b", "ä1", "test", "serde", "fn", &long]
        {
            assert!(problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_last_part_of_the_directory_is_the_name() {
        assert_eq!(of_directory(Path::new("providers/pdu")), Ok("pdu"));
        assert_eq!(of_directory(Path::new("pdu/")), Ok("pdu"));
        for path in [".", "..", "/", "x/.."] {
            assert!(of_directory(Path::new(path)).unwrap_err().contains("has no name"), "{path}");
        }
    }
}
