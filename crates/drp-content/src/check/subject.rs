//! The bundle under check: its texts with their places, and what of them could be read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::finding::{Finding, Said};
use crate::yaml::marks::{Marks, Position, Step};

/// Findings of one check that are kept. More help nobody.
const FINDINGS_MAX: usize = 10_000;

/// A bundle, as far as it could be read.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) root: PathBuf,
    pub(super) sources: Vec<Source>,
    /// The metadata by field.
    pub(super) meta: BTreeMap<String, Meta>,
    /// Where what is said of the metadata as a whole belongs.
    pub(super) meta_place: Place,
    pub(super) items: Vec<Item>,
}

/// A file of the bundle.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) language: Language,
    pub(super) marks: Marks,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Yaml,
    Json,
    /// Neither: all of it is one text.
    Text,
}

/// A field of the metadata.
#[derive(Debug)]
pub(super) struct Meta {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// A place in a bundle.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Which of [`Subject::sources`]; `None` for the bundle itself.
    pub(super) source: Option<usize>,
    pub(super) path: Vec<Step>,
}

/// An object of the bundle.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) section: String,
    /// The key that the object says it has.
    pub(super) key: String,
    /// The key under which it stands in a file with several.
    pub(super) written_key: Option<String>,
    pub(super) place: Place,
    pub(super) object: Map<String, Value>,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) all: Vec<Finding>,
    /// How many more there were than are kept.
    pub(super) dropped: usize,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        if self.all.len() < FINDINGS_MAX {
            self.all.push(finding);
        } else {
            self.dropped += 1;
        }
    }
}

impl Place {
    /// All of a file.
    pub(super) fn of(source: usize) -> Self {
        Self { source: Some(source), path: Vec::new() }
    }

    /// Something inside of this.
    pub(super) fn join(&self, path: &[Step]) -> Self {
        Self { source: self.source, path: [&self.path, path].concat() }
    }
}

impl Item {
    /// How findings name it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.section, self.key)
    }

    /// A text of the object; empty where there is none.
    pub(super) fn text(&self, field: &str) -> &str {
        self.object.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The texts of a list in the object, each with its index.
    pub(super) fn texts(&self, field: &str) -> impl Iterator<Item = (usize, &str)> {
        let list = self.object.get(field).and_then(Value::as_array).into_iter().flatten();
        list.enumerate().filter_map(|(at, value)| value.as_str().map(|text| (at, text)))
    }

    /// The entries of `Templates`, each with its index.
    pub(super) fn templates(&self) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
        let list = self.object.get("Templates").and_then(Value::as_array).into_iter().flatten();
        list.enumerate().filter_map(|(at, entry)| entry.as_object().map(|entry| (at, entry)))
    }
}

impl Subject {
    pub(super) fn source(&self, place: &Place) -> Option<&Source> {
        place.source.and_then(|source| self.sources.get(source))
    }

    /// A finding about a value.
    pub(super) fn finding(&self, place: &Place, said: Said) -> Finding {
        self.locate(place, said, Marks::position)
    }

    /// A finding about the key of a value.
    pub(super) fn key_finding(&self, place: &Place, said: Said) -> Finding {
        self.locate(place, said, Marks::key_position)
    }

    /// A finding about a line of a text, counted from 0.
    pub(super) fn line_finding(&self, place: &Place, line: u32, said: Said) -> Finding {
        match self.source(place) {
            Some(source) if source.language == Language::Text => said.at(&source.path, Some((line + 1, 1))),
            _ => self.locate(place, said, |marks, path| marks.line_position(path, line)),
        }
    }

    /// A finding about an object or something in it.
    pub(super) fn about(&self, item: &Item, path: &[Step], said: Said) -> Finding {
        of_object(self.finding(&item.place.join(path), said), item, path)
    }

    pub(super) fn about_key(&self, item: &Item, path: &[Step], said: Said) -> Finding {
        of_object(self.key_finding(&item.place.join(path), said), item, path)
    }

    pub(super) fn about_line(&self, item: &Item, path: &[Step], line: u32, said: Said) -> Finding {
        let place = match self.source(&item.place) {
            Some(source) if source.language == Language::Text => item.place.clone(),
            _ => item.place.join(path),
        };
        of_object(self.line_finding(&place, line, said), item, path)
    }

    fn locate(&self, place: &Place, said: Said, position: impl FnOnce(&Marks, &[Step]) -> Option<Position>) -> Finding {
        match self.source(place) {
            None => said.at(&self.root, None),
            Some(source) if source.language == Language::Text => said.at(&source.path, Some((1, 1))),
            Some(source) => said.at(&source.path, position(&source.marks, &place.path).or(Some((1, 1)))),
        }
    }

    /// A text of the metadata; empty where it is not set.
    pub(super) fn meta_text(&self, field: &str) -> &str {
        self.meta.get(field).and_then(|meta| meta.value.as_str()).unwrap_or_default()
    }

    /// Where a field of the metadata stands, or would.
    pub(super) fn meta_place(&self, field: &str) -> Place {
        self.meta.get(field).map_or_else(|| self.meta_place.clone(), |meta| meta.place.clone())
    }
}

fn of_object(mut finding: Finding, item: &Item, path: &[Step]) -> Finding {
    finding.object = item.name();
    finding.field = pointer(path);
    finding
}

/// A path as a JSON Pointer.
pub(super) fn pointer(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Step::Item(item) => format!("/{item}"),
    };
    path.iter().map(step).collect()
}

/// The name of a file, as far as it is text.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
