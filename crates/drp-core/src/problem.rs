//! What is wrong with an object (`models.md` §3).

use std::fmt;

/// One thing that is wrong with an object.
///
/// It is displayed as the server's text, which clients match on. A server puts the object's key and `: ` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON pointer into the object, such as `/Profiles/1`.
    pub path: String,
    /// What: ``Invalid Profile `x/y` ``.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
