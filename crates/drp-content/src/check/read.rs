//! Reads what is to be checked, on past every mistake.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use drp_core::{MODELS, ModelType, limits};
use serde_json::{Map, Value, json};

use super::{
    finding::{Code, say},
    form::kind_of,
    near::nearest,
    subject::{Findings, Item, Language, Meta, Place, Source, Subject, file_name},
};
use crate::{
    Format, Metadata,
    yaml::{
        self,
        marks::{Marks, Step},
    },
};

/// The section whose files may be contents and nothing else.
const TEMPLATES: &str = "templates";
/// Metadata that servers add to bundles which they hand out.
const DERIVED: [&str; 2] = ["Overwritable", "Writable"];

/// Reads a bundle from a directory or a file.
pub(super) fn read(root: &Path, findings: &mut Findings) -> Subject {
    let meta_place = Place { source: None, path: Vec::new() };
    let subject =
        Subject { root: root.to_owned(), sources: Vec::new(), meta: BTreeMap::new(), meta_place, items: Vec::new() };
    let mut reader = Reader { subject, findings, room: limits::BODY_BYTES_MAX as u64 };
    if root.is_dir() {
        reader.directory();
    } else {
        reader.file(root);
    }
    reader.subject
}

struct Reader<'a> {
    subject: Subject,
    findings: &'a mut Findings,
    /// Bytes that may yet be read.
    room: u64,
}

impl Reader<'_> {
    fn directory(&mut self) {
        let root = self.subject.root.clone();
        for field in Metadata::FIELDS {
            let path = root.join(format!("._{field}.meta"));
            if path.exists()
                && let Some(text) = self.text(&path)
            {
                let place = Place::of(self.add(path, Language::Text, Marks::default()));
                self.subject.meta.insert(field.to_owned(), Meta { value: text.trim().into(), place });
            }
        }
        for path in self.entries(&root) {
            let name = file_name(&path);
            if is_directory(&path) && !name.starts_with('.') {
                self.section(&name, &path);
            } else {
                self.passed_over(&path, &name);
            }
        }
    }

    /// What the bundler does not read at the top of a directory.
    fn passed_over(&mut self, path: &Path, name: &str) {
        if let Some(field) = name.strip_prefix("._").and_then(|name| name.strip_suffix(".meta")) {
            if !Metadata::FIELDS.contains(&field) {
                let said =
                    say(Code::UnknownField, format!("`{field}` is no field of a bundle's metadata, and is not read"));
                let near = nearest(field, Metadata::FIELDS);
                let help =
                    near.map_or_else(|| "remove the file".to_owned(), |near| format!("did you mean `._{near}.meta`?"));
                self.findings.add(said.expected("one of the 18 metadata fields").help(help).at(path, None));
            }
            return;
        }
        let is_section = path.is_dir() && name.strip_prefix('.').is_some_and(|name| ModelType::find(name).is_some());
        let is_object = !path.is_dir() && !name.starts_with('.') && is_content(path);
        if is_section {
            let said = say(Code::Ignored, format!("the directory `{name}` is hidden, so nothing in it is bundled"));
            self.findings.add(said.help("take the leading dot off its name").at(path, None));
        } else if path.is_dir() && !is_directory(path) && !name.starts_with('.') {
            let said = say(Code::Ignored, format!("`{name}` is a link to a directory, so nothing in it is bundled"));
            self.findings.add(said.help("put the directory itself there").at(path, None));
        } else if is_object {
            let said = say(Code::Ignored, format!("`{name}` is beside the sections, so it is not bundled"));
            self.findings.add(said.help("move it into the directory of its type, such as `params`").at(path, None));
        }
    }

    fn section(&mut self, section: &str, path: &Path) {
        if ModelType::find(section).is_none()
            && let Some(near) = nearest(section, prefixes())
        {
            let said = say(Code::Section, format!("`{section}` is no built-in type: its objects are of a custom type"));
            self.findings.add(said.help(format!("did you mean `{near}`?")).at(path, None));
        }
        for file in self.entries(path) {
            if is_directory(&file) {
                if self.entries(&file).iter().any(|file| is_content(file)) {
                    let said = say(Code::Ignored, "directories inside of a section are not bundled");
                    self.findings.add(said.help(format!("move its files to `{}`", path.display())).at(file, None));
                }
                continue;
            }
            self.object_file(section, &file);
        }
    }

    fn object_file(&mut self, section: &str, path: &Path) {
        let language = match Format::of(path) {
            Some(Format::Json) => Language::Json,
            Some(Format::Yaml) => Language::Yaml,
            _ if section == TEMPLATES => Language::Text,
            _ => {
                let problem = format!("no idea how to decode `{}` into {section}", file_name(path));
                let said = say(Code::Kind, problem).expected("a file that ends in .yaml, .yml or .json");
                self.findings.add(said.help("rename it, or move it out of the section").at(path, None));
                return;
            }
        };
        let Some(text) = self.text(path) else { return };
        if language == Language::Text {
            let source = self.add(path.to_owned(), language, Marks::default());
            let object = json!({ "ID": file_name(path), "Contents": text });
            self.item(section, None, Place::of(source), object);
            return;
        }
        let Some((source, value)) = self.parse(path, language, &text) else { return };
        self.item(section, None, Place::of(source), value);
    }

    fn file(&mut self, path: &Path) {
        let language = match Format::of(path) {
            Some(Format::Json) => Language::Json,
            Some(Format::Yaml) => Language::Yaml,
            _ => {
                let said = say(Code::Kind, format!("no idea how to decode `{}` as a bundle", file_name(path)));
                let said = said.expected("a directory, or a file that ends in .yaml, .yml or .json");
                // One that cannot be read at all is told of that.
                if path.is_file() || self.text(path).is_some() {
                    self.findings.add(said.at(path, None));
                }
                return;
            }
        };
        let Some(text) = self.text(path) else { return };
        let Some((source, value)) = self.parse(path, language, &text) else { return };
        self.subject.meta_place = Place::of(source);
        let place = Place::of(source);
        let Some(top) = self.object(&place, value, "a bundle of `meta` and `sections`") else { return };
        for (name, value) in top {
            let place = place.join(&[Step::from(name.as_str())]);
            match name.as_str() {
                "meta" => self.meta(&place, value),
                "sections" => self.sections(&place, value),
                _ => self.unknown(&place, &name, "of a bundle", ["meta", "sections"]),
            }
        }
    }

    fn meta(&mut self, place: &Place, value: Value) {
        let Some(fields) = self.object(place, value, "a map of metadata") else { return };
        self.subject.meta_place = place.clone();
        for (field, value) in fields {
            let place = place.join(&[Step::from(field.as_str())]);
            if Metadata::FIELDS.contains(&field.as_str()) {
                self.subject.meta.insert(field, Meta { value, place });
            } else if !DERIVED.contains(&field.as_str()) {
                self.unknown(&place, &field, "of a bundle's metadata", Metadata::FIELDS);
            }
        }
    }

    fn sections(&mut self, place: &Place, value: Value) {
        let Some(sections) = self.object(place, value, "a map of sections") else { return };
        for (section, objects) in sections {
            let place = place.join(&[Step::from(section.as_str())]);
            if ModelType::find(&section).is_none()
                && let Some(near) = nearest(&section, prefixes())
            {
                let said =
                    say(Code::Section, format!("`{section}` is no built-in type: its objects are of a custom type"));
                let finding = self.subject.key_finding(&place, said.help(format!("did you mean `{near}`?")));
                self.findings.add(finding);
            }
            let Some(objects) = self.object(&place, objects, "a map of objects by key") else { continue };
            for (key, object) in objects {
                let place = place.join(&[Step::from(key.as_str())]);
                self.item(&section, Some(key), place, object);
            }
        }
    }

    fn item(&mut self, section: &str, written_key: Option<String>, place: Place, value: Value) {
        let Some(object) = self.object(&place, value, "an object") else { return };
        let section = section.to_owned();
        self.subject.items.push(Item { section, key: String::new(), written_key, place, object });
    }

    fn unknown<'k>(&mut self, place: &Place, name: &str, of: &str, known: impl IntoIterator<Item = &'k str>) {
        let said = say(Code::UnknownField, format!("`{name}` is no field {of}, and is not read"));
        let help = nearest(name, known).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
        let finding = self.subject.key_finding(place, said.help(help));
        self.findings.add(finding);
    }

    /// The members of a map; `null` is the empty one.
    fn object(&mut self, place: &Place, value: Value, expected: &str) -> Option<Map<String, Value>> {
        match value {
            Value::Object(members) => return Some(members),
            Value::Null => return Some(Map::new()),
            other => {
                let said = say(Code::Shape, format!("this is {}", kind_of(&other))).expected(expected);
                let finding = self.subject.finding(place, said);
                self.findings.add(finding);
            }
        }
        None
    }

    /// The value of a text, and its source. Tells what is doubtful about the text itself.
    fn parse(&mut self, path: &Path, language: Language, text: &str) -> Option<(usize, Value)> {
        let marks = Marks::read(text);
        let parsed = match language {
            Language::Json => parse_json(text),
            // What is behind the first document is not read, whatever it is.
            _ => parse_yaml(marks.second_document.and_then(|(_, offset)| text.get(..offset)).unwrap_or(text)),
        };
        if language == Language::Yaml {
            for position in &marks.tabs {
                let said = say(Code::Tab, "this line is indented with a tab").expected("blanks");
                self.findings
                    .add(said.help("YAML takes no tabs there: put blanks in its place").at(path, Some(*position)));
            }
            if let Some((position, _)) = marks.second_document {
                let said = say(Code::Documents, "a second document begins here, and nothing from here on is read");
                self.findings.add(said.help("put each object into a file of its own").at(path, Some(position)));
            }
        }
        for (position, key) in &marks.repeated_keys {
            let said = say(Code::DuplicateKey, format!("the key `{key}` stands in this map already"));
            self.findings
                .add(said.expected("each key once").help("only the last one counts").at(path, Some(*position)));
        }
        let has_tabs = !marks.tabs.is_empty();
        let source = self.add(path.to_owned(), language, marks);
        match parsed {
            Ok(value) => Some((source, value)),
            // A tab where none may be is often the reason, and said already.
            Err(_) if has_tabs && language == Language::Yaml => None,
            Err((position, problem)) => {
                let name = if language == Language::Json { "JSON" } else { "YAML" };
                self.findings.add(say(Code::Syntax, format!("this is no {name}: {problem}")).at(path, position));
                None
            }
        }
    }

    fn add(&mut self, path: PathBuf, language: Language, marks: Marks) -> usize {
        self.subject.sources.push(Source { path, language, marks });
        self.subject.sources.len() - 1
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        match self.try_text(path) {
            Ok(text) => Some(text),
            Err(error) => {
                self.findings.add(say(Code::Unreadable, format!("cannot be read: {error}")).at(path, None));
                None
            }
        }
    }

    fn try_text(&mut self, path: &Path) -> io::Result<String> {
        let resolved = fs::canonicalize(path)?;
        if self.subject.root.is_dir() && !resolved.starts_with(fs::canonicalize(&self.subject.root)?) {
            return Err(io::Error::other("it is a link that leads out of the bundle"));
        }
        if self.subject.sources.len() >= limits::CONTENT_FILES_MAX {
            return Err(io::Error::other(format!("the bundle has more than {} files", limits::CONTENT_FILES_MAX)));
        }
        // A pipe would be waited for, and a device has no end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut text = String::new();
        let bytes = File::open(path)?.take(self.room + 1).read_to_string(&mut text)? as u64;
        self.room = self.room.checked_sub(bytes).ok_or_else(|| {
            self.room = 0;
            io::Error::other(format!("the bundle is over the limit of {} bytes", limits::BODY_BYTES_MAX))
        })?;
        Ok(text)
    }

    /// What is in a directory, by name.
    fn entries(&mut self, path: &Path) -> Vec<PathBuf> {
        let read = || {
            let read = fs::read_dir(path)?.take(limits::CONTENT_FILES_MAX + 1);
            let entries = read.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
            if entries.len() > limits::CONTENT_FILES_MAX {
                return Err(io::Error::other(format!("it has more than {} entries", limits::CONTENT_FILES_MAX)));
            }
            Ok(entries)
        };
        let mut entries = read().unwrap_or_else(|error| {
            self.findings.add(say(Code::Unreadable, format!("cannot be read: {error}")).at(path, None));
            Vec::new()
        });
        entries.sort();
        entries
    }
}

type Parsed = Result<Value, (Option<(u32, u32)>, String)>;

fn parse_json(text: &str) -> Parsed {
    use drp_core::json::ParseError;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    drp_core::json::parse(text.as_bytes()).map_err(|error| match error {
        ParseError::Invalid(error) => {
            let position = (number(error.line()), number(error.column()));
            let text = error.to_string();
            // The position is told apart from the problem.
            let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
            (Some(position).filter(|position| position.0 > 0), problem.to_owned())
        }
        other => (None, other.to_string()),
    })
}

fn parse_yaml(text: &str) -> Parsed {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    yaml::read_yaml(text).map(yaml::Node::into_value).map_err(|error| {
        let position = (number(error.position.line), number(error.position.column));
        (Some(position).filter(|position| position.0 > 0), error.problem.to_string())
    })
}

fn prefixes() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.prefix)
}

fn is_content(path: &Path) -> bool {
    Format::of(path).is_some()
}

/// As the bundler: links to directories are none.
fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}
