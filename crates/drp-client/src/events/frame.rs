//! What a websocket message means. Nothing here reads from a socket.

use drp_core::{
    Error, Event,
    contract::{LAGGED_EVENT_ACTION, LAGGED_EVENT_TYPE},
    json::{self, ParseError},
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

/// A command to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Register,
    Deregister,
}

impl Command {
    fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Deregister => "deregister",
        }
    }

    /// The text that gives this command.
    pub(super) fn text(self, selector: &str) -> String {
        format!("{} {selector}", self.word())
    }
}

/// What came.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// An event and the bytes it came as.
    Event(Box<Event>, usize),
    /// The server has carried out a command for this selector.
    Echo(Command, String),
    /// The server will not carry out this command, for this reason.
    Refusal(String, Box<Error>),
    /// The server dropped so many events of this connection.
    Lagged(u64),
    /// A sign of life.
    Nothing,
    /// The server goes.
    Close(String),
    /// Nothing an event stream may hold.
    Malformed(String),
}

pub(super) fn read(message: Message) -> Frame {
    match message {
        Message::Text(text) => read_text(&text),
        Message::Binary(_) => Frame::Malformed("it is binary".to_owned()),
        Message::Close(frame) => Frame::Close(closing_words(frame)),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Frame::Nothing,
    }
}

pub(super) fn read_text(text: &str) -> Frame {
    match json::parse::<Event>(text.as_bytes()) {
        Ok(event) if event.type_ == LAGGED_EVENT_TYPE => notice(event),
        // Every key may be missing as far as JSON goes, but then it is something else.
        Ok(event) if event.type_.is_empty() && event.action.is_empty() => {
            Frame::Malformed("it has neither a Type nor an Action".to_owned())
        }
        Ok(event) => Frame::Event(Box::new(event), text.len()),
        Err(error) => Frame::Malformed(place(&error)),
    }
}

/// Where the text stops being an event. What stands there is not told: it may be secret.
fn place(error: &ParseError) -> String {
    match error {
        ParseError::Invalid(error) => {
            format!("it is not the JSON of an event, at line {} column {}", error.line(), error.column())
        }
        // Too deep, which tells nothing of the text.
        other => other.to_string(),
    }
}

/// Events of type `websocket` are about the connection itself.
fn notice(event: Event) -> Frame {
    match event.action.as_str() {
        "register" => Frame::Echo(Command::Register, event.key),
        "deregister" => Frame::Echo(Command::Deregister, event.key),
        "error" => Frame::Refusal(event.key, Box::new(event.object.parse().unwrap_or_default())),
        // The number may be missing or senseless; that something is must not be.
        LAGGED_EVENT_ACTION => Frame::Lagged(event.object.parse().unwrap_or(1).max(1)),
        _ => Frame::Nothing,
    }
}

fn closing_words(frame: Option<CloseFrame>) -> String {
    match frame {
        Some(frame) => format!("the server closed it: {} {}", u16::from(frame.code), frame.reason),
        None => "the server closed it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_events_echoes_notices_or_malformed() {
        let check = |text: &str, expected: Frame| assert_eq!(read(Message::text(text)), expected, "{text}");
        let about = |action: &str, object: &str| {
            format!(r#"{{"Type":"websocket","Action":"{action}","Key":"a.b.c","Object":{object}}}"#)
        };
        check(&about("register", "null"), Frame::Echo(Command::Register, "a.b.c".to_owned()));
        check(&about("deregister", "null"), Frame::Echo(Command::Deregister, "a.b.c".to_owned()));
        check(&about("lagged", "17"), Frame::Lagged(17));
        check(&about("lagged", "null"), Frame::Lagged(1));
        check(&about("lagged", "0"), Frame::Lagged(1));
        check(&about("lagged", "18446744073709551615"), Frame::Lagged(u64::MAX));
        check(&about("error", "7"), Frame::Refusal("a.b.c".to_owned(), Box::default()));
        check(&about("news", "null"), Frame::Nothing);
        let event = Event { type_: "a".to_owned(), action: "b".to_owned(), ..Event::default() };
        check(r#"{"Type":"a","Action":"b"}"#, Frame::Event(Box::new(event), 25));
        for text in ["", "{", "[]", "7", "{}", r#"{"Type":7}"#, r#"{"Kind":"a","What":"b"}"#] {
            assert!(matches!(read(Message::text(text)), Frame::Malformed(_)), "{text}");
        }
        assert!(matches!(read(Message::binary(b"{}".to_vec())), Frame::Malformed(_)));
        assert_eq!(read(Message::Ping(Vec::new().into())), Frame::Nothing);
    }
}
