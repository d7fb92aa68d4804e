//! What the keys of an object are, and how an untyped object is brought into their form (`models.md` §1).

/// A key of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key, in the wire's spelling.
    pub name: &'static str,
    /// What its value is.
    pub form: Form,
    /// It is left out where its value says nothing.
    pub is_omitted: bool,
}

/// What the value of a key is, in the notation of `models.md` §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// S
    Text,
    /// B
    Bool,
    /// I
    Int,
    /// UUID
    Uuid,
    /// IP
    Address,
    /// TIME
    Time,
    /// B64
    Bytes,
    /// A list of such values.
    List(&'static Form),
    /// An object with any keys and such values.
    Map(&'static Form),
    /// An object of known keys, and maybe more: those of each mixin, then its own.
    Record(&'static [&'static [Field]]),
    /// ANY
    Any,
}
