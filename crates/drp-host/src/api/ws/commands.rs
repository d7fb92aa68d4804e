//! What a client says on its websocket.

use std::collections::HashMap;

use drp_core::{Event, Selector, limits};

/// A command, with its selector as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Register(&'a str),
    Deregister(&'a str),
}

impl<'a> Command<'a> {
    /// Exactly one blank stands between verb and selector.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        match text.split_once(' ')? {
            (_, selector) if selector.is_empty() || selector.starts_with(' ') => None,
            ("register", selector) => Some(Self::Register(selector)),
            ("deregister", selector) => Some(Self::Deregister(selector)),
            _ => None,
        }
    }

    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Deregister(_) => "deregister",
        }
    }

    pub(super) fn selector(&self) -> &'a str {
        match self {
            Self::Register(selector) | Self::Deregister(selector) => selector,
        }
    }
}

/// The selectors of one client.
#[derive(Debug, Default)]
pub(super) struct Selectors {
    by_text: HashMap<String, Selector>,
}

impl Selectors {
    /// Says what is wrong with a command, if anything is.
    pub(super) fn check(&self, command: &Command<'_>) -> Result<(), String> {
        command.selector().parse::<Selector>().map_err(|error| error.to_string())?;
        let more = matches!(command, Command::Register(selector) if !self.by_text.contains_key(*selector));
        if more && self.by_text.len() >= limits::SELECTORS_PER_WEBSOCKET_MAX {
            return Err(format!("more than {} selectors", limits::SELECTORS_PER_WEBSOCKET_MAX));
        }
        Ok(())
    }

    /// Does what a checked command says.
    pub(super) fn apply(&mut self, command: Command<'_>) {
        match command {
            Command::Register(text) => {
                if let Ok(selector) = text.parse() {
                    self.by_text.insert(text.to_owned(), selector);
                }
            }
            Command::Deregister(text) => drop(self.by_text.remove(text)),
        }
    }

    /// Whether any selector matches, however many do.
    pub(super) fn match_event(&self, event: &Event) -> bool {
        self.by_text.values().any(|selector| selector.matches(event))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use drp_core::Raw;

    use super::*;

    #[test]
    fn a_command_is_a_verb_a_blank_and_a_selector() {
        let check = |text: &str, expected: Option<Command<'_>>| assert_eq!(Command::parse(text), expected, "{text:?}");
        check("register machines.create.*", Some(Command::Register("machines.create.*")));
        check("deregister a.b.c d", Some(Command::Deregister("a.b.c d")));
        check("register  a.b.c", None);
        check("register", None);
        check("register ", None);
        check("Register a.b.c", None);
        check("", None);
    }

    #[test]
    fn selectors_come_and_go_and_are_bounded() {
        let mut selectors = Selectors::default();
        let event = Event::new("machines", "create", "1", Raw::null());
        let twice = [Command::Register("machines.*.*"), Command::Register("machines.*.*")];
        twice.into_iter().for_each(|command| selectors.apply(command));
        assert!(selectors.match_event(&event));
        selectors.apply(Command::Deregister("machines.*.*"));
        assert!(!selectors.match_event(&event) && selectors.is_empty());

        assert!(selectors.check(&Command::Register("machines.create")).is_err());
        for n in 0..limits::SELECTORS_PER_WEBSOCKET_MAX {
            selectors.apply(Command::Register(&format!("a.b.{n}")));
        }
        assert!(selectors.check(&Command::Register("a.b.c")).is_err());
        assert!(selectors.check(&Command::Register("a.b.0")).is_ok());
        assert!(selectors.check(&Command::Deregister("a.b.c")).is_ok());
    }
}
