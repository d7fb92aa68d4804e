//! Uploaded content bundles and all other layers of content as clients see them (`models.md` §19, `host.md` §5.3).

mod built_in;
pub(crate) mod disk;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drp_content::{Bundle, Metadata, Sections};
use drp_core::{Error, Event, Level, Raw, json};
use serde::Serialize;

use crate::{
    auth::Principal,
    bus::Bus,
    layers::{Kind, Layer, Layers},
    log::Log,
    objects::{NewLayer, Objects, Origin},
    params::ParamValues,
};

/// The layer of the objects that clients write one by one.
pub(crate) const BACKING: &str = "BackingStore";
/// The layer of what a server has built in, which clients and bundles take for granted.
pub(crate) const BASIC: &str = "BasicStore";
/// Names that no uploaded bundle can have.
const RESERVED: [&str; 4] = [BACKING, "LocalStore", "DefaultStore", BASIC];
/// The wire's name of this object type.
const CONTENTS: &str = "contents";
const SERVICE: &str = "contents";
/// The type of what a layer is refused for.
const STORE_ERROR: &str = "STORE_ERROR";
/// The metadata of a layer with what follows from its place.
#[derive(Debug, Serialize)]
pub(crate) struct Meta {
    #[serde(flatten)]
    texts: BTreeMap<&'static str, String>,
    #[serde(rename = "Writable")]
    is_writable: bool,
    #[serde(rename = "Overwritable")]
    is_overwritable: bool,
}

/// What lists and events say of a layer.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    meta: Meta,
    #[serde(rename = "Counts")]
    counts: BTreeMap<String, usize>,
    #[serde(rename = "Warnings")]
    warnings: Vec<String>,
}

/// A layer with its objects.
#[derive(Debug, Serialize)]
pub(crate) struct Content {
    meta: Meta,
    sections: Sections,
}

impl Meta {
    fn of(meta: &Metadata, type_: &str) -> Self {
        let text = |field: &'static str| match field {
            "Type" => type_.to_owned(),
            "Documentation" => meta.text(field).to_owned(),
            _ => meta.text(field).trim().to_owned(),
        };
        let texts = Metadata::FIELDS.into_iter().map(|field| (field, text(field))).collect();
        let is_overwritable = matches!(type_, "local" | "basic" | "default");
        Self { texts, is_writable: type_ == "writable", is_overwritable }
    }

    fn of_layer(layer: &Layer) -> Self {
        let type_ = match (layer.kind(), layer.meta().text("Type")) {
            (Kind::Dynamic, said) if !said.is_empty() => said,
            (kind, _) => kind.title(),
        };
        let mut meta = Self::of(layer.meta(), type_);
        // Unlike the local layer of the reference server, no layer here may have a key of another.
        meta.is_overwritable &= layer.kind() != Kind::Local;
        meta.texts.insert("Name", layer.name().to_owned());
        meta
    }

    fn of_backing() -> Self {
        let mut meta = Metadata::default();
        meta.set("Name", BACKING);
        meta.set("Description", "Objects that were written one by one");
        meta.set("Version", "0.0.0");
        Self::of(&meta, "writable")
    }
}

/// All layers from top to bottom, with the objects counted that `by` sees.
pub(crate) fn summaries(objects: &Objects, by: &Principal) -> Result<Vec<Summary>, Error> {
    let mut all = whole_summaries(objects)?;
    if by.is_restricted() {
        for summary in &mut all {
            let name = summary.meta.texts.get("Name").map_or("", String::as_str);
            let seen = sealed_content(objects, by, name)?.map(|content| content.sections).unwrap_or_default();
            summary.counts.retain(|section, count| {
                *count = seen.get(section).map_or(0, |objects| objects.len());
                *count > 0
            });
        }
    }
    Ok(all)
}

fn whole_summaries(objects: &Objects) -> Result<Vec<Summary>, Error> {
    let layers = objects.layers();
    let counts = backing_counts(objects, &layers)?;
    let mut all = vec![Summary { meta: Meta::of_backing(), counts, warnings: Vec::new() }];
    all.extend(layers.all().into_iter().map(|layer| summary(objects, layer, &layers)));
    Ok(all)
}

/// One layer with its objects; `None` if there is none of this name. Secret params are open where `by` may see them:
/// clients seal them for a key of their own before they write them down.
pub(crate) fn content(
    objects: &Objects,
    params: &ParamValues,
    by: &Principal,
    name: &str,
) -> Result<Option<Content>, Error> {
    let Some(mut content) = sealed_content(objects, by, name)? else { return Ok(None) };
    for (section, found) in &mut content.sections {
        for (key, object) in found.iter_mut().filter(|(key, _)| by.allows(section, "getSecure", key)) {
            if object.fields.contains_key("Params")
                // What does not open is shown as it is.
                && let Ok(opened) = params.opened_at(section, key, object)
            {
                object.set("Params", &opened).map_err(|error| Error::new(500, "GET", error.to_string()))?;
            }
        }
    }
    Ok(Some(content))
}

/// A layer with the objects that `by` sees.
fn sealed_content(objects: &Objects, by: &Principal, name: &str) -> Result<Option<Content>, Error> {
    let mut content = whole_content(objects, name)?;
    if let Some(content) = content.as_mut().filter(|_| by.is_restricted()) {
        for (section, found) in &mut content.sections {
            let kind = objects.kind(section);
            found.retain(|key, object| match &kind {
                Some(kind) => by.sees_object(kind, object),
                None => by.sees(section, key),
            });
        }
    }
    Ok(content)
}

fn whole_content(objects: &Objects, name: &str) -> Result<Option<Content>, Error> {
    let layers = objects.layers();
    if let Some(layer) = layers.find(name) {
        return Ok(Some(Content { meta: Meta::of_layer(layer), sections: public(objects, layer.bundle().sections) }));
    }
    if name != BACKING {
        return Ok(None);
    }
    Ok(Some(Content { meta: Meta::of_backing(), sections: public(objects, backing_sections(objects, &layers)?) }))
}

/// Puts an uploaded bundle in force; `method` is what its errors name. Objects of the store make room for it if
/// `replacing` says in whose name.
///
/// # Errors
/// The bundle has no name, demands what `features` lacks, cannot be read or conflicts with what is there.
pub(crate) async fn put(
    objects: &Objects,
    method: &'static str,
    bundle: &Bundle,
    features: &[&str],
    replacing: Option<&Principal>,
) -> Result<Summary, Error> {
    let name = bundle.meta.text("Name").trim();
    let problems = bundle.meta.refusals(features);
    if !problems.is_empty() {
        let error = Error { type_: STORE_ERROR.to_owned(), messages: problems.into(), code: 422, ..Error::default() };
        return Err(refusal(method, name, error));
    }
    let taken = |error: Error| match error.code {
        422 => refusal(method, name, error),
        _ => error,
    };
    let before = objects.layers().find(name).cloned();
    let layer = NewLayer { name, bundle, origin: Origin::Upload };
    let layer = objects.put_layer(layer, replacing).await.map_err(taken)?;
    let mut summary = summary(objects, &layer, &objects.layers());
    if let Some(before) = before {
        summary.warnings.extend(orphaned(objects, &before)?);
    }
    Ok(summary)
}

/// An error of a bundle in the form that clients know: in an update it is the update's, and of what is not there yet it
/// is the store's and names no bundle. One without a name is the request's own fault.
fn refusal(method: &str, name: &str, error: Error) -> Error {
    match method {
        "PUT" => Error { type_: method.to_owned(), ..error }.about(CONTENTS, name),
        _ if name.is_empty() => Error { type_: method.to_owned(), ..error }.about(CONTENTS, ""),
        _ if error.type_ == STORE_ERROR => error.about(CONTENTS, ""),
        _ => error.about("", ""),
    }
}

/// Makes the event of a layer that came, changed or went.
pub(crate) fn publish(bus: &Bus, by: &Principal, action: &str, name: &str, summary: &impl Serialize) {
    let mut event = Event::new(CONTENTS, action, name, Raw::new(summary).unwrap_or_default());
    event.principal.clone_from(&by.name);
    bus.publish(event);
}

/// Whether a client may not upload or delete a layer of this name, because it is the server's, a provider's or on disk.
pub(crate) fn is_foreign(objects: &Objects, name: &str) -> bool {
    RESERVED.contains(&name) || objects.layers().find(name).is_some_and(|layer| layer.kind() != Kind::Dynamic)
}

/// What there is of an uploaded bundle, for whoever is told that it goes.
pub(crate) fn uploaded(objects: &Objects, name: &str) -> Option<Summary> {
    summary_of(objects, name, Kind::Dynamic)
}

fn summary_of(objects: &Objects, name: &str, kind: Kind) -> Option<Summary> {
    let layers = objects.layers();
    let layer = layers.find(name).filter(|layer| layer.kind() == kind)?;
    Some(summary(objects, layer, &layers))
}

/// Loads what is built in. Where the store has an object under one of its keys, none of it is loaded, and that is told.
pub(crate) async fn load_built_in(objects: &Objects, log: &Log) {
    let layer = NewLayer { name: BASIC, bundle: &built_in::bundle(), origin: Origin::BuiltIn };
    if let Err(error) = objects.put_layer(layer, None).await {
        log.write(Level::Error, SERVICE, format!("Cannot load content {BASIC}: {error}"));
    }
}

/// Loads the bundles that were uploaded before. One that does not load any more is told, and stays kept.
pub(crate) async fn load_kept(objects: &Objects, log: &Log) -> Result<(), Error> {
    for (name, text) in objects.kept_contents()? {
        let loaded = match json::parse::<Bundle>(&text) {
            Ok(bundle) => {
                let layer = NewLayer { name: &name, bundle: &bundle, origin: Origin::Kept };
                objects.put_layer(layer, None).await.map(drop).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(text) = loaded {
            log.write(Level::Error, SERVICE, format!("Cannot load content {name}: {text}"));
        }
    }
    Ok(())
}

fn summary(objects: &Objects, layer: &Layer, layers: &Layers) -> Summary {
    let mut warnings = unmet(layer, layers);
    warnings.extend(dangling(objects, layer));
    Summary { meta: Meta::of_layer(layer), counts: layer.counts(), warnings }
}

/// The prerequisites that are not there.
fn unmet(layer: &Layer, layers: &Layers) -> Vec<String> {
    layer.meta().unmet(|name| match layers.find(name) {
        Some(found) => Some(found.meta().text("Version").to_owned()),
        None if name == BACKING => Some(String::new()),
        None => None,
    })
}

/// The profiles that objects of a layer name and that do not exist.
fn dangling(objects: &Objects, layer: &Layer) -> Vec<String> {
    let mut warnings = Vec::new();
    for (_, _, object) in layer.objects() {
        let profiles: Vec<String> = object.get("Profiles").unwrap_or_default();
        for (at, profile) in profiles.iter().enumerate() {
            if matches!(objects.get("profiles", profile), Ok(None)) {
                warnings.push(missing_profile(profile, at));
            }
        }
    }
    warnings
}

/// The profiles that went with what a layer was `before` and that machines still name, each place once.
fn orphaned(objects: &Objects, before: &Layer) -> Result<BTreeSet<String>, Error> {
    let mut gone = BTreeSet::new();
    for (_, profile, _) in before.objects().filter(|(section, ..)| *section == "profiles") {
        if objects.get("profiles", profile)?.is_none() {
            gone.insert(profile);
        }
    }
    if gone.is_empty() {
        return Ok(BTreeSet::new());
    }
    let machines = objects.list("machines")?;
    let places = machines.iter().flat_map(|machine| {
        let profiles: Vec<String> = machine.get("Profiles").unwrap_or_default();
        profiles.into_iter().enumerate().filter(|(_, profile)| gone.contains(profile.as_str()))
    });
    Ok(places.map(|(at, profile)| missing_profile(&profile, at)).collect())
}

fn missing_profile(profile: &str, at: usize) -> String {
    format!("Profile {profile} (at {at}) does not exist")
}

fn backing_counts(objects: &Objects, layers: &Layers) -> Result<BTreeMap<String, usize>, Error> {
    let mut counts = BTreeMap::new();
    for kind in objects.kinds() {
        let all = usize::try_from(objects.count(&kind.prefix)?).unwrap_or(usize::MAX);
        counts.insert(kind.prefix.clone(), all.saturating_sub(layers.count(&kind.prefix)));
    }
    counts.retain(|_, count| *count > 0);
    Ok(counts)
}

fn backing_sections(objects: &Objects, layers: &Layers) -> Result<Sections, Error> {
    let mut sections = Sections::new();
    for kind in objects.kinds() {
        for object in objects.list(&kind.prefix)? {
            let key = object.text(kind.key_field);
            if layers.get(&kind.prefix, &key).is_none() {
                sections.entry(kind.prefix.clone()).or_default().insert(key, Arc::unwrap_or_clone(object));
            }
        }
    }
    Ok(sections)
}

/// The objects without the keys that nobody sees.
fn public(objects: &Objects, mut sections: Sections) -> Sections {
    for (section, found) in &mut sections {
        if let Some(kind) = objects.kind(section) {
            found.values_mut().for_each(|object| kind.redact(object));
        }
    }
    sections
}
