//! Events (`models.md` §7).

use serde::{Serialize, de::DeserializeOwned};

use crate::{Raw, RawModel, Time, wire::wire_object};

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

    /// The object after the change, as a model.
    ///
    /// # Errors
    /// It is another object, or none.
    pub fn object_as<M: DeserializeOwned>(&self) -> Result<M, serde_json::Error> {
        self.object.parse()
    }

    /// The object before the change, as a model; `None` where the event carries none.
    ///
    /// # Errors
    /// It is another object.
    pub fn original_as<M: DeserializeOwned>(&self) -> Result<Option<M>, serde_json::Error> {
        if self.original.is_null() { Ok(None) } else { self.original.parse().map(Some) }
    }

    /// Whether the change touched this key of the object, in the wire's spelling; below `Params` or `Meta` it is
    /// `Params/NAME`. A change whose original is not known has touched every key that is there.
    ///
    /// ```
    /// use drp_core::{Event, Raw};
    /// let mut event = Event::new("machines", "update", "1", Raw::from(serde_json::json!({"Stage": "b", "OS": "x"})));
    /// event.original = Raw::from(serde_json::json!({"Stage": "a", "OS": "x"}));
    /// assert!(event.changed("Stage") && !event.changed("OS"));
    /// ```
    #[must_use]
    pub fn changed(&self, key: &str) -> bool {
        value_at(&self.object, key) != value_at(&self.original, key)
    }

    /// Whether the change gave this key of the object, as in [`changed`](Self::changed), this value.
    #[must_use]
    pub fn entered<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> bool {
        let Ok(value) = serde_json::to_value(value) else { return false };
        self.changed(key) && value_at(&self.object, key) == Some(value)
    }
}

/// The value of a key; a `null` is one that is not there.
fn value_at(object: &Raw, key: &str) -> Option<serde_json::Value> {
    let object: RawModel = object.parse().ok()?;
    let value = match key.split_once('/') {
        Some((map, name)) => object.fields.get(map)?.parse::<RawModel>().ok()?.fields.get(name)?.parse(),
        None => object.fields.get(key)?.parse(),
    };
    value.ok().filter(|value: &serde_json::Value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn update(original: Value, object: Value) -> Event {
        Event { original: Raw::from(original), ..Event::new("machines", "update", "1", Raw::from(object)) }
    }

    #[test]
    fn what_a_change_touched_is_told_by_its_original() {
        let event = update(
            json!({"Stage": "a", "Runnable": true, "Params": {"x/y": 1, "x/z": 1}}),
            json!({"Stage": "b", "Runnable": true, "Params": {"x/y": 1, "x/z": 2}}),
        );
        let check = |key: &str, expected: bool| assert_eq!(event.changed(key), expected, "{key}");
        check("Stage", true);
        check("Runnable", false);
        check("Params", true);
        check("Params/x/y", false);
        check("Params/x/z", true);
        check("Nothing", false);
        assert!(event.entered("Stage", "b") && !event.entered("Stage", "a") && !event.entered("Runnable", &true));
        assert!(event.entered("Params/x/z", &2));
    }

    #[test]
    fn a_change_without_an_original_touched_all_that_is_there() {
        let event = update(Value::Null, json!({"State": "finished", "Empty": null}));
        assert!(event.changed("State") && event.entered("State", "finished") && !event.changed("Empty"));
        assert!(!update(Value::Null, json!("no object")).changed("State"));
    }
}
