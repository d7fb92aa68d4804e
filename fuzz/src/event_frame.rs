//! Text frames of an event stream, as they come from servers.

use drp_client::{StreamItem, fuzz_event_frame};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match fuzz_event_frame(text) {
        Some(StreamItem::Event(event)) => {
            assert_ne!(event.type_, "websocket", "notices of the connection are no events");
            assert!(!event.type_.is_empty() || !event.action.is_empty());
            let written = serde_json::to_string(&event).expect("an event is written");
            let again = fuzz_event_frame(&written);
            assert_eq!(again, Some(StreamItem::Event(event)), "what was written is read");
        }
        Some(StreamItem::Lagged(count)) => assert_ne!(count, 0),
        _ => {}
    }
}
