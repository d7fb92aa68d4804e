//! What nobody may see: neither in what the suite shows, nor where a provider shows it.

/// What is shown in the place of a secret.
const MASK: &str = "<secret>";
/// Shorter texts occur everywhere by chance, so that finding one says nothing.
const TELLING_BYTES_MIN: usize = 6;

/// Texts that are cut out of everything the suite shows.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    /// Longest first, so that no part of one is left where another is a part of it.
    secrets: Vec<String>,
}

impl Mask {
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut mask = Self { secrets: secrets.into_iter().filter(|secret| !secret.is_empty()).collect() };
        // As they are within JSON, where that differs.
        let quoted: Vec<String> = mask.secrets.iter().map(|secret| within_json(secret)).collect();
        mask.secrets.extend(quoted);
        mask.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        mask.secrets.dedup();
        mask
    }

    /// The text without secrets.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }

    /// Whether there is a secret in the text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.secrets
            .iter()
            .filter(|secret| secret.len() >= TELLING_BYTES_MIN)
            .any(|secret| text.contains(secret.as_str()))
    }
}

fn within_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_also_within_json_and_within_each_other() {
        let mask = Mask::new(["open".to_owned(), "open\"sesame".to_owned(), String::new()]);
        let check = |text: &str, masked: &str| assert_eq!(mask.apply(text), masked);
        check("open sesame", "<secret> sesame");
        check("open\"sesame", "<secret>");
        check(r#"{"a":"open\"sesame"}"#, r#"{"a":"<secret>"}"#);
        assert!(mask.is_in(r#"say open\"sesame"#));
        // Too short to say anything.
        assert!(!mask.is_in("it is open"));
    }
}
