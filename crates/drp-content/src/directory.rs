//! A bundle as authors keep it: a directory with one file for each object (`models.md` §19.3).

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use drp_core::{RawModel, limits};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{Bundle, Metadata, yaml};

/// The section whose files may be contents and nothing else.
const TEMPLATES: &str = "templates";

/// A directory that is no content bundle.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadDirectoryError {
    /// A file or directory cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// All files together are larger than [`limits::BODY_BYTES_MAX`].
    #[error("content in `{path}` is over the limit of {max} bytes", path = .0.display(), max = limits::BODY_BYTES_MAX)]
    TooLarge(PathBuf),
    /// A file is neither YAML nor JSON, and no template.
    #[error("no idea how to decode `{path}` into {section}", path = path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The section it is in.
        section: String,
    },
    /// A file does not hold an object.
    #[error("cannot read `{path}` as an object: {reason}", path = path.display())]
    Object {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Bundle {
    /// Reads a directory. Its sub-directories are the sections, and `._FIELD.meta` files its metadata. An object's key
    /// is the text in the field that `key_field` names for its section; the last file with a key wins.
    ///
    /// # Errors
    /// See [`ReadDirectoryError`].
    pub fn from_directory(path: &Path, key_field: impl Fn(&str) -> &'static str) -> Result<Self, ReadDirectoryError> {
        let mut reader = Reader { root: path, room: limits::BODY_BYTES_MAX as u64 };
        let mut bundle = Self { meta: reader.metadata()?, ..Self::default() };
        for section in entries(path)?.into_iter().filter(|section| section.is_dir()) {
            let name = file_name(&section);
            if name.starts_with('.') {
                continue;
            }
            bundle.sections.entry(name.clone()).or_default();
            for file in entries(&section)?.into_iter().filter(|file| !file.is_dir()) {
                let object = reader.object(&name, &file)?;
                bundle.add_raw(&name, object.text(key_field(&name)), object);
            }
        }
        Ok(bundle)
    }
}

struct Reader<'a> {
    root: &'a Path,
    /// Bytes that may yet be read.
    room: u64,
}

impl Reader<'_> {
    fn metadata(&mut self) -> Result<Metadata, ReadDirectoryError> {
        let mut meta = Metadata::default();
        for (field, default) in [("Name", "Unspecified"), ("Version", "v0.0.0"), ("Type", "dynamic")] {
            meta.set(field, default);
        }
        for field in Metadata::FIELDS {
            let path = self.root.join(format!("._{field}.meta"));
            if path.exists() {
                meta.set(field, self.text(&path)?.trim());
            }
        }
        Ok(meta)
    }

    fn object(&mut self, section: &str, path: &Path) -> Result<RawModel, ReadDirectoryError> {
        let bad = |reason: String| ReadDirectoryError::Object { path: path.to_owned(), reason };
        let text = self.text(path)?;
        let mut value = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => drp_core::json::parse::<Value>(text.as_bytes()).map_err(|error| bad(error.to_string()))?,
            Some("yaml" | "yml") => yaml::read(&text).map_err(|error| bad(error.to_string()))?,
            _ if section == TEMPLATES => json!({ "ID": file_name(path), "Contents": text }),
            _ => return Err(ReadDirectoryError::Kind { path: path.to_owned(), section: section.to_owned() }),
        };
        text_metas(&mut value);
        serde_json::from_value(value).map_err(|error| bad(error.to_string()))
    }

    fn text(&mut self, path: &Path) -> Result<String, ReadDirectoryError> {
        let mut text = String::new();
        let mut read = || {
            // A pipe would be waited for, and a device has no end.
            if !fs::metadata(path)?.is_file() {
                return Err(io::Error::other("it is no regular file"));
            }
            File::open(path)?.take(self.room + 1).read_to_string(&mut text)
        };
        let read = read();
        let bytes = read.map_err(|source| ReadDirectoryError::Io { path: path.to_owned(), source })? as u64;
        self.room = self.room.checked_sub(bytes).ok_or_else(|| ReadDirectoryError::TooLarge(self.root.to_owned()))?;
        Ok(text)
    }
}

/// Turns what authors wrote for a text in the `Meta` of an object and of its templates into one, as the bundler does.
fn text_metas(object: &mut Value) {
    for (_, value) in object.get_mut("Meta").and_then(Value::as_object_mut).into_iter().flatten() {
        match value {
            Value::Number(_) | Value::Bool(_) => *value = Value::String(value.to_string()),
            Value::Null => *value = Value::String(String::new()),
            _ => {}
        }
    }
    object.get_mut("Templates").and_then(Value::as_array_mut).into_iter().flatten().for_each(text_metas);
}

/// What is in a directory, by name.
fn entries(path: &Path) -> Result<Vec<PathBuf>, ReadDirectoryError> {
    let read = || fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut entries = read().map_err(|source| ReadDirectoryError::Io { path: path.to_owned(), source })?;
    entries.sort();
    Ok(entries)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key_field(section: &str) -> &'static str {
        if section == TEMPLATES { "ID" } else { "Name" }
    }

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    #[test]
    fn a_directory_is_read_as_the_bundler_reads_it() {
        let directory = directory(&[
            ("._Name.meta", " mine \n"),
            ("._Description.meta", ""),
            ("README.md", "not content"),
            (".git/config", "not content"),
            ("params/a.yaml", "Name: a/b\nSecure: yes\n"),
            ("tasks/t.yaml", "Name: t\nMeta: {order: 1.20, on: true}\nTemplates: [{Name: x, Meta: {n: 7}}]\n"),
            ("params/z.json", r#"{"Name": "a/b", "Secure": false}"#),
            ("params/deeper/x.yaml", "Name: not read\n"),
            ("templates/hello.tmpl", "{{.Machine.Name}}\n"),
            ("templates/object.yaml", "ID: other\nContents: x\n"),
            ("empty/.keep.json", "{\"Name\": \"hidden\"}"),
        ]);
        let bundle = Bundle::from_directory(directory.path(), key_field).unwrap();
        let meta = ["Name", "Version", "Type", "Description"].map(|field| bundle.meta.text(field));
        assert_eq!(meta, ["mine", "v0.0.0", "dynamic", ""]);
        let keys: Vec<_> =
            bundle.sections.iter().flat_map(|(s, objects)| objects.keys().map(move |k| (&**s, &**k))).collect();
        let expected =
            [("empty", "hidden"), ("params", "a/b"), ("tasks", "t"), (TEMPLATES, "hello.tmpl"), (TEMPLATES, "other")];
        let task = &bundle.sections["tasks"]["t"];
        assert_eq!(task.get::<Value>("Meta"), Some(json!({ "order": "1.2", "on": "true" })));
        assert_eq!(task.get::<Value>("Templates").unwrap()[0]["Meta"]["n"], "7");
        assert_eq!(keys, expected);
        assert_eq!(bundle.sections["params"]["a/b"].get::<bool>("Secure"), Some(false));
        assert_eq!(bundle.sections[TEMPLATES]["hello.tmpl"].text("Contents"), "{{.Machine.Name}}\n");
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_path() {
        let check = |path: &str, text: &str, expected: &str| {
            let directory = directory(&[(path, text)]);
            let error = Bundle::from_directory(directory.path(), key_field).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(path), "{error}");
        };
        check("params/a.txt", "x", "no idea how to decode");
        check("params/a.yaml", "a: [", "as an object");
        check("params/a.json", "[1]", "as an object");
    }
}
