//! Which names the server accepts (`models.md` §3).
//!
//! Every rule wants at least two characters. Letters and numbers are those of Unicode; combining marks are neither.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

/// Names of nearly everything, and references to them: a letter first, then letters, numbers, blank, `-`, `_`, `.`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    fits(name, is_letter, "- _.")
}

/// Names of machines and ids of templates: as [`is_name`], but a number may come first.
#[must_use]
pub fn is_machine_name(name: &str) -> bool {
    fits(name, |c| is_letter(c) || is_number(c), "- _.")
}

/// Ids of endpoints: as [`is_machine_name`], and `:`.
#[must_use]
pub fn is_endpoint_name(name: &str) -> bool {
    fits(name, |c| is_letter(c) || is_number(c), "- _.:")
}

/// Names of users: as [`is_name`], and `@`.
#[must_use]
pub fn is_user_name(name: &str) -> bool {
    fits(name, is_letter, "- @_.")
}

/// Names of params: as [`is_name`], and `/`.
#[must_use]
pub fn is_param_name(name: &str) -> bool {
    fits(name, is_letter, "- _./")
}

/// The server's text for a value that breaks its rule: ``Invalid Name `x` ``.
#[must_use]
pub fn complaint(what: &str, value: &str) -> String {
    format!("{what} `{value}`")
}

fn fits(name: &str, first: impl Fn(char) -> bool, marks: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(first)
        && !chars.as_str().is_empty()
        && chars.all(|c| is_letter(c) || is_number(c) || marks.contains(c))
}

fn is_letter(c: char) -> bool {
    use Category::{LowercaseLetter, ModifierLetter, OtherLetter, TitlecaseLetter, UppercaseLetter};
    matches!(
        get_general_category(c),
        UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter
    )
}

fn is_number(c: char) -> bool {
    use Category::{DecimalNumber, LetterNumber, OtherNumber};
    matches!(get_general_category(c), DecimalNumber | LetterNumber | OtherNumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_servers_rules() {
        let check = |rule: fn(&str) -> bool, good: &[&str], bad: &[&str]| {
            for name in good {
                assert!(rule(name), "{name} is good");
            }
            for name in bad {
                assert!(!rule(name), "{name} is bad");
            }
        };
        check(is_name, &["ab", "a-", "Ünicode x.1", "a1"], &["", "a", "1a", "a/b", "a:b", "a\n", "ae\u{301}", "-a"]);
        check(is_machine_name, &["1a", "11", "m1.example.com"], &["1", "-a", "a/b"]);
        check(is_endpoint_name, &["e:1", "1:"], &[":1", "a/b", "a"]);
        check(is_user_name, &["a@b.c"], &["@ab", "a/b"]);
        check(is_param_name, &["incrementer/step", "a/"], &["/a", "a", "a~b"]);
    }
}
