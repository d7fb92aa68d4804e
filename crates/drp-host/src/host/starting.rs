//! What is said of a host that starts, and why it does not.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use drp_core::Error;

use crate::{
    log::LogLines,
    store::{OpenError, WatchError},
    tls::TlsError,
};

/// A host does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something in the data directory cannot be made, read or written.
    #[error("cannot use `{path}`", path = path.display())]
    Data {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store does not open.
    #[error("cannot open the store")]
    Store(#[source] OpenError),
    /// There is no certificate to show.
    #[error("cannot prepare TLS")]
    Tls(#[source] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The first objects cannot be written.
    #[error("cannot prepare the objects of a new host")]
    Objects(#[source] Error),
    /// The changes of the store cannot be followed.
    #[error("cannot follow the store")]
    Watch(#[source] WatchError),
}

impl StartError {
    pub(super) fn data(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Data { path, source }
    }
}

/// What is known of a host that starts.
#[non_exhaustive]
pub struct Starting {
    /// All lines of the log: what is wrong with content and providers is said there.
    pub log: LogLines,
    /// As [`Host::admin`](crate::Host::admin).
    pub admin: String,
    /// As [`Host::new_admin_password`](crate::Host::new_admin_password); from here on it is the administrator's, even if the start fails.
    pub new_admin_password: Option<String>,
}

/// Without the password, which must not get into a log.
impl std::fmt::Debug for Starting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Starting").field("admin", &self.admin).finish_non_exhaustive()
    }
}
