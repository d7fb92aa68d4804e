//! Texts that must not be shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that is a secret: a token, a password's hash, what tokens are made of. On the wire it is a plain string;
/// `Debug` does not show it, so that a printed object can go into a log.
///
/// ```
/// let machine = drp_core::Machine { secret: "abc".into(), ..drp_core::Machine::default() };
/// assert_eq!(machine.secret.expose(), "abc");
/// assert!(!format!("{machine:?}").contains("abc"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for those who need it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none: servers leave secrets empty where they do not tell them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { "<secret>" })
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
