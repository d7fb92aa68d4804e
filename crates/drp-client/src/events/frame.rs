//! What a websocket message means. Nothing here reads from a socket.

use drp_core::{
    Event,
    contract::{LAGGED_EVENT_ACTION, LAGGED_EVENT_TYPE},
    json,
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

    /// The message that gives this command.
    pub(super) fn message(self, selector: &str) -> Message {
        Message::text(format!("{} {selector}", self.word()))
    }
}

/// What came.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// An event and the bytes it came as.
    Event(Box<Event>, usize),
    /// The server has carried out a command for this selector.
    Echo(Command, String),
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
        Message::Text(text) => match json::parse::<Event>(text.as_bytes()) {
            Ok(event) if event.type_ == LAGGED_EVENT_TYPE => notice(event),
            Ok(event) => Frame::Event(Box::new(event), text.len()),
            Err(error) => Frame::Malformed(error.to_string()),
        },
        Message::Binary(_) => Frame::Malformed("it is binary".to_owned()),
        Message::Close(frame) => Frame::Close(closing_words(frame)),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Frame::Nothing,
    }
}

/// Events of type `websocket` are about the connection itself.
fn notice(event: Event) -> Frame {
    match event.action.as_str() {
        "register" => Frame::Echo(Command::Register, event.key),
        "deregister" => Frame::Echo(Command::Deregister, event.key),
        // The number may be missing; that something is must not be.
        LAGGED_EVENT_ACTION => Frame::Lagged(event.object.parse().unwrap_or(1)),
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
        check(&about("news", "null"), Frame::Nothing);
        let event = Event { type_: "a".to_owned(), action: "b".to_owned(), ..Event::default() };
        check(r#"{"Type":"a","Action":"b"}"#, Frame::Event(Box::new(event), 25));
        for text in ["", "{", "[]", "7", r#"{"Type":7}"#] {
            assert!(matches!(read(Message::text(text)), Frame::Malformed(_)), "{text}");
        }
        assert!(matches!(read(Message::binary(b"{}".to_vec())), Frame::Malformed(_)));
        assert_eq!(read(Message::Ping(Vec::new().into())), Frame::Nothing);
    }
}
