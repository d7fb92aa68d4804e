//! Content bundles that the operator has in a directory: read at start and again when asked, each a layer of its own.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use drp_content::Bundle;
use drp_core::{Error, chain, limits};
use ring::digest::{SHA256, digest};
use tokio::{sync::Mutex, task};

use super::{Summary, summary_of};
use crate::{
    api::FEATURES,
    layers::Kind,
    objects::{NewLayer, Objects, Origin},
    reload::{ContentChange, ContentReload},
};

/// The directory and what of it is in force.
pub(crate) struct DiskContent {
    directory: Option<PathBuf>,
    objects: Arc<Objects>,
    /// By file. Held while the directory is read, so that two readers do not mix.
    loaded: Mutex<BTreeMap<PathBuf, Loaded>>,
}

/// A bundle in force.
#[derive(Clone, Debug)]
struct Loaded {
    name: String,
    /// Of the bundle as it was read.
    digest: Vec<u8>,
}

/// A bundle that was read and is not in force yet.
struct Candidate {
    path: PathBuf,
    bundle: Bundle,
    now: Loaded,
}

/// What happened to a bundle, and what clients are to hear of it.
pub(crate) struct Outcome {
    pub(crate) reload: ContentReload,
    /// The summary of a layer that is there now, or was before it went.
    pub(crate) summary: Option<Summary>,
}

impl DiskContent {
    /// Nothing is read yet. Without a directory nothing ever is.
    pub(crate) fn new(directory: Option<PathBuf>, objects: Arc<Objects>) -> Self {
        Self { directory, objects, loaded: Mutex::default() }
    }

    /// Reads the directory and brings the layers to what is in it. What cannot be used is refused, and what was in
    /// force of it before stays. Tells of every bundle.
    ///
    /// # Errors
    /// The directory cannot be read; nothing changes then.
    pub(crate) async fn load(&self) -> io::Result<Vec<Outcome>> {
        let Some(directory) = self.directory.clone() else { return Ok(Vec::new()) };
        let mut loaded = self.loaded.lock().await;
        let found = task::spawn_blocking(move || read_all(&directory)).await.map_err(io::Error::other)??;
        let mut outcomes = self.remove_missing(&mut loaded, &found).await;
        let mut pending = Vec::new();
        for (path, read) in found {
            match read.and_then(|bundle| self.candidate(&path, bundle, &loaded)) {
                Ok(candidate) => pending.push(candidate),
                Err(text) => outcomes.push(Outcome::of(&path, "", ContentChange::Refused(text))),
            }
        }
        refuse_doubles(&mut pending, &mut outcomes);
        self.bring(&mut loaded, pending, &mut outcomes).await;
        outcomes.sort_by(|a, b| a.reload.path.cmp(&b.reload.path));
        Ok(outcomes)
    }

    async fn remove_missing(
        &self,
        loaded: &mut BTreeMap<PathBuf, Loaded>,
        found: &BTreeMap<PathBuf, Result<Bundle, String>>,
    ) -> Vec<Outcome> {
        let gone: Vec<_> = loaded.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        let mut outcomes = Vec::new();
        for path in gone {
            if let Some(had) = loaded.remove(&path) {
                // A file that only got another name is no reason to take its objects away for a while.
                let is_same = |read: &Result<Bundle, String>| {
                    read.as_ref().is_ok_and(|bundle| bundle.meta.text("Name").trim() == had.name)
                };
                let heir = found.iter().find(|(path, read)| !loaded.contains_key(*path) && is_same(read));
                if let Some((heir, _)) = heir {
                    loaded.insert(heir.clone(), had);
                    continue;
                }
                let name = had.name;
                let summary = summary_of(&self.objects, &name, Kind::Local);
                self.objects.drop_layer(&name).await;
                outcomes.push(Outcome { summary, ..Outcome::of(&path, &name, ContentChange::Removed) });
            }
        }
        outcomes
    }

    fn candidate(&self, path: &Path, bundle: Bundle, loaded: &BTreeMap<PathBuf, Loaded>) -> Result<Candidate, String> {
        let name = bundle.meta.text("Name").trim().to_owned();
        let problems = bundle.meta.refusals(&FEATURES);
        if !problems.is_empty() {
            return Err(problems.join("\n"));
        }
        if let Some(had) = loaded.get(path).filter(|had| had.name != name) {
            return Err(format!("Cannot change name from {} to {name}", had.name));
        }
        if let Some((other, _)) = loaded.iter().find(|(other, had)| *other != path && had.name == name) {
            return Err(format!("the bundle {name} is in {} already", other.display()));
        }
        let text = bundle.to_json().map_err(|error| error.to_string())?;
        let digest = digest(&SHA256, text.as_bytes()).as_ref().to_vec();
        Ok(Candidate { path: path.to_owned(), bundle, now: Loaded { name, digest } })
    }

    /// Puts bundles in force. An object may have moved from one to another, so who is refused is tried again as long as
    /// others get through.
    async fn bring(
        &self,
        loaded: &mut BTreeMap<PathBuf, Loaded>,
        mut pending: Vec<Candidate>,
        outcomes: &mut Vec<Outcome>,
    ) {
        loop {
            let before = pending.len();
            let mut refused = Vec::new();
            for candidate in pending {
                match self.put(loaded, &candidate).await {
                    Ok(change) => {
                        let Candidate { path, now, .. } = candidate;
                        let summary = summary_of(&self.objects, &now.name, Kind::Local);
                        outcomes.push(Outcome { summary, ..Outcome::of(&path, &now.name, change) });
                        loaded.insert(path, now);
                    }
                    Err(error) => refused.push((candidate, error)),
                }
            }
            if refused.is_empty() || refused.len() == before {
                outcomes.extend(refused.into_iter().map(|(candidate, error)| {
                    let change = ContentChange::Refused(error.to_string());
                    Outcome::of(&candidate.path, &candidate.now.name, change)
                }));
                return;
            }
            pending = refused.into_iter().map(|(candidate, _)| candidate).collect();
        }
    }

    async fn put(&self, loaded: &BTreeMap<PathBuf, Loaded>, candidate: &Candidate) -> Result<ContentChange, Error> {
        let Candidate { path, bundle, now } = candidate;
        let had = loaded.get(path);
        if had.is_some_and(|had| had.digest == now.digest) {
            return Ok(ContentChange::Unchanged);
        }
        self.objects.put_layer(NewLayer { name: &now.name, bundle, origin: Origin::Disk }, None).await?;
        Ok(if had.is_some() { ContentChange::Replaced } else { ContentChange::Added })
    }
}

impl Outcome {
    fn of(path: &Path, name: &str, change: ContentChange) -> Self {
        let reload = ContentReload { path: path.to_owned(), name: name.to_owned(), change };
        Self { reload, summary: None }
    }
}

/// Of two files with bundles of one name the first counts.
fn refuse_doubles(candidates: &mut Vec<Candidate>, outcomes: &mut Vec<Outcome>) {
    let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
    candidates.retain(|Candidate { path, now, .. }| match first.get(&now.name) {
        Some(other) => {
            let text = format!("the bundle {} is in {} already", now.name, other.display());
            outcomes.push(Outcome::of(path, &now.name, ContentChange::Refused(text)));
            false
        }
        None => {
            first.insert(now.name.clone(), path.clone());
            true
        }
    });
}

/// Reads every bundle of the directory: files of YAML and JSON, and directories with a file for each object. Other
/// files, and what is hidden, are left alone. Blocks.
fn read_all(directory: &Path) -> io::Result<BTreeMap<PathBuf, Result<Bundle, String>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_text = matches!(path.extension().and_then(|text| text.to_str()), Some("yaml" | "yml" | "json"));
        if is_hidden || !(is_text || path.is_dir()) {
            continue;
        }
        if found.len() == limits::CONTENT_BUNDLES_MAX {
            return Err(io::Error::other(format!("there are more than {} bundles", limits::CONTENT_BUNDLES_MAX)));
        }
        let read = if path.is_dir() { read_directory(&path) } else { read_file(&path) };
        found.insert(path, read);
    }
    Ok(found)
}

fn read_file(path: &Path) -> Result<Bundle, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    // A pipe would be waited for, and a device has no end.
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let size = metadata.len();
    if size > limits::BODY_BYTES_MAX as u64 {
        return Err(format!("content of {size} bytes is over the limit of {}", limits::BODY_BYTES_MAX));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Bundle::from_yaml(&text).map_err(|error| chain(&error))
}

fn read_directory(path: &Path) -> Result<Bundle, String> {
    Bundle::from_directory(path).map_err(|error| chain(&error))
}

#[cfg(test)]
mod tests;
