//! The configuration file: TOML, of which nothing is ignored, and all problems of which are told at once.

use std::{fmt, net::SocketAddr, ops::Range, path::Path, time::Duration};

use clap::ValueEnum;
use jiff::fmt::friendly::SpanParser;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::settings::{Place, SETTINGS, Settings};

/// A configuration is small; whatever is larger is no configuration.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// A number that nothing here can reach, and that no counter overflows by.
const COUNT_MAX: u64 = 1 << 40;

/// What is wrong with a file, one line a problem.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// Reads a file on top of `settings`. Its relative paths are relative to its directory.
pub(super) fn read(path: &Path, settings: &mut Settings) -> Result<(), Problems> {
    let cannot = |error: &dyn fmt::Display| Problems(vec![format!("cannot read {}: {error}", path.display())]);
    let size = std::fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(cannot(&format!("{size} bytes are over the limit of {FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| cannot(&error))?;
    let directory = path.parent().unwrap_or(Path::new(""));
    parse(&text, &path.display().to_string(), directory, settings)
}

/// As [`read`], of a text; `name` is what problems call it.
pub(super) fn parse(text: &str, name: &str, directory: &Path, settings: &mut Settings) -> Result<(), Problems> {
    let mut reader = Reader { text, name, directory, problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.problem(error.span().unwrap_or_default(), error.message());
    }
    reader.table("", table.get_ref(), settings);
    reader.problems.sort_by_key(|(at, _)| *at);
    let problems: Vec<String> = reader.problems.into_iter().map(|(_, text)| text).collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

struct Reader<'a> {
    text: &'a str,
    name: &'a str,
    directory: &'a Path,
    /// With where they are, so that they can be told in the order of the file.
    problems: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>, settings: &mut Settings) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let inner = format!("{key}.");
            let is_table = SETTINGS.iter().any(|setting| setting.key.starts_with(&inner));
            match (SETTINGS.iter().find(|setting| setting.key == key), value.get_ref()) {
                (Some(setting), _) => {
                    if let Err(expected) = self.set(&setting.place, value, settings) {
                        self.problem(value.span(), &format!("{key}: {expected}"));
                    }
                }
                (None, DeValue::Table(table)) if is_table => self.table(&inner, table, settings),
                (None, _) if is_table => self.problem(value.span(), &format!("{key}: expected a table")),
                (None, _) => self.problem(name.span(), &unknown(&key)),
            }
        }
    }

    fn set(&self, place: &Place, value: &Spanned<DeValue<'_>>, settings: &mut Settings) -> Result<(), String> {
        let value = value.get_ref();
        match place {
            Place::Path(place) => *place(settings) = Some(self.directory.join(text(value, "a path")?)),
            Place::Address(place) => *place(settings) = address(value)?,
            Place::OptionalAddress(place) => *place(settings) = Some(address(value)?),
            Place::Time(place) => *place(settings) = time(value)?,
            Place::OptionalTime(place) => *place(settings) = Some(time(value)?),
            Place::Count(place) => *place(settings) = usize::try_from(number(value)?).map_err(|e| e.to_string())?,
            Place::Bytes(place) => *place(settings) = number(value)?,
            Place::Flag(place) => {
                let expected = || format!("expected true or false, found {}", found(value));
                *place(settings) = value.as_bool().ok_or_else(expected)?;
            }
            Place::Text(place) => *place(settings) = Some(text(value, "a text")?.to_owned()),
            Place::Reference(place) => *place(settings) = Some(self.reference(text(value, "a reference")?)),
            Place::LogFormat(place) => *place(settings) = choice(value)?,
            Place::LogLevel(place) => *place(settings) = choice(value)?,
        }
        Ok(())
    }

    /// A reference to a secret, its path no longer relative to the file.
    fn reference(&self, text: &str) -> String {
        match text.strip_prefix("file:") {
            Some(path) => format!("file:{}", self.directory.join(path).display()),
            None => text.to_owned(),
        }
    }

    fn problem(&mut self, at: Range<usize>, what: &str) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.problems.push((at.start, format!("{}:{line}:{column}: {what}", self.name)));
    }
}

/// What to say of a key that is none, with the one that was meant if one is near.
fn unknown(key: &str) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let meant = SETTINGS.iter().find(|setting| last(setting.key) == last(key));
    match meant {
        Some(setting) => format!("unknown key {key}; {} is one", setting.key),
        None => format!("unknown key {key}"),
    }
}

fn text<'a>(value: &'a DeValue<'_>, what: &str) -> Result<&'a str, String> {
    match value.as_str() {
        Some("") => Err(format!("expected {what}, found an empty text")),
        Some(text) => Ok(text),
        None => Err(format!("expected {what} in quotes, found {}", found(value))),
    }
}

fn address(value: &DeValue<'_>) -> Result<SocketAddr, String> {
    let text = text(value, "an address with a port")?;
    text.parse().map_err(|_| format!("expected an address with a port such as \"0.0.0.0:8092\", found \"{text}\""))
}

fn time(value: &DeValue<'_>) -> Result<Duration, String> {
    let text = text(value, "a time such as \"30s\"")?;
    let bad = |_| format!("expected a time such as \"30s\", \"5m\" or \"2h 30m\", found \"{text}\"");
    let time = SpanParser::new().parse_unsigned_duration(text).map_err(bad)?;
    if time.is_zero() { Err("expected a time that is not zero".to_owned()) } else { Ok(time) }
}

fn number(value: &DeValue<'_>) -> Result<u64, String> {
    let expected = || format!("expected a whole number from 1 to {COUNT_MAX}, found {}", found(value));
    let number = value.as_integer().ok_or_else(expected)?;
    let number = u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| expected())?;
    if (1..=COUNT_MAX).contains(&number) { Ok(number) } else { Err(expected()) }
}

fn choice<T: ValueEnum>(value: &DeValue<'_>) -> Result<T, String> {
    let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let names: Vec<String> = names.map(|name| format!("\"{}\"", name.get_name())).collect();
    let expected = |found: &str| format!("expected {}, found {found}", names.join(" or "));
    let text = value.as_str().ok_or_else(|| expected(&found(value)))?;
    T::from_str(text, false).map_err(|_| expected(&format!("\"{text}\"")))
}

/// What there is, without repeating texts: they may be secrets in the wrong place.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

#[cfg(test)]
mod tests;
