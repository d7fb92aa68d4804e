//! Names in the file space.

use std::fmt;

/// Bytes of one part of a name, as file systems have it.
const PART_BYTES_MAX: usize = 255;
/// Folders that may stand above a file.
const DEPTH_MAX: usize = 32;

/// A checked path below the root: parts without `.`, `..`, `/` and NUL. No part at all is the root itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileName {
    parts: Vec<String>,
}

impl FileName {
    /// The name that a URL's path means, or `None` for one that no file can have.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let fits = |part: &String| part != "." && part != ".." && !part.contains('\0') && part.len() <= PART_BYTES_MAX;
        (parts.iter().all(fits) && parts.len() <= DEPTH_MAX).then_some(Self { parts })
    }

    /// The root.
    pub(crate) fn root() -> Self {
        Self { parts: Vec::new() }
    }

    /// The folders above it, and its own name; `None` for the root.
    pub(crate) fn split(&self) -> Option<(&[String], &str)> {
        self.parts.split_last().map(|(last, parents)| (parents, last.as_str()))
    }

    /// Its own name, if it lies in no folder.
    pub(crate) fn flat(&self) -> Option<&str> {
        self.split().filter(|(parents, _)| parents.is_empty()).map(|(_, name)| name)
    }

    /// What `other`, a name below the folder of this one, is from the root; `None` where no name can be that deep.
    pub(crate) fn beside(&self, other: &Self) -> Option<Self> {
        let parents = self.split().map(|(parents, _)| parents).unwrap_or_default();
        let parts: Vec<String> = parents.iter().chain(&other.parts).cloned().collect();
        (parts.len() <= DEPTH_MAX).then_some(Self { parts })
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }
}

/// With a slash in front, as errors and upload results have it.
impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_root() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(FileName::parse(path).map(|name| name.to_string()).as_deref(), expected, "{path:?}");
        };
        check("foo", Some("/foo"));
        check("/foo//bar/", Some("/foo/bar"));
        check("", Some("/"));
        check("..foo/.bar", Some("/..foo/.bar"));
        check("../foo", None);
        check("foo/../../bar", None);
        check("./foo", None);
        check("foo\0", None);
        check(&"x".repeat(256), None);
        check(&"x/".repeat(33), None);
    }
}
