//! Providers that come and go over the API: received beside the one in force, asked what they are, and only then put in
//! its place (`host.md` §5.1, §5.2).

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use drp_core::{Level, limits, names};

use super::{Claim, Definition, ImportError, Imported, Providers, SERVICE};
use crate::auth::Principal;

/// What an upload's temporary file is called: hidden, so that no start takes it for a provider.
const PART_PREFIX: &str = ".";
const PART_SUFFIX: &str = ".part";

/// An executable that is being received. Dropped before it is accepted, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Upload {
    claim: Claim,
    part: PathBuf,
    file: Option<File>,
}

/// An upload cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// No provider can have this name.
    #[error("{}", names::complaint("Invalid Name", .0))]
    Name(String),
    /// The same provider is being changed by somebody else.
    #[error("plugin_provider {0} already uploading")]
    Busy(String),
    /// There is no directory of providers, and none can be made.
    #[error("unable to create plugins directory")]
    Directory(#[source] io::Error),
    /// The temporary file cannot be made.
    #[error("Unable to upload {0}: {1}")]
    Part(String, #[source] io::Error),
}

/// A provider cannot be deleted. It stays as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoveError {
    /// It has no file.
    #[error("Not Found")]
    Missing,
    /// It is being changed by somebody else.
    #[error("plugin_provider {0} is being imported")]
    Busy(String),
    /// The system does not let it go.
    #[error("Unable to delete {0}: {1}")]
    Io(String, #[source] io::Error),
}

impl Upload {
    /// The name under which it was uploaded.
    pub(crate) fn name(&self) -> &str {
        &self.claim.name
    }

    /// The file to write to.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.as_ref().ok_or_else(|| io::Error::other("the upload is closed"))?.try_clone()
    }

    /// Ends the writing, durably: a file that is open for writing cannot be run.
    fn close(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Once it is accepted there is nothing under this name.
        let _ = fs::remove_file(&self.part);
    }
}

impl Providers {
    /// Begins an upload of the file `name`.
    ///
    /// # Errors
    /// See [`UploadError`].
    pub(crate) fn begin_upload(&self, name: &str) -> Result<Upload, UploadError> {
        let part_name = format!("{PART_PREFIX}{name}{PART_SUFFIX}");
        if !names::is_name(name) || part_name.len() > limits::FILE_NAME_BYTES_MAX {
            return Err(UploadError::Name(name.to_owned()));
        }
        let claim = self.claim(name).ok_or_else(|| UploadError::Busy(name.to_owned()))?;
        self.make_directory().map_err(UploadError::Directory)?;
        let part = self.directory.join(part_name);
        // Whoever left one is gone, because nobody else has the claim.
        let made =
            removed(&part).and_then(|()| OpenOptions::new().write(true).create_new(true).mode(0o700).open(&part));
        let file = made.map_err(|error| UploadError::Part(name.to_owned(), error))?;
        Ok(Upload { claim, part, file: Some(file) })
    }

    /// Takes an upload in, if it is a provider that goes with what is there. Objects of the store make room for its
    /// content if `replacing` says in whose name. Its plugins are started anew.
    ///
    /// # Errors
    /// See [`ImportError`]. What was there before stays in force, and so does its file.
    pub(crate) async fn finish_upload(&self, upload: Upload, replacing: Option<&Principal>) -> Result<(), ImportError> {
        let finished = self.install(upload, replacing).await;
        finished.inspect_err(|error| self.log.write(Level::Error, SERVICE, error.to_string()))
    }

    /// Deletes a file of the directory, and the provider that it is: definition, content and unpacked assets. Its
    /// plugins stop and say that they miss it.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub(crate) async fn remove(&self, name: &str) -> Result<(), RemoveError> {
        let path = self.file_of(name).ok_or(RemoveError::Missing)?;
        let busy = || RemoveError::Busy(name.to_owned());
        let _claim = self.claim(name).ok_or_else(busy)?;
        let provider = self.list().into_iter().find(|provider| provider.path == path);
        let other = provider.as_ref().map(|provider| provider.definition.name.clone()).filter(|other| other != name);
        let _other = other.map(|other| self.claim(&other).ok_or_else(busy)).transpose()?;
        // First what can fail: nothing else has changed then.
        fs::remove_file(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RemoveError::Missing,
            _ => RemoveError::Io(name.to_owned(), error),
        })?;
        if let Some(provider) = provider {
            self.drop_provider(&provider.definition.name).await;
        }
        Ok(())
    }

    /// The executable of the provider or the file of this name, if there is one.
    pub(crate) fn executable(&self, name: &str) -> Option<PathBuf> {
        self.file_of(name).or_else(|| self.get(name).map(|provider| provider.path.clone()))
    }

    async fn install(&self, mut upload: Upload, replacing: Option<&Principal>) -> Result<(), ImportError> {
        let file = upload.name().to_owned();
        let failed = |source| ImportError::Install { file: file.clone(), source };
        let mut upload = tokio::task::spawn_blocking(move || upload.close().map(|()| upload))
            .await
            .map_err(|error| failed(io::Error::other(error)))?
            .map_err(failed)?;
        let definition = self.ask(&upload.part, &file).await?;
        let _other = self.claim_other(&definition, &file)?;
        let target = self.directory.join(&file);
        if let Some(other) = self.other_file(&definition, &target) {
            put_in_place(&mut upload, &target).map_err(failed)?;
            let name = &definition.provider.name;
            let text = format!("{file} is kept, but provider {name} stays the one of {}", other.display());
            self.log.write(Level::Warn, SERVICE, text);
            return Ok(());
        }
        let before = self.get(&definition.provider.name);
        self.accept(&definition, replacing).await?;
        if let Err(source) = put_in_place(&mut upload, &target) {
            self.restore(&definition, before).await;
            return Err(failed(source));
        }
        self.take_in(definition, target).await;
        Ok(())
    }

    /// Puts the content of the provider before back in force.
    async fn restore(&self, refused: &Definition, before: Option<Arc<Imported>>) {
        let Some(before) = before else { return self.objects.drop_layer(&refused.provider.name).await };
        let restored = match super::define::check(before.definition.clone(), &before.definition.name) {
            Ok(definition) => self.accept(&definition, None).await,
            Err(error) => Err(error),
        };
        if let Err(error) = restored {
            self.log.write(Level::Error, SERVICE, format!("Cannot restore {}: {error}", before.definition.name));
        }
    }

    /// Takes a provider away whose file is gone.
    async fn drop_provider(&self, name: &str) {
        self.objects.drop_layer(name).await;
        self.withdrawn.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.forget(name);
        self.remove_assets(name).await;
        self.log.write(Level::Info, SERVICE, format!("Provider {name} is deleted"));
    }

    pub(super) fn file_of(&self, name: &str) -> Option<PathBuf> {
        let path = self.directory.join(name);
        // A name leads nowhere else.
        (names::is_name(name) && path.symlink_metadata().is_ok_and(|found| !found.is_dir())).then_some(path)
    }
}

/// Removes what uploads left that a crash cut short. What cannot be removed is in nobody's way before the next upload.
pub(super) fn remove_leftovers(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(PART_PREFIX.as_bytes()) && bytes.ends_with(PART_SUFFIX.as_bytes()) {
            let _ = removed(&entry.path());
        }
    }
    Ok(())
}

fn removed(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Replaces the file of a provider in one step, so that there always is a whole one.
fn put_in_place(upload: &mut Upload, target: &Path) -> io::Result<()> {
    fs::set_permissions(&upload.part, Permissions::from_mode(0o700))?;
    fs::rename(&upload.part, target)?;
    // From here on the new file is the one, whatever the disk says about the directory.
    if let Some(directory) = target.parent() {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
    Ok(())
}
