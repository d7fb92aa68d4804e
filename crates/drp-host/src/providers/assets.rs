//! What providers have unpacked, after they are gone.

use std::{io, sync::PoisonError};

use drp_core::Level;

use super::{Providers, SERVICE, UNPACKED};

impl Providers {
    /// Removes what a provider that is gone has unpacked, unless the operator keeps it.
    pub(super) async fn remove_assets(&self, name: &str) {
        if self.keep_unpacked {
            return;
        }
        match tokio::fs::remove_dir_all(self.unpacked(name)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.log.write(Level::Error, SERVICE, format!("Cannot remove the assets of {name}: {error}"));
            }
            _ => {}
        }
    }

    /// Removes the assets of providers that went while the host did not run. A provider that is there and only does
    /// not load keeps its own.
    pub(crate) async fn remove_orphaned_assets(&self) {
        let Ok(mut entries) = tokio::fs::read_dir(self.environment.webroot.join(UNPACKED)).await else { return };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_directory = entry.file_type().await.is_ok_and(|kind| kind.is_dir());
            // One that takes long may be unpacking just now, from a file of another name.
            let busy = self.importing.lock().unwrap_or_else(PoisonError::into_inner).contains(&name);
            if is_directory && !busy && self.get(&name).is_none() && self.file_of(&name).is_none() {
                self.remove_assets(&name).await;
            }
        }
    }
}
