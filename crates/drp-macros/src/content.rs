//! `content!`: what is left of a directory at run time is one text of JSON.

use std::path::Path;

use drp_content::{Metadata, read_directory};
use drp_core::chain;

/// The directory that the macro is given.
///
/// # Errors
/// What to give instead.
pub(crate) fn directory(input: &str) -> Result<&str, String> {
    let text = input.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    text.filter(|text| !text.is_empty() && !text.contains(['"', '\\']))
        .ok_or_else(|| "expected the directory of the content, such as \"content\"".to_owned())
}

/// The code that the macro stands for.
///
/// # Errors
/// What is wrong with which file, and on which line.
pub(crate) fn expand(package: &Path, directory: &str) -> Result<String, String> {
    let root = package.join(directory);
    let content = read_directory(&root, &Metadata::default())
        .map_err(|error| format!("the content in `{directory}` cannot be bundled: {}", chain(&error)))?;
    if let Some(left_out) = content.left_out.first() {
        let path = left_out.path.strip_prefix(package).unwrap_or(&left_out.path).display();
        return Err(format!("`{path}`: `{}` is no key of its type", left_out.key));
    }
    let json = content.bundle.to_json().map_err(|error| format!("the content in `{directory}`: {error}"))?;
    let mut tracked = String::new();
    for file in &content.files {
        let path = file.path.to_str().ok_or_else(|| format!("`{}` is no UTF-8 text", file.path.display()))?;
        // Whoever builds looks at these files to see whether to build again.
        tracked += &format!("const _: &[u8] = ::core::include_bytes!({path:?}); ");
    }
    Ok(format!("{{ {tracked}::drp_plugin::Content::new({json:?}) }}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::*;

    fn package(files: &[(&str, &str)]) -> tempfile::TempDir {
        let package = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = package.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        package
    }

    #[test]
    fn the_bundle_and_the_files_it_is_made_of_are_in_the_code() {
        let package = package(&[("c/._Name.meta", "n"), ("c/params/a.yaml", "Name: a/\"b\"\n")]);
        let code = expand(package.path(), "c").unwrap();
        for file in ["c/._Name.meta", "c/params/a.yaml"] {
            let path = package.path().join(file);
            assert!(code.contains(&format!("::core::include_bytes!({:?});", path.to_str().unwrap())), "{code}");
        }
        assert!(code.contains(r#"::drp_plugin::Content::new("{\"meta\""#), "{code}");
        assert!(code.contains(r#"\"Name\":\"a/\\\"b\\\"\""#), "{code}");
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        let check = |file: &str, text: &str, expected: &str| {
            let package = package(&[(file, text)]);
            let error = expand(package.path(), "c").unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        };
        check(
            "c/params/a.yaml",
            "Name: ab\nSchema: {\n",
            "the content in `c` cannot be bundled: Cannot parse item params/a.yaml: error converting YAML to JSON: yaml: \
             line 2, column 9: unclosed bracket '{'",
        );
        check("c/params/a.yaml", "Name: ab\nSchem: {}", "`c/params/a.yaml`: `Schem` is no key of its type");
        check("d/params/a.yaml", "", "the content in `c` cannot be bundled: cannot read the directory");
    }

    #[test]
    fn the_directory_is_a_plain_text() {
        assert_eq!(directory("\"a/b\"").unwrap(), "a/b");
        for input in ["", "\"\"", "a", "\"a\\n\"", "\"a\", \"b\"", "1"] {
            assert!(directory(input).is_err(), "{input}");
        }
    }
}
