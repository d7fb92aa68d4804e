//! Lengths of time as clients write them: in lives of tokens, and in ages of jobs.

/// The longest one: a hundred years, as good as for ever and far from any overflow.
pub(crate) const SECONDS_MAX: u64 = 100 * YEAR_S;
const DAY_S: u64 = 24 * 3600;
const YEAR_S: u64 = 365 * DAY_S;

/// A number of seconds, or a number with a unit: `90s`, `10m`, `2h`, `7d`, `4w`, `6mo`, `3y`; or `never`.
///
/// # Errors
/// It is none, or below zero. The wording is that of the reference server, which clients' tests know.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let syntax = || format!("strconv.ParseInt: parsing {}: invalid syntax", drp_core::Raw::from(text));
    if text == "never" {
        return Ok(SECONDS_MAX);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => DAY_S,
        "w" => 7 * DAY_S,
        "mo" => 30 * DAY_S,
        "y" => YEAR_S,
        _ => return Err(syntax()),
    };
    let number: i64 = digits.parse().map_err(|_| syntax())?;
    let number = u64::try_from(number).map_err(|_| format!("must not be below zero: {text}"))?;
    Ok(number.saturating_mul(unit_s).min(SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_seconds_or_carry_a_unit() {
        let check = |text: &str, expected: Result<u64, &str>| {
            assert_eq!(seconds(text), expected.map_err(str::to_owned), "{text}");
        };
        check("7200", Ok(7200));
        check("0", Ok(0));
        check("1h", Ok(3600));
        check("6mo", Ok(15_552_000));
        check("3y", Ok(94_608_000));
        check("never", Ok(SECONDS_MAX));
        check("999999999999y", Ok(SECONDS_MAX));
        check("cow", Err(r#"strconv.ParseInt: parsing "cow": invalid syntax"#));
        check("", Err(r#"strconv.ParseInt: parsing "": invalid syntax"#));
        check("1.5", Err(r#"strconv.ParseInt: parsing "1.5": invalid syntax"#));
        check("5ü", Err(r#"strconv.ParseInt: parsing "5ü": invalid syntax"#));
        check("-5", Err("must not be below zero: -5"));
    }
}
