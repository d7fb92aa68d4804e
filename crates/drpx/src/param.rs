//! Params on the command line.

use std::path::Path;

use drp_core::{Params, Raw, json};

use crate::exit::Failure;

/// Reads `K=V` items; a value that is JSON is taken as such, everything else as text.
pub(crate) fn parse_items(items: &[String]) -> Result<Params, Failure> {
    items.iter().map(|item| parse_item(item)).collect()
}

fn parse_item(item: &str) -> Result<(String, Raw), Failure> {
    let (name, value) = split(item)?;
    Ok((name, json::parse(value.as_bytes()).unwrap_or_else(|_| Raw::from(value))))
}

/// Reads a file with a JSON object.
pub(crate) fn read_file(path: &Path) -> Result<Params, Failure> {
    let path_shown = path.display();
    let text = std::fs::read(path).map_err(|error| Failure::usage(format!("cannot read `{path_shown}`: {error}")))?;
    json::parse(&text)
        .map_err(|error| Failure::usage(format!("`{path_shown}` is no JSON object of param values: {error}")))
}

/// Reads `K=env:VAR` items: the value is the text of the variable.
pub(crate) fn read_secrets(items: &[String]) -> Result<Params, Failure> {
    let read = |item: &String| {
        let (name, value) = split(item)?;
        let Some(variable) = value.strip_prefix("env:") else {
            let hint = format!("write --secret {name}=env:VARIABLE, so that the secret is in no list of processes");
            return Err(Failure::usage(format!("a secret is named by its variable: {hint}")));
        };
        let text = std::env::var(variable)
            .map_err(|_| Failure::usage(format!("secret `{name}`: environment variable {variable} is not set")))?;
        Ok((name, Raw::from(text.as_str())))
    };
    items.iter().map(read).collect()
}

fn split(item: &str) -> Result<(String, &str), Failure> {
    let (name, value) = item.split_once('=').ok_or_else(|| Failure::usage(format!("`{item}` is not K=V")))?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_or_else_text() {
        let check = |item: &str, name: &str, json: &str| {
            let (found, value) = parse_item(item).unwrap();
            assert_eq!((found.as_str(), value.get()), (name, json), "{item}");
        };
        check("a/b=5", "a/b", "5");
        check("a=9007199254740993", "a", "9007199254740993");
        check("a=x=y", "a", r#""x=y""#);
        check("a=", "a", r#""""#);
        check(r#"a={"b":[1]}"#, "a", r#"{"b":[1]}"#);
        assert!(parse_item("novalue").is_err());
    }

    #[test]
    fn secrets_are_not_taken_from_the_command_line() {
        let error = read_secrets(&["a=hunter22".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("env:VARIABLE") && !error.contains("hunter22"), "{error}");
    }
}
