//! Which files a bundle becomes.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use drp_core::{RawModel, limits};
use serde_json::{Value, json};

use super::UnbundleError;
use crate::{
    Bundle, Format, Metadata,
    directory::{
        TEMPLATES,
        note::{NOTE, Note, OtherKey},
    },
    object, yaml,
};

/// Room in a file's name for its extension and for what tells it from others.
const NAME_TAIL_BYTES: usize = 16;

/// The files of a directory and their contents, by name.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) files: BTreeMap<String, String>,
    pub(super) sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Plan {
    pub(super) fn of(bundle: &Bundle, format: Format) -> Result<Self, UnbundleError> {
        let mut plan = Self::default();
        let mut note = Note::default();
        plan.metadata(&bundle.meta, &mut note);
        if bundle.sections.values().map(BTreeMap::len).sum::<usize>() > limits::CONTENT_FILES_MAX {
            return Err(UnbundleError::TooMany);
        }
        for (section, objects) in &bundle.sections {
            if !is_directory_name(section) {
                return Err(UnbundleError::Section(section.clone()));
            }
            if objects.is_empty() {
                note.empty_sections.insert(section.clone());
            } else {
                let files = section_files(section, objects, format, &mut note)?;
                plan.sections.insert(section.clone(), files);
            }
        }
        if note != Note::default() {
            let text = serde_json::to_string_pretty(&note).unwrap_or_default();
            plan.files.insert(NOTE.to_owned(), text + "\n");
        }
        Ok(plan)
    }

    fn metadata(&mut self, meta: &Metadata, note: &mut Note) {
        for field in Metadata::FIELDS {
            let text = meta.text(field);
            let has_default = Metadata::DEFAULTS.iter().any(|(name, _)| *name == field);
            if !text.is_empty() || has_default {
                self.files.insert(format!("._{field}.meta"), text.to_owned());
            }
            if text.trim() != text {
                note.metadata.insert(field.to_owned(), text.to_owned());
            }
        }
    }
}

fn section_files(
    section: &str,
    objects: &BTreeMap<String, RawModel>,
    format: Format,
    note: &mut Note,
) -> Result<BTreeMap<String, String>, UnbundleError> {
    let mut files = BTreeMap::new();
    let mut names = Names::default();
    for (key, object) in objects {
        if let Some(contents) = raw_template(section, key, object).filter(|_| names.take(key)) {
            files.insert(key.clone(), contents);
            continue;
        }
        let name = names.find(key, format);
        let complete = object::complete(section, object.clone());
        let mut complete = complete.unwrap_or_else(|_| object.clone());
        let own = object::key(section, &complete);
        let unknown = object::strip(section, &mut complete, &BTreeSet::new());
        if !unknown.is_empty() {
            note.kept.insert(format!("{section}/{name}"), unknown.into_iter().collect());
        }
        if own != *key {
            note.keys.insert(format!("{section}/{name}"), OtherKey { own, key: key.clone() });
        }
        files.insert(name, text(section, key, object, format)?);
    }
    Ok(files)
}

/// The contents of a template that is nothing but contents, in a file that is called as it is.
fn raw_template(section: &str, key: &str, object: &RawModel) -> Option<String> {
    if section != TEMPLATES || !is_file_name(key) || Format::of(Path::new(key)).is_some() {
        return None;
    }
    let contents: String = object.get("Contents")?;
    let raw = object::from_yaml(section, json!({ "ID": key, "Contents": contents })).ok()?;
    let complete = object::complete(section, object.clone()).ok()?;
    (complete == raw).then_some(contents)
}

fn text(section: &str, key: &str, object: &RawModel, format: Format) -> Result<String, UnbundleError> {
    let (section, key) = (section.to_owned(), key.to_owned());
    match format {
        Format::Json => match serde_json::to_string_pretty(object) {
            Ok(text) => Ok(text + "\n"),
            Err(source) => Err(UnbundleError::Json { section, key, source }),
        },
        Format::Yaml => match serde_json::to_value(object) {
            Ok(value) => yaml_text(&value).map_err(|source| UnbundleError::Yaml { section, key, source }),
            Err(source) => Err(UnbundleError::Json { section, key, source }),
        },
    }
}

fn yaml_text(value: &Value) -> Result<String, crate::WriteYamlError> {
    yaml::write_yaml(value)
}

/// The names that files of a section have. Two that only differ in case are one to some file systems.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn take(&mut self, name: &str) -> bool {
        self.0.insert(name.to_lowercase())
    }

    /// A name for the file of an object: its key, as far as a file can be called so, and nobody else's.
    fn find(&mut self, key: &str, format: Format) -> String {
        let mut stem: String = key
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c.is_control() {
                    '_'
                } else {
                    c
                }
            })
            .collect();
        let mut end = stem.len().min(limits::FILE_NAME_BYTES_MAX - NAME_TAIL_BYTES);
        while !stem.is_char_boundary(end) {
            end -= 1;
        }
        stem.truncate(end);
        if stem.is_empty() {
            stem.push('_');
        }
        let extension = format.extension();
        let mut name = format!("{stem}.{extension}");
        let mut count = 1;
        while !self.take(&name) {
            count += 1;
            name = format!("{stem}-{count}.{extension}");
        }
        name
    }
}

/// Sections are directories, and hidden ones are none.
fn is_directory_name(name: &str) -> bool {
    is_file_name(name) && !name.starts_with('.')
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && name.len() <= limits::FILE_NAME_BYTES_MAX
        && !name.contains(['/', '\0'])
}
