//! What an author who wrote something unknown may have meant.

/// How much of two words must be the same, 1 being all, for one to be taken for the other.
const LIKENESS_MIN: f64 = 0.8;

/// The known word that is most like this one, if any is enough.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |known: &'a str| (strsim::normalized_damerau_levenshtein(&word, &known.to_lowercase()), known);
    let best = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= LIKENESS_MIN).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["Description", "Documentation", "Name", "RequiredParams", "Secure", "tasks", "roles"];
        let check = |word: &str, expected: Option<&str>| assert_eq!(nearest(word, known), expected, "{word}");
        check("Descripton", Some("Description"));
        check("Descirption", Some("Description"));
        check("RequiredParam", Some("RequiredParams"));
        check("documentation", Some("Documentation"));
        check("task", Some("tasks"));
        check("Colour", None);
        check("ruler", None);
        check("x", None);
    }
}
