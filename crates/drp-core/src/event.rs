//! Events (`models.md` §7).

use crate::{Raw, Time, wire::wire_object};

wire_object! {
    /// Something happened to something: an object changed, an action ran, a line was logged, or whatever a client
    /// or plugin chose to tell.
    pub struct Event {
        /// When it was made.
        "Time" time: Time,
        /// Object type, or a free word.
        "Type" type_: String,
        /// What happened: `create`, `update`, `save`, `delete`, an action's command, or a free word.
        "Action" action: String,
        /// Key of the object.
        "Key" key: String,
        /// Who caused it.
        "Principal" principal: String,
        /// The object after the change, or any payload.
        "Object" object: Raw,
        /// The object before the change; only with `update` and `save`.
        "Original" original: Raw,
    }
}

impl Event {
    /// An event of now, about nothing yet.
    #[must_use]
    pub fn new(type_: &str, action: &str, key: &str, object: Raw) -> Self {
        Self {
            time: Time::now(),
            type_: type_.to_owned(),
            action: action.to_owned(),
            key: key.to_owned(),
            object,
            ..Self::default()
        }
    }
}
