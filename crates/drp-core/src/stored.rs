//! Typed objects of the types that providers add to a server (`models.md` §9).

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned, ser};

use crate::{Model, RawModel};

/// A type of objects that a provider adds to the server: a struct of what is its own, and its name, once.
///
/// What every object has beside that is in [`Stored`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no object type",
    note = "say what the type is called: `impl ObjectType for {Self} {{ const NAME: &'static str = \"...\"; }}`"
)]
pub trait ObjectType: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its name in URLs, events and `AvailableAction.Model`.
    const NAME: &'static str;
}

/// An object of a provider's own type: its key, what is its own, and what every object has.
///
/// It is a [`Model`], so that a client, a cache, an action and an event take it like a machine; its own fields are at
/// hand without more words.
///
/// ```
/// use drp_core::{Model, ObjectType, Stored};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Cow {
///     spotted: bool,
///     location: Option<String>,
/// }
///
/// impl ObjectType for Cow {
///     const NAME: &'static str = "cows";
/// }
///
/// let mut cow = Stored::new("bessie", Cow { spotted: true, location: None });
/// cow.location = Some("Austin".to_owned());
/// assert_eq!(cow.key(), "bessie");
/// let json = r#"{"Id":"bessie","Location":"Austin","Spotted":true,"Type":"cows"}"#;
/// assert_eq!(serde_json::to_string(&cow)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored<T> {
    /// The key of the object in its type.
    pub id: String,
    /// What the type declares. A field that is `None` is not written: servers refuse a `null`.
    pub value: T,
    /// All other keys, such as `Description`, `Params` or `ReadOnly`.
    pub others: RawModel,
}

impl<T> Stored<T> {
    /// An object to be made.
    pub fn new(id: impl Into<String>, value: T) -> Self {
        Self { id: id.into(), value, others: RawModel::default() }
    }
}

impl<T: ObjectType> Model for Stored<T> {
    const PREFIX: &'static str = T::NAME;

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Stored<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ObjectType> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = self.others.clone();
        let own = RawModel::new(&self.value).map_err(ser::Error::custom)?;
        object.fields.extend(own.fields.into_iter().filter(|(_, value)| !value.is_null()));
        object.set("Type", T::NAME).map_err(ser::Error::custom)?;
        object.set("Id", &self.id).map_err(ser::Error::custom)?;
        object.serialize(serializer)
    }
}

impl<'de, T: ObjectType> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut others = RawModel::deserialize(deserializer)?;
        let value: T = others.typed().map_err(de::Error::custom)?;
        // What the value has is the value's alone: a field that becomes `None` must not come back from here.
        let own = RawModel::new(&value).map_err(de::Error::custom)?;
        let id = others.id();
        others.fields.retain(|key, _| !own.fields.contains_key(key) && key != "Id" && key != "Type");
        Ok(Self { id, value, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Unit {
        outlets: u8,
        row: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rack: Option<String>,
    }

    impl ObjectType for Unit {
        const NAME: &'static str = "pdu-units";
    }

    #[test]
    fn what_the_type_does_not_know_survives_and_what_becomes_none_goes() {
        let came = r#"{"Big":9007199254740993,"Id":"u1","Outlets":8,"Rack":"r","ReadOnly":false,"Row":"a","Type":"pdu-units"}"#;
        let mut unit: Stored<Unit> = serde_json::from_str(came).unwrap();
        assert_eq!((unit.key().as_str(), unit.outlets, unit.row.as_deref()), ("u1", 8, Some("a")));
        assert_eq!(serde_json::to_string(&unit).unwrap(), came);
        (unit.row, unit.rack) = (None, None);
        let left = r#"{"Big":9007199254740993,"Id":"u1","Outlets":8,"ReadOnly":false,"Type":"pdu-units"}"#;
        assert_eq!(serde_json::to_string(&unit).unwrap(), left);
    }

    #[test]
    fn an_object_that_does_not_fit_is_refused_with_the_field() {
        let error = serde_json::from_str::<Stored<Unit>>(r#"{"Id":"u1","Outlets":"many"}"#).unwrap_err().to_string();
        assert!(error.contains("many"), "{error}");
        let error = serde_json::from_str::<Stored<Unit>>(r#"{"Id":"u1"}"#).unwrap_err().to_string();
        assert!(error.contains("missing field `Outlets`"), "{error}");
    }
}
