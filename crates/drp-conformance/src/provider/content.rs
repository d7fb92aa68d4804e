//! What the content of a definition declares.

use std::collections::BTreeMap;

use drp_content::Bundle;
use drp_core::chain;
use serde_json::Value;

/// A bundle, as raw JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content(Value);

/// A param that is declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    pub(crate) schema: Value,
    pub(crate) is_secure: bool,
}

impl Content {
    /// Reads YAML or JSON; the error is a text.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let bundle = Bundle::from_yaml(text).map_err(|error| chain(&error))?;
        let json = bundle.to_json().map_err(|error| error.to_string())?;
        serde_json::from_str(&json).map(Self).map_err(|error| error.to_string())
    }

    /// Its params by name.
    pub(crate) fn params(&self) -> BTreeMap<String, Declared> {
        let read = |(name, param): (&String, &Value)| {
            let declared = Declared { schema: param["Schema"].clone(), is_secure: param["Secure"] == true };
            (name.clone(), declared)
        };
        self.section("params").map(read).collect()
    }

    /// The objects of a section by key.
    pub(crate) fn section(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0["sections"][name].as_object().into_iter().flatten()
    }
}
