//! Content that a provider ships beside what its types say.

use drp_content::{Bundle, Metadata};
use drp_core::{Model, Param, RawModel};

use crate::schema::DeclaredParam;

/// A bundle of content in the executable; made by [`content!`](crate::content!).
#[derive(Clone, Copy, Debug)]
pub struct Content(&'static str);

impl Content {
    /// A bundle as a text of JSON, for who makes it in another way.
    #[must_use]
    pub const fn new(json: &'static str) -> Self {
        Self(json)
    }

    pub(crate) fn bundle(self) -> Result<Bundle, serde_json::Error> {
        serde_json::from_str(self.0)
    }
}

/// Puts what the provider says of itself over the metadata of its content. What is said in both must be the same.
pub(crate) fn merge_metadata(content: &mut Metadata, provider: &Metadata, mistakes: &mut Vec<String>) {
    for field in Metadata::FIELDS {
        let (text, own) = (content.text(field), provider.text(field));
        let is_default = Metadata::DEFAULTS.contains(&(field, text));
        if own.is_empty() || own == text {
            continue;
        }
        if !text.is_empty() && !is_default {
            mistakes.push(format!("{field} is {text:?} in the content and {own:?} in the provider"));
        }
        content.set(field, own);
    }
}

/// Adds an object that the provider makes. One that is in the content too must be the same.
pub(crate) fn merge_object(
    bundle: &mut Bundle,
    section: &str,
    key: &str,
    object: RawModel,
    mistakes: &mut Vec<String>,
) {
    match found(bundle, section, key) {
        Some(known) if *known != object => {
            mistakes.push(format!("{section} `{key}` is in the content and in the provider, and not the same"));
        }
        _ => bundle.add_raw(section, key.to_owned(), object),
    }
}

/// Adds a param that types declare. The content may describe it further: what both say must be the same.
pub(crate) fn merge_param(
    bundle: &mut Bundle,
    declared: &DeclaredParam,
    mistakes: &mut Vec<String>,
) -> Result<(), serde_json::Error> {
    let mut param = declared.to_param();
    let Some(known) = found(bundle, Param::PREFIX, &declared.name) else { return bundle.add(&param) };
    let known: Param = known.typed()?;
    let mut differ = |what: &str, content: &dyn std::fmt::Display, types: &dyn std::fmt::Display| {
        let name = &declared.name;
        mistakes.push(format!("param `{name}`: the {what} is {content} in the content and {types} in the types"));
    };
    if known.secure != param.secure {
        differ("secrecy", &known.secure, &param.secure);
    }
    if !known.schema.is_null() && known.schema != param.schema {
        differ("schema", &known.schema, &param.schema);
    }
    if [&known.description, &param.description].iter().all(|text| !text.is_empty())
        && known.description != param.description
    {
        differ("description", &known.description, &param.description);
    }
    let description = if param.description.is_empty() { known.description.clone() } else { param.description };
    param = Param { description, schema: param.schema, ..known };
    bundle.add(&param)
}

fn found<'a>(bundle: &'a Bundle, section: &str, key: &str) -> Option<&'a RawModel> {
    bundle.sections.get(section).and_then(|objects| objects.get(key))
}
