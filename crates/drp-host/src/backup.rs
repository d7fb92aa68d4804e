//! Backups of a running host, and data directories made of them.
//!
//! `docs/design/0005-backup.md` says what is in a backup, in which form, and why. A host makes one over its API;
//! [`verify`] and [`restore`] need no host.

mod manifest;
mod read;
mod records;
mod restore;
mod room;
mod seal;
#[cfg(test)]
mod tests;
mod write;

pub use self::{
    manifest::Summary,
    read::{RestoreError, verify},
    restore::restore,
};
pub(crate) use self::{room::Backups, write::Source};
