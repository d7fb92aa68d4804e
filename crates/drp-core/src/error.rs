//! The error object of the wire (`models.md` §6).

use std::{fmt, iter};

use crate::{List, wire::wire_object};

wire_object! {
    /// What a server or a plugin answers when it cannot do what was asked; with code 200 also the plain "done" of
    /// config, publish and stop.
    ///
    /// ```
    /// use drp_core::Error;
    /// let error = Error::new(404, "GET", "Not Found").about("plugins", "bob");
    /// assert_eq!(error.to_string(), "GET: plugins/bob: Not Found");
    /// ```
    pub struct Error {
        /// Object type concerned, or empty.
        "Model" model: String,
        /// Key of the object concerned, or the path of an unknown URL.
        "Key" key: String,
        /// What failed: an HTTP method, `ValidationError`, `INVOKE`, …
        "Type" type_: String,
        /// One text a problem.
        "Messages" messages: List<String>,
        /// The HTTP status.
        "Code" code: i64,
    }
}

impl Error {
    /// An error with one message.
    #[must_use]
    pub fn new(code: u16, type_: &str, message: impl Into<String>) -> Self {
        Self { type_: type_.to_owned(), messages: vec![message.into()].into(), code: code.into(), ..Self::default() }
    }

    /// The answer "done": code 200 and nothing else.
    #[must_use]
    pub fn done() -> Self {
        Self { code: 200, ..Self::default() }
    }

    /// The answer to a path or method nobody serves.
    #[must_use]
    pub fn no_route(method: &str, path: &str) -> Self {
        Self { type_: method.to_owned(), key: path.to_owned(), code: 404, ..Self::default() }
    }

    /// Names the object concerned.
    #[must_use]
    pub fn about(mut self, model: &str, key: &str) -> Self {
        model.clone_into(&mut self.model);
        key.clone_into(&mut self.key);
        self
    }

    /// Adds a message.
    #[must_use]
    pub fn and(mut self, message: impl Into<String>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// The HTTP status to send: the code, or 500 where the code is no error's.
    #[must_use]
    pub fn status(&self) -> u16 {
        u16::try_from(self.code).ok().filter(|code| (400..=599).contains(code)).unwrap_or(500)
    }
}

/// `TYPE: MODEL/KEY: message`; several messages stand on lines of their own.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_)?;
        let parts: Vec<&str> = [self.model.as_str(), self.key.as_str()].into_iter().filter(|p| !p.is_empty()).collect();
        if !parts.is_empty() {
            write!(f, ": {}", parts.join("/"))?;
        }
        match self.messages.as_slice() {
            [] => Ok(()),
            [message] => write!(f, ": {message}"),
            messages => messages.iter().try_for_each(|message| write!(f, "\n  {message}")),
        }
    }
}

impl std::error::Error for Error {}

/// An error and its causes on one line, as a message or a log line has them: many libraries' own text says next to
/// nothing.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        // Some libraries repeat the cause in the text of its effect.
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_as_the_go_client_does() {
        let check = |error: Error, expected: &str| assert_eq!(error.to_string(), expected);
        check(Error::new(400, "", "msg"), ": msg");
        check(Error::new(404, "GET", "Not Found").about("machines", "x"), "GET: machines/x: Not Found");
        check(Error::new(409, "PATCH", "a").about("machines", "x").and("b"), "PATCH: machines/x\n  a\n  b");
        check(Error::no_route("GET", "/x"), "GET: /x");
    }

    #[test]
    fn the_plain_done_is_what_go_plugins_answer() {
        let text = serde_json::to_string(&Error::done()).unwrap();
        assert_eq!(text, r#"{"Model":"","Key":"","Type":"","Messages":null,"Code":200}"#);
    }

    #[test]
    fn a_code_that_is_no_errors_is_sent_as_500() {
        assert_eq!(Error::done().status(), 500);
        assert_eq!(Error::new(403, "", "").status(), 403);
    }
}
