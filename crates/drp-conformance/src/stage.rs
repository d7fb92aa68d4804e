//! A host that stands in for a server: a callback socket, and an API with objects in memory. It keeps to the contract
//! and to nothing else, shares no code with the real one, and can go away, fall silent or flood when it is asked to.

mod api;
mod callback;
mod certificate;
mod events;
mod store;

use std::{io, path::Path, sync::Arc};

pub(crate) use self::{callback::Callbacks, certificate::Certificate, events::Events, store::Store};
use crate::transcript::Transcript;

/// One stage, for one plugin.
pub(crate) struct Stage {
    pub(crate) callbacks: Callbacks,
    pub(crate) api: api::Api,
}

impl Stage {
    /// Serves the callback socket at this path, and an API at a free port.
    pub(crate) async fn open(
        socket: &Path,
        certificate: &Certificate,
        store: Store,
        transcript: &Transcript,
    ) -> io::Result<Self> {
        let store = Arc::new(store);
        let callbacks = Callbacks::serve(socket, Arc::clone(&store), transcript.clone())?;
        let api = api::Api::serve(certificate, store, transcript.clone()).await?;
        Ok(Self { callbacks, api })
    }
}
