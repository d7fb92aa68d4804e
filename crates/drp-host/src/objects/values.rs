//! The param values in an object that is written: checked against their declarations, and sealed where these say so.

use drp_core::{Error, Param, Params, Raw, RawModel, chain};

use super::{Ask, Objects, Place, read};
use crate::secrets;

/// Bytes of a value that an error shows.
const SHOWN_BYTES_MAX: usize = 256;

/// A param value that is new in an object.
pub(super) struct ChangedParam {
    name: String,
    value: Raw,
    must_be_sealed: bool,
    /// What is wrong with it.
    pub(super) problem: Option<String>,
}

impl Objects {
    /// The declaration of a param, if there is one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn declaration(&self, name: &str) -> Result<Option<Param>, Error> {
        let ask = Ask { method: "GET", prefix: "params", key: name };
        let found = match self.held(ask)? {
            Some(Place::Stored(entry)) => read(ask, &entry.value)?.typed(),
            Some(Place::Layered(object)) => object.typed(),
            None => return Ok(None),
        };
        found.map(Some).map_err(|error| Error::new(500, "GET", error.to_string()).about("params", name))
    }

    /// What is under a section and key, also where no type is known for the section: content of providers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn content(&self, section: &str, key: &str) -> Result<Option<RawModel>, Error> {
        let ask = Ask { method: "GET", prefix: section, key };
        Ok(match self.held(ask)? {
            Some(Place::Stored(entry)) => Some(read(ask, &entry.value)?),
            Some(Place::Layered(object)) => Some(RawModel::clone(&object)),
            None => None,
        })
    }

    /// The texts of all values in `after` that `before` has not and that their declarations do not take.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn param_problems(
        &self,
        prefix: &str,
        key: &str,
        before: &RawModel,
        after: &RawModel,
    ) -> Result<Vec<String>, Error> {
        let changed = self.changed_params(Ask { method: "POST", prefix, key }, Some(before), after)?;
        Ok(changed.into_iter().filter_map(|changed| changed.problem).collect())
    }

    /// Looks at the values that `before` has not. Those that were there before are left alone, so that a new schema
    /// does not stand in the way of every other change.
    pub(super) fn changed_params(
        &self,
        ask: Ask<'_>,
        before: Option<&RawModel>,
        after: &RawModel,
    ) -> Result<Vec<ChangedParam>, Error> {
        let params = |object: &RawModel| object.get::<Params>("Params").unwrap_or_default();
        let before = before.map(params).unwrap_or_default();
        let mut changed = Vec::new();
        for (name, value) in params(after) {
            if before.get(&name).is_some_and(|old| old.get() == value.get()) {
                continue;
            }
            if let Some(param) = self.declaration_in_force(&name)? {
                changed.push(self.judge(ask, &param, name, value)?);
            }
        }
        Ok(changed)
    }

    fn judge(&self, ask: Ask<'_>, param: &Param, name: String, value: Raw) -> Result<ChangedParam, Error> {
        if !param.secure {
            let problem = self.schemas.check(&param.schema, &value).err();
            let problem = problem.map(|problems| violation(&name, &shown(&value), &problems));
            return Ok(ChangedParam { name, value, must_be_sealed: false, problem });
        }
        // A secret must not be shown, so its text says nothing but where it is wrong.
        let wrong = |problems: &[String]| Some(violation(&name, "***", problems));
        let (problem, must_be_sealed) = match secrets::as_sealed(&value) {
            None => (self.schemas.check(&param.schema, &value).err().and_then(|problems| wrong(&problems)), true),
            Some(sealed) => {
                let key = self.secrets.find(ask.prefix, ask.key).map_err(|error| key_failed(ask, &error))?;
                let opened = key.map_or(Err(secrets::OpenError::Corrupted), |key| secrets::open(&sealed, &key));
                let problem = match opened {
                    Ok(plain) => self.schemas.check(&param.schema, &plain).err().and_then(|found| wrong(&found)),
                    Err(error) => wrong(&[error.to_string()]),
                };
                (problem, false)
            }
        };
        Ok(ChangedParam { name, value, must_be_sealed, problem })
    }

    /// Seals, with the object's key, the plain values that must not be stored as such.
    pub(super) async fn seal(
        &self,
        ask: Ask<'_>,
        changed: &[ChangedParam],
        object: &mut RawModel,
    ) -> Result<(), Error> {
        let plain: Vec<_> = changed.iter().filter(|changed| changed.must_be_sealed).collect();
        if plain.is_empty() {
            return Ok(());
        }
        let key = self.secrets.ensure(ask.prefix, ask.key).await.map_err(|error| key_failed(ask, &error))?;
        let mut params: Params = object.get("Params").unwrap_or_default();
        for changed in plain {
            self.secrets.seen(&changed.value);
            let sealed = secrets::seal(&changed.value, &key.public_key());
            params.set(&changed.name, &sealed).map_err(|error| Error::new(500, ask.method, error.to_string()))?;
        }
        object.set("Params", &params).map_err(|error| Error::new(500, ask.method, error.to_string()))
    }
}

/// The text of a value that its declaration does not take. The lone colon is where an empty error type stood in the
/// server that clients know.
pub(super) fn violation(name: &str, value: &str, problems: &[String]) -> String {
    format!("Key '{name}': invalid val '{value}': : {}", problems.join("\n"))
}

pub(super) fn key_failed(ask: Ask<'_>, error: &secrets::KeyError) -> Error {
    Error::new(500, ask.method, chain(error)).about(ask.prefix, ask.key)
}

fn shown(value: &Raw) -> String {
    let mut text = value.as_string().unwrap_or_else(|| value.get().to_owned());
    crate::log::cut(&mut text, SHOWN_BYTES_MAX);
    text
}
