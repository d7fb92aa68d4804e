//! Entries of a store as lines of JSON.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::store::Entry;

/// One line. The value is text where it can be, so that people and tools can read it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    section: Cow<'a, str>,
    key: Cow<'a, str>,
    revision: u64,
    created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<Cow<'a, str>>,
}

/// Appends the line of an entry.
pub(super) fn encode(section: &str, key: &str, entry: &Entry, to: &mut Vec<u8>) -> serde_json::Result<()> {
    let text = str::from_utf8(&entry.value).ok().filter(|text| !text.chars().any(grows));
    let base64 = if text.is_none() { Some(STANDARD.encode(&entry.value).into()) } else { None };
    let text = text.map(Cow::Borrowed);
    let (section, key) = (Cow::Borrowed(section), Cow::Borrowed(key));
    let record = Record { section, key, revision: entry.revision, created: entry.created, text, base64 };
    serde_json::to_writer(&mut *to, &record)?;
    to.push(b'\n');
    Ok(())
}

/// Whether a character takes six bytes in JSON, which no limit allows for.
fn grows(character: char) -> bool {
    character.is_ascii_control() && !matches!(character, '\n' | '\r' | '\t')
}

/// Reads a line: section, key and entry, or what is wrong with it.
pub(super) fn decode(line: &[u8]) -> Result<(String, String, Entry), String> {
    let record: Record<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let value = match (record.text, record.base64) {
        (Some(text), None) => Bytes::from(text.into_owned()),
        (None, Some(text)) => STANDARD.decode(text.as_bytes()).map_err(|error| error.to_string())?.into(),
        (Some(_), Some(_)) | (None, None) => return Err("an entry has either a text or base64".to_owned()),
    };
    let entry = Entry { value, revision: record.revision, created: record.created };
    Ok((record.section.into_owned(), record.key.into_owned(), entry))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn entries_come_back_as_they_were() {
        let check = |value: &[u8], is_text: bool| {
            let entry = Entry { value: Bytes::copy_from_slice(value), revision: u64::MAX, created: 7 };
            let mut line = Vec::new();
            encode("machines", "a/\"b\"\n", &entry, &mut line).unwrap();
            let end = line.pop();
            assert_eq!((end, line.contains(&b'\n')), (Some(b'\n'), false));
            assert_eq!(line.windows(7).any(|part| part == b"\"text\":"), is_text);
            assert_eq!(decode(&line).unwrap(), ("machines".to_owned(), "a/\"b\"\n".to_owned(), entry));
        };
        check(br#"{"Name":"x\ny"}"#, true);
        check("zwei\nZeilen – é".as_bytes(), true);
        check(b"", true);
        check(b"\0\x01binary", false);
        check(&[0xff, 0xfe], false);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for line in [
            "",
            "{}",
            r#"{"section":"s","key":"k","revision":1,"created":1}"#,
            r#"{"section":"s","key":"k","revision":1,"created":1,"text":"a","base64":"YQ=="}"#,
            r#"{"section":"s","key":"k","revision":1,"created":1,"base64":"?"}"#,
            r#"{"section":"s","key":"k","revision":-1,"created":1,"text":"a"}"#,
            r#"{"section":"s","key":"k","revision":1,"created":1,"text":"a","more":1}"#,
        ] {
            assert!(decode(line.as_bytes()).is_err(), "{line}");
        }
    }
}
