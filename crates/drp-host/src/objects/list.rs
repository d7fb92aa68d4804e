//! Which objects a list request wants, in which order, and how much of each (`models.md` §21.1). Pure functions.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use drp_core::{Error, Params, Raw, RawModel};
use serde_json::Value;

use crate::types::{Form, ObjectType};

/// A list request, read.
#[derive(Debug, Default)]
pub(crate) struct Query {
    filters: Vec<Filter>,
    sort: Option<Index>,
    reverse: bool,
    offset: usize,
    limit: Option<usize>,
    /// Secure params are wanted in clear; whoever answers checks the right to it.
    pub(crate) decode: bool,
    /// How much of each object is wanted.
    pub(crate) trim: Trim,
}

/// How much of an object is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trim {
    slim_meta: bool,
    slim_params: bool,
    /// The only params wanted.
    params: Option<Vec<String>>,
}

/// What a list request found.
#[derive(Debug)]
pub(crate) struct Selected {
    /// The objects of the page that was asked for.
    pub(crate) objects: Vec<Arc<RawModel>>,
    /// How many objects the filters let through, on all pages.
    pub(crate) filtered: usize,
}

/// One index with its conditions, one of which must hold.
#[derive(Debug)]
struct Filter {
    index: Index,
    any_of: Vec<Condition>,
}

/// What objects are compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Index {
    Field(String, Form),
    Param(String),
}

#[derive(Debug)]
enum Condition {
    Eq(Operand),
    Ne(Operand),
    Lt(Operand),
    Lte(Operand),
    Gt(Operand),
    Gte(Operand),
    Between(Operand, Operand),
    Except(Operand, Operand),
    In(Vec<Operand>),
    Nin(Vec<Operand>),
}

/// A value to compare, of an object or of a request.
#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Text(String),
    Bool(bool),
    Int(i64),
    Address(Option<IpAddr>),
    /// The items of a list: it equals each of them.
    Items(Vec<String>),
    Json(Value),
}

impl Query {
    /// Reads the parameters of a request for objects of a type.
    ///
    /// # Errors
    /// 406: no such index, a value that is none of its index, a number below zero.
    pub(crate) fn read<'a>(
        kind: &ObjectType,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        let mut query = Self::default();
        for (name, value) in pairs {
            match name {
                "offset" => query.offset = number("Offset", value)?,
                "limit" => query.limit = Some(number("Limit", value)?),
                "sort" => query.sort = Some(sortable(kind, value)?),
                "reverse" => query.reverse = is_true(value),
                "decode" => query.decode = is_true(value),
                "slim" | "params" => query.trim.read(name, value),
                // These mean something elsewhere, and clients send them along.
                "force" | "aggregate" | "compose" | "token" | "Token" => {}
                _ => query.add_filter(kind, name, value)?,
            }
        }
        Ok(query)
    }

    fn add_filter(&mut self, kind: &ObjectType, name: &str, value: &str) -> Result<(), Error> {
        let index = Index::find(kind, name).ok_or_else(|| refused(format!("Filter not found: {name}")))?;
        let condition = Condition::read(name, &index, value)?;
        match self.filters.iter_mut().find(|filter| filter.index == index) {
            Some(filter) => filter.any_of.push(condition),
            None => self.filters.push(Filter { index, any_of: vec![condition] }),
        }
        Ok(())
    }

    /// The objects that are wanted, out of all of the type, sorted by key. They still hold everything;
    /// [`Trim::apply`] takes out what is not wanted.
    pub(crate) fn select(&self, mut objects: Vec<Arc<RawModel>>) -> Selected {
        objects.retain(|object| self.filters.iter().all(|filter| filter.takes(object)));
        if let Some(index) = &self.sort {
            objects.sort_by_cached_key(|object| SortKey(index.value(object)));
        }
        if self.reverse {
            objects.reverse();
        }
        let filtered = objects.len();
        let page = objects.into_iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX));
        Selected { objects: page.collect(), filtered }
    }
}

impl Trim {
    /// Reads one of the parameters `slim` and `params`; single objects take them too.
    pub(crate) fn read(&mut self, name: &str, value: &str) {
        let items = || value.split(',').map(str::trim).filter(|item| !item.is_empty());
        if name == "params" {
            self.params = Some(items().map(str::to_owned).collect());
            return;
        }
        for item in items() {
            self.slim_meta |= item.eq_ignore_ascii_case("Meta");
            self.slim_params |= item.eq_ignore_ascii_case("Params");
        }
    }

    /// Whether whole objects are wanted, so that their JSON can be sent as it is stored.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Takes out what is not wanted and marks the object as partial.
    pub(crate) fn apply(&self, object: &mut RawModel) {
        if self.is_nothing() {
            return;
        }
        let empty = || Raw::from(Value::Object(serde_json::Map::new()));
        if self.slim_meta {
            object.fields.insert("Meta".to_owned(), empty());
        }
        if self.slim_params && object.fields.contains_key("Params") {
            object.fields.insert("Params".to_owned(), empty());
        } else if let (Some(wanted), Some(mut params)) = (&self.params, object.get::<Params>("Params")) {
            params.retain(|name, _| wanted.contains(name));
            // What was read from JSON is always written as JSON.
            object.fields.insert("Params".to_owned(), Raw::new(&params).unwrap_or_else(|_| empty()));
        }
        object.fields.insert("Partial".to_owned(), Raw::from(Value::Bool(true)));
    }
}

impl Index {
    /// The index of a name: `Key`, `Valid`, a key of the type, a declared property, or else a param.
    fn find(kind: &ObjectType, name: &str) -> Option<Self> {
        let name = match name {
            "Key" => kind.key_field,
            "Valid" => "Validated",
            name => name,
        };
        let is_shown = |name: &str| !kind.hidden.contains(&name) && name != "Secret" && name != "Fingerprint";
        if let Some(field) = kind.fields().find(|field| field.name == name && is_shown(field.name)) {
            return Some(Self::Field(field.name.to_owned(), field.form));
        }
        if kind.declared().any(|(declared, _)| declared == name) {
            return Some(Self::Field(name.to_owned(), Form::Any));
        }
        (kind.has_params && drp_core::names::is_param_name(name)).then(|| Self::Param(name.to_owned()))
    }

    /// What an object has here; `None` where it has nothing.
    fn value(&self, object: &RawModel) -> Option<Operand> {
        match self {
            Self::Param(name) => {
                let value = object.get::<Params>("Params")?.remove(name)?;
                value.parse().ok().map(Operand::Json)
            }
            Self::Field(name, form) => match form {
                Form::Text | Form::Uuid | Form::Bytes => Some(Operand::Text(object.text(name))),
                Form::Bool => Some(Operand::Bool(object.get(name).unwrap_or_default())),
                Form::Int => Some(Operand::Int(object.get(name).unwrap_or_default())),
                Form::Address => Some(Operand::Address(object.text(name).parse().ok())),
                Form::Texts => Some(Operand::Items(object.get(name).unwrap_or_default())),
                Form::TextMap | Form::Map => {
                    let map: std::collections::BTreeMap<String, Raw> = object.get(name).unwrap_or_default();
                    Some(Operand::Items(map.into_keys().collect()))
                }
                Form::List | Form::Any => object.get(name).map(Operand::Json),
            },
        }
    }

    /// Reads a value of a request.
    fn operand(&self, name: &str, text: &str) -> Result<Operand, Error> {
        let form = match self {
            Self::Param(_) => Form::Any,
            Self::Field(_, form) => *form,
        };
        Ok(match form {
            Form::Bool => match text {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                _ => return Err(refused(format!("{name} must be true or false"))),
            },
            Form::Int => Operand::Int(text.parse().map_err(|_| refused(format!("{name} must be an integer")))?),
            Form::Uuid => {
                let uuid: drp_core::Uuid = text.parse().map_err(|_| refused(format!("Invalid UUID: {text}")))?;
                Operand::Text(uuid.to_string())
            }
            Form::Address if text.is_empty() => Operand::Address(None),
            Form::Address => {
                Operand::Address(Some(text.parse().map_err(|_| refused(format!("Invalid address: {text}")))?))
            }
            Form::Text | Form::Bytes => Operand::Text(text.to_owned()),
            Form::Texts | Form::TextMap | Form::Map => Operand::Items(vec![text.to_owned()]),
            Form::List | Form::Any => {
                let json = drp_core::json::parse(text.as_bytes()).unwrap_or_else(|_| Value::from(text));
                Operand::Json(json)
            }
        })
    }

    fn can_sort(&self) -> bool {
        match self {
            Self::Param(_) => true,
            Self::Field(_, form) => !matches!(form, Form::Bool | Form::Texts | Form::List | Form::TextMap | Form::Map),
        }
    }
}

impl Filter {
    fn takes(&self, object: &RawModel) -> bool {
        let value = self.index.value(object);
        self.any_of.iter().any(|condition| condition.holds(value.as_ref()))
    }
}

impl Condition {
    /// Reads `value` or `Op(value)`.
    fn read(name: &str, index: &Index, text: &str) -> Result<Self, Error> {
        let Some((op, arguments)) = operation(text) else { return index.operand(name, text).map(Self::Eq) };
        let one = || index.operand(name, arguments);
        let list = || arguments.split(',').map(|item| index.operand(name, item.trim())).collect::<Result<Vec<_>, _>>();
        let pair = || {
            let (low, high) = arguments
                .split_once(',')
                .ok_or_else(|| refused(format!("Invalid Filter: {name} op {op} requires 2 parameters")))?;
            Ok::<_, Error>((index.operand(name, low.trim())?, index.operand(name, high.trim())?))
        };
        Ok(match op {
            "Eq" => Self::Eq(one()?),
            "Ne" => Self::Ne(one()?),
            "Lt" => Self::Lt(one()?),
            "Lte" => Self::Lte(one()?),
            "Gt" => Self::Gt(one()?),
            "Gte" => Self::Gte(one()?),
            "In" => Self::In(list()?),
            "Nin" => Self::Nin(list()?),
            "Between" => pair().map(|(low, high)| Self::Between(low, high))?,
            "Except" => pair().map(|(low, high)| Self::Except(low, high))?,
            _ => return Err(refused(format!("Invalid Filter {name}: unknown op {op}"))),
        })
    }

    fn holds(&self, value: Option<&Operand>) -> bool {
        let order = |to: &Operand| value.and_then(|value| value.order(to));
        let equals = |to: &Operand| value.is_some_and(|value| value.equals(to));
        let between = |low: &Operand, high: &Operand| {
            order(low).is_some_and(Ordering::is_ge) && order(high).is_some_and(Ordering::is_le)
        };
        match self {
            Self::Eq(to) => equals(to),
            Self::Ne(to) => !equals(to),
            Self::Lt(to) => order(to).is_some_and(Ordering::is_lt),
            Self::Lte(to) => order(to).is_some_and(Ordering::is_le),
            Self::Gt(to) => order(to).is_some_and(Ordering::is_gt),
            Self::Gte(to) => order(to).is_some_and(Ordering::is_ge),
            Self::Between(low, high) => between(low, high),
            Self::Except(low, high) => !between(low, high),
            Self::In(list) => list.iter().any(equals),
            Self::Nin(list) => !list.iter().any(equals),
        }
    }
}

impl Operand {
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Items(items), Self::Items(wanted)) => wanted.iter().all(|item| items.contains(item)),
            (Self::Json(a), Self::Json(b)) if a.is_number() => a.as_f64() == b.as_f64(),
            // A text such as `5` may have been meant as a number or as itself.
            (Self::Json(Value::String(a)), Self::Json(b)) if !b.is_string() => {
                serde_json::to_string(b).is_ok_and(|b| b == *a)
            }
            _ => self == other,
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Address(a), Self::Address(b)) => Some(a.cmp(b)),
            (Self::Json(Value::String(a)), Self::Json(Value::String(b))) => Some(a.cmp(b)),
            (Self::Json(a), Self::Json(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
            _ => None,
        }
    }
}

/// Objects without a value come first; values that cannot be compared are equal, so that the order by key stays.
struct SortKey(Option<Operand>);

impl SortKey {
    /// Numbers before texts before all else.
    fn rank(&self) -> u8 {
        match &self.0 {
            None => 0,
            Some(Operand::Json(value)) if value.is_number() => 1,
            Some(Operand::Json(value)) if !value.is_string() => 3,
            Some(_) => 2,
        }
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let within = || match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.order(b).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        };
        self.rank().cmp(&other.rank()).then_with(within)
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

/// `Op(arguments)`: a capitalised word and parentheses to the end.
fn operation(text: &str) -> Option<(&str, &str)> {
    let (op, rest) = text.split_once('(')?;
    let is_word = op.starts_with(|c: char| c.is_ascii_uppercase()) && op.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word.then_some((op, rest.strip_suffix(')')?))
}

fn sortable(kind: &ObjectType, name: &str) -> Result<Index, Error> {
    let index = Index::find(kind, name).ok_or_else(|| refused(format!("Not sortable: {name}")))?;
    if index.can_sort() { Ok(index) } else { Err(refused(format!("Not sortable: {name}"))) }
}

fn number(what: &str, text: &str) -> Result<usize, Error> {
    let number: i64 = text.parse().map_err(|_| refused(format!("{what} must be a number")))?;
    usize::try_from(number).map_err(|_| refused(format!("{what} cannot be negative")))
}

fn is_true(text: &str) -> bool {
    text == "true" || text.is_empty()
}

fn refused(message: String) -> Error {
    Error::new(406, "GET", message)
}

#[cfg(test)]
mod tests;
