//! Reading the files of a bundle's directory, within limits and never outside of it.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use drp_core::{RawModel, limits};
use serde_json::{Value, json};

use super::{
    ContentFile, DirectoryContent, Holds, LeftOut, ParseItemError, ReadDirectoryError, ReadFileError, TEMPLATES,
    note::{NOTE, Note},
};
use crate::{Bundle, Format, Metadata, object, yaml};

pub(super) struct Reader<'a> {
    path: &'a Path,
    /// The same without links.
    root: PathBuf,
    /// Bytes that may yet be read.
    room: u64,
    files: Vec<ContentFile>,
    left_out: Vec<LeftOut>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Path, root: PathBuf) -> Self {
        Self { path, root, room: limits::BODY_BYTES_MAX as u64, files: Vec::new(), left_out: Vec::new() }
    }

    pub(super) fn content(mut self, defaults: &Metadata) -> Result<DirectoryContent, ReadDirectoryError> {
        let note = self.note()?;
        let mut bundle = Bundle { meta: self.metadata(defaults, &note)?, ..Bundle::default() };
        for section in &note.empty_sections {
            bundle.sections.entry(section.clone()).or_default();
        }
        let entries =
            entries(self.path).map_err(|source| ReadDirectoryError::Root { path: self.path.to_owned(), source })?;
        for path in entries {
            // As the bundler: links to directories are none.
            let is_directory = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_directory && !hidden {
                self.section(&path, &note, &mut bundle)?;
            }
        }
        Ok(DirectoryContent { bundle, files: self.files, left_out: self.left_out })
    }

    fn note(&mut self) -> Result<Note, ReadDirectoryError> {
        let failed = |source| ReadDirectoryError::Metadata { file: NOTE.to_owned(), source };
        let path = self.path.join(NOTE);
        let Some(text) = self.text_if_there(&path).map_err(failed)? else { return Ok(Note::default()) };
        self.files.push(ContentFile { path, holds: Holds::Note });
        serde_json::from_str(&text).map_err(|error| failed(ReadFileError::Note(error)))
    }

    fn metadata(&mut self, defaults: &Metadata, note: &Note) -> Result<Metadata, ReadDirectoryError> {
        let mut meta = Metadata::default();
        for (field, default) in Metadata::DEFAULTS {
            meta.set(field, default);
        }
        for field in Metadata::FIELDS {
            let file = format!("._{field}.meta");
            let path = self.path.join(&file);
            let text = self.text_if_there(&path);
            match text.map_err(|source| ReadDirectoryError::Metadata { file, source })? {
                Some(text) => {
                    meta.set(field, note.metadata(field, text.trim()));
                    self.files.push(ContentFile { path, holds: Holds::Metadata(field) });
                }
                None => defaults.given(field).into_iter().for_each(|text| meta.set(field, text.trim())),
            }
        }
        Ok(meta)
    }

    fn section(&mut self, path: &Path, note: &Note, bundle: &mut Bundle) -> Result<(), ReadDirectoryError> {
        let section = lossy_name(path);
        let failed = |source| ReadDirectoryError::Section { section: section.clone(), source };
        if path.file_name().and_then(|name| name.to_str()).is_none() {
            return Err(failed(ReadFileError::Name));
        }
        for path in entries(path).map_err(failed)? {
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                continue;
            }
            let (object, holds) = self.item(&section, &path, note)?;
            let (Holds::Object { key, .. } | Holds::Template { key }) = &holds else { continue };
            bundle.add_raw(&section, key.clone(), object);
            self.files.push(ContentFile { path, holds });
        }
        Ok(())
    }

    fn item(&mut self, section: &str, path: &Path, note: &Note) -> Result<(RawModel, Holds), ReadDirectoryError> {
        let (section, file) = (section.to_owned(), lossy_name(path));
        let format = Format::of(path);
        if format.is_none() && section != TEMPLATES {
            return Err(ReadDirectoryError::Kind { section, file });
        }
        let name_is_text = path.file_name().and_then(|name| name.to_str()).is_some();
        let text = match self.text(path) {
            // The name of such a file is a key.
            Ok(_) if format.is_none() && !name_is_text => Err(ReadFileError::Name),
            read => read,
        };
        let text = match text {
            Ok(text) => text,
            Err(source) => return Err(ReadDirectoryError::Item { section, file, source }),
        };
        let object = parse(&section, &file, &text, format);
        let mut object = match object {
            Ok(object) => object,
            Err(source) => return Err(ReadDirectoryError::Parse { section, file, source }),
        };
        let left_out = object::strip(&section, &mut object, note.kept(&section, &file));
        self.left_out.extend(left_out.into_iter().map(|key| LeftOut { path: path.to_owned(), key }));
        let key = note.key(&section, &file, object::key(&section, &object));
        let holds = if format.is_some() { Holds::Object { section, key } } else { Holds::Template { key } };
        Ok((object, holds))
    }

    fn text_if_there(&mut self, path: &Path) -> Result<Option<String>, ReadFileError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
            Ok(_) => self.text(path).map(Some),
        }
    }

    fn text(&mut self, path: &Path) -> Result<String, ReadFileError> {
        if self.files.len() >= limits::CONTENT_FILES_MAX {
            return Err(ReadFileError::TooMany);
        }
        if !path.canonicalize()?.starts_with(&self.root) {
            return Err(ReadFileError::LeadsOut);
        }
        // A pipe would be waited for, and a device has no end.
        if !fs::metadata(path)?.is_file() {
            return Err(ReadFileError::NotAFile);
        }
        let mut bytes = Vec::new();
        let read = File::open(path)?.take(self.room + 1).read_to_end(&mut bytes)? as u64;
        self.room = self.room.checked_sub(read).ok_or(ReadFileError::TooLarge)?;
        String::from_utf8(bytes).map_err(|_| ReadFileError::NotText)
    }
}

fn parse(section: &str, file: &str, text: &str, format: Option<Format>) -> Result<RawModel, ParseItemError> {
    let object = match format {
        Some(Format::Json) => {
            let object: Option<RawModel> = parse_json(text)?;
            object::complete(section, object.unwrap_or_default())
        }
        Some(Format::Yaml) => {
            object::from_yaml(section, yaml::read_yaml(text).map_err(ParseItemError::Yaml)?.into_value())
        }
        None => object::from_yaml(section, json!({ "ID": file, "Contents": text })),
    };
    object.map_err(ParseItemError::Object)
}

/// Values of objects stay the text that came, so that half of a surrogate pair would be noticed by who writes the
/// bundle, without file and line.
fn parse_json(text: &str) -> Result<Option<RawModel>, ParseItemError> {
    if text.contains("\\u") {
        drp_core::json::parse::<Value>(text.as_bytes()).map_err(ParseItemError::Json)?;
    }
    drp_core::json::parse(text.as_bytes()).map_err(ParseItemError::Json)
}

/// What is in a directory, by name.
fn entries(path: &Path) -> Result<Vec<PathBuf>, ReadFileError> {
    // One more shows that there are too many.
    let read = fs::read_dir(path)?.take(limits::CONTENT_FILES_MAX + 1);
    let mut entries = read.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    if entries.len() > limits::CONTENT_FILES_MAX {
        return Err(ReadFileError::TooMany);
    }
    entries.sort();
    Ok(entries)
}

fn lossy_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
