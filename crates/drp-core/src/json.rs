//! Untyped JSON that stays the text it was, lists and maps that may be `null`, and bounded parsing.

use std::{
    collections::BTreeMap,
    fmt,
    ops::{Deref, DerefMut},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::limits;

/// Any JSON value, kept as the text that came and parsed when asked.
///
/// A large integer or a long fraction therefore leaves exactly as it entered. Two values are equal if they mean the
/// same JSON, whatever their blanks and key order.
///
/// ```
/// use drp_core::Raw;
/// let raw: Raw = serde_json::from_str("9007199254740993").unwrap();
/// assert_eq!(raw.get(), "9007199254740993");
/// assert_eq!(raw.parse::<u64>().unwrap(), 9007199254740993);
/// ```
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// The value of `value` as JSON text.
    ///
    /// # Errors
    /// As [`serde_json::to_string`]: a map with keys that are no strings, or a failing `Serialize`.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// JSON `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Whether this is JSON `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.get() == "null"
    }

    /// Parses the text as `T`.
    ///
    /// # Errors
    /// The text is no `T`.
    pub fn parse<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }

    /// The string this holds, if it is one.
    #[must_use]
    pub fn as_string(&self) -> Option<String> {
        self.get().starts_with('"').then(|| self.parse().ok()).flatten()
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

/// Any value fits.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Raw {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Raw".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        same(self, other)
    }
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self::new(text).expect("a string is always JSON")
    }
}

impl From<Value> for Raw {
    fn from(value: Value) -> Self {
        Self::new(&value).expect("a JSON value is always JSON")
    }
}

impl From<Raw> for Box<RawValue> {
    fn from(raw: Raw) -> Self {
        raw.0
    }
}

/// Whether two values mean the same JSON, with numbers compared by value (`5` is `5.0`), as Go's decoder sees them.
#[must_use]
pub fn same(a: &Raw, b: &Raw) -> bool {
    a.get() == b.get()
        || match (a.parse::<Value>(), b.parse::<Value>()) {
            (Ok(a), Ok(b)) => same_value(&a, &b),
            _ => false,
        }
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || ((a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)))
        }
        _ => a == b,
    }
}

/// A list, map or byte string that a Go peer may send as `null`: reads as empty, and is written back as it came.
///
/// A fresh one is `null`, as in an object that Go has not filled; [`fill`](Self::fill) or any change makes it real.
#[derive(Clone, Debug)]
pub struct OrNull<C> {
    value: C,
    null: bool,
}

/// A wire list.
pub type List<T> = OrNull<Vec<T>>;
/// A wire map with string keys.
pub type Map<V> = OrNull<BTreeMap<String, V>>;
/// Param values by param name.
pub type Params = Map<Raw>;

impl<C> OrNull<C> {
    /// Turns `null` into the empty list or map, as a server does before it stores an object.
    pub fn fill(&mut self) {
        self.null = false;
    }

    /// Whether this is written as `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.null
    }

    /// The list or map itself.
    #[must_use]
    pub fn into_inner(self) -> C {
        self.value
    }
}

impl Params {
    /// The value of param `name` as `T`, or `None` where it is not set.
    ///
    /// # Errors
    /// The value is no `T`.
    pub fn value<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        self.get(name).map(Raw::parse).transpose()
    }

    /// Sets param `name`.
    ///
    /// # Errors
    /// As [`Raw::new`].
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), serde_json::Error> {
        let value = Raw::new(value)?;
        self.insert(name.to_owned(), value);
        Ok(())
    }
}

impl<C: Default> Default for OrNull<C> {
    fn default() -> Self {
        Self { value: C::default(), null: true }
    }
}

impl<C> From<C> for OrNull<C> {
    fn from(value: C) -> Self {
        Self { value, null: false }
    }
}

impl<C: FromIterator<T>, T> FromIterator<T> for OrNull<C> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        C::from_iter(iter).into()
    }
}

impl<C> Deref for OrNull<C> {
    type Target = C;
    fn deref(&self) -> &C {
        &self.value
    }
}

impl<C> DerefMut for OrNull<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.null = false;
        &mut self.value
    }
}

impl<C: IntoIterator> IntoIterator for OrNull<C> {
    type Item = C::Item;
    type IntoIter = C::IntoIter;
    fn into_iter(self) -> C::IntoIter {
        self.value.into_iter()
    }
}

impl<'a, C> IntoIterator for &'a OrNull<C>
where
    &'a C: IntoIterator,
{
    type Item = <&'a C as IntoIterator>::Item;
    type IntoIter = <&'a C as IntoIterator>::IntoIter;
    fn into_iter(self) -> Self::IntoIter {
        self.value.into_iter()
    }
}

/// `null` and empty are the same value in two spellings.
impl<C: PartialEq> PartialEq for OrNull<C> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<C: Serialize> Serialize for OrNull<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.null { serializer.serialize_none() } else { self.value.serialize(serializer) }
    }
}

impl<'de, C: Deserialize<'de> + Default> Deserialize<'de> for OrNull<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<C>::deserialize(deserializer)?.map(Self::from).unwrap_or_default())
    }
}

/// Why a body is no acceptable JSON.
#[derive(Debug)]
#[non_exhaustive]
pub enum ParseError {
    /// It nests deeper than [`limits::JSON_DEPTH_MAX`].
    TooDeep,
    /// It is not JSON, or not what was expected.
    Invalid(serde_json::Error),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "JSON nests deeper than {} levels", limits::JSON_DEPTH_MAX),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ParseError {}

/// Parses one JSON document that came from outside: bounded in depth, nothing behind it.
///
/// # Errors
/// The text is not JSON, not a `T`, followed by something else, or nested too deep. A caller bounds the size.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, ParseError> {
    match std::str::from_utf8(text) {
        // Looking at all of it at once is quicker than at each string and each raw value again.
        Ok(text) => parse_str(text),
        Err(_) => {
            check_depth(text)?;
            serde_json::from_slice(text).map_err(ParseError::Invalid)
        }
    }
}

/// Like [`parse`], for what is known to be text.
///
/// # Errors
/// As [`parse`].
pub fn parse_str<T: DeserializeOwned>(text: &str) -> Result<T, ParseError> {
    check_depth(text.as_bytes())?;
    serde_json::from_str(text).map_err(ParseError::Invalid)
}

/// Like [`parse`], but an empty body or `null` is the zero value: this is how Go handlers read requests.
///
/// # Errors
/// As [`parse`].
pub fn parse_or_default<T: DeserializeOwned + Default>(text: &[u8]) -> Result<T, ParseError> {
    if text.is_empty() {
        return Ok(T::default());
    }
    Ok(parse::<Option<T>>(text)?.unwrap_or_default())
}

/// Refuses text that nests deeper than [`limits::JSON_DEPTH_MAX`]: raw values are skipped without a recursion limit.
fn check_depth(text: &[u8]) -> Result<(), ParseError> {
    // Fewer opening brackets than levels allowed, wherever they stand: nothing to look for.
    // Counted in bytes, which the processor does many at a time.
    let count = |part: &[u8]| part.iter().map(|byte| u8::from(matches!(byte, b'{' | b'['))).sum::<u8>();
    let brackets: usize = text.chunks(u8::MAX.into()).map(|part| usize::from(count(part))).sum();
    if brackets > limits::JSON_DEPTH_MAX && depth(text) > limits::JSON_DEPTH_MAX {
        return Err(ParseError::TooDeep);
    }
    Ok(())
}

/// Levels that JSON text nests.
pub(crate) fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut rest) = (0_usize, 0, text.iter());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => skip_string(&mut rest),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Goes on behind the quote that ends a string.
fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => {
                rest.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_values_keep_their_text_and_compare_by_meaning() {
        let raw: Raw = serde_json::from_str("1.123456789012345678901").unwrap();
        assert_eq!(serde_json::to_string(&raw).unwrap(), "1.123456789012345678901");
        let (a, b): (Raw, Raw) = serde_json::from_str(r#"[{"a":5,"b":[1]}, {"b": [1.0], "a": 5.0}]"#).unwrap();
        assert_eq!(a, b);
        assert_ne!(a, Raw::null());
    }

    #[test]
    fn null_lists_are_written_back_as_they_came() {
        let list: List<String> = serde_json::from_str("null").unwrap();
        assert_eq!(serde_json::to_string(&list).unwrap(), "null");
        assert!(list.is_empty());
        let mut filled = list.clone();
        filled.fill();
        assert_eq!(serde_json::to_string(&filled).unwrap(), "[]");
        assert_eq!(list, filled);
    }

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse::<Raw>(deep(limits::JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(matches!(parse::<Raw>(deep(limits::JSON_DEPTH_MAX + 1).as_bytes()), Err(ParseError::TooDeep)));
        let text = format!(r#""{}\"{}""#, "[".repeat(500), "{".repeat(500));
        assert!(parse::<Raw>(text.as_bytes()).is_ok());
    }

    #[test]
    fn empty_and_null_bodies_are_the_zero_value_and_trailing_text_is_refused() {
        assert_eq!(parse_or_default::<Params>(b"").unwrap().len(), 0);
        assert_eq!(parse_or_default::<Params>(b"null").unwrap().len(), 0);
        assert!(parse_or_default::<Params>(b"{} x").is_err());
        assert!(parse_or_default::<Params>(b"[]").is_err());
        assert!(parse::<Raw>(b"\"\xff\"").is_err());
    }
}
