//! Plain scalars of YAML that servers read otherwise than authors mean them.

use super::{
    finding::{Code, Said, say},
    form::About,
};
use crate::yaml::marks::Plain;

/// What is doubtful about a text without quotes where any value goes.
pub(super) fn doubt(plain: &Plain<'_>) -> Option<(Said, About)> {
    match *plain {
        Plain::Value(text) => value(text).map(|said| (said, About::Value)),
        Plain::Key(text) => key(text).map(|said| (said, About::Key)),
    }
}

fn value(text: &str) -> Option<Said> {
    if let Some(truth) = truth(text) {
        let said = say(Code::Scalar, format!("`{text}` is read as the boolean {truth}"));
        return Some(said.help(format!("write {truth}, or \"{text}\" for the text")));
    }
    let number = octal(text)?;
    let said = say(Code::Scalar, format!("`{text}` is octal, and read as {number}"));
    Some(said.help(format!("write {number}, or \"{text}\" for the text")))
}

fn key(text: &str) -> Option<Said> {
    let truth = truth(text)?;
    let said = say(Code::Scalar, format!("the key `{text}` is read as `{truth}`"));
    Some(said.expected("a text").help(format!("put it in quotes: \"{text}\"")))
}

/// The boolean that a word is in YAML 1.1 and, as most know it, nowhere else.
fn truth(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The number that digits behind a zero are.
fn octal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('0')?.trim_start_matches(['o', '0']);
    // `0`, and `07`, which is the same either way.
    let number = u64::from_str_radix(digits, 8).ok()?;
    (digits.len() > 1).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_octals_are_doubtful_and_the_rest_is_not() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(value(text).map(|said| said.problem).as_deref(), expected, "{text}");
        };
        check("yes", Some("`yes` is read as the boolean true"));
        check("OFF", Some("`OFF` is read as the boolean false"));
        check("012", Some("`012` is octal, and read as 10"));
        check("0o12", Some("`0o12` is octal, and read as 10"));
        check("0755", Some("`0755` is octal, and read as 493"));
        for text in ["true", "No.", "0", "07", "0x1F", "08", "12", "1.20", "00:11:22:33:44:55", "2020-01-02", ""] {
            check(text, None);
        }
    }
}
