//! What a directory of files cannot say about a bundle, in a file beside them that other bundlers leave alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The file's name.
pub(crate) const NOTE: &str = "._unbundled.json";

/// What the file holds. Each part counts only as long as the files it speaks of say what they said when it was written:
/// a directory can be edited as if it were not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Metadata with blanks at its ends, which are taken away where metadata is read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    /// Objects that stand under another key than their own, by `SECTION/FILE`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) keys: BTreeMap<String, OtherKey>,
    /// Keys that no type of ours has and a newer server may, by `SECTION/FILE`. They would be left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) kept: BTreeMap<String, BTreeSet<String>>,
    /// Sections without objects.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) empty_sections: BTreeSet<String>,
}

/// The key of an object that stands under another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OtherKey {
    /// The object's own.
    pub(crate) own: String,
    /// The one it stands under.
    pub(crate) key: String,
}

impl Note {
    /// The text of a metadata field whose file says `trimmed`.
    pub(crate) fn metadata<'a>(&'a self, field: &str, trimmed: &'a str) -> &'a str {
        self.metadata.get(field).filter(|text| text.trim() == trimmed).map_or(trimmed, String::as_str)
    }

    /// The keys of the object in a file that stay although no type has them.
    pub(crate) fn kept(&self, section: &str, file: &str) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.kept.get(&format!("{section}/{file}")).unwrap_or(&NONE)
    }

    /// The key under which the object in a file stands whose own key is `own`.
    pub(crate) fn key(&self, section: &str, file: &str, own: String) -> String {
        match self.keys.get(&format!("{section}/{file}")) {
            Some(other) if other.own == own => other.key.clone(),
            _ => own,
        }
    }
}
