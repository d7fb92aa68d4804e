//! What a handler is given besides its target and params.

use std::{fmt, sync::Arc, time::Instant};

use drp_client::Client;
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// The surroundings of one call of a handler: the state of the plugin, the server, and when to end.
///
/// Cheap to clone. In a test of a handler, [`Context::new`] makes one.
pub struct Context<S> {
    state: Arc<S>,
    call: Call,
}

/// The part of a context that does not depend on the author's state.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) plugin: Arc<str>,
    pub(crate) client: Client,
    pub(crate) log: Span,
    pub(crate) cancelled: CancellationToken,
    pub(crate) deadline: Option<Instant>,
}

impl<S> Context<S> {
    /// A context of one's own, as in a test: a plugin's name, its state, and the server to talk to.
    pub fn new(plugin: &str, state: S, client: Client) -> Self {
        let call = Call {
            plugin: plugin.into(),
            client,
            log: Span::current(),
            cancelled: CancellationToken::new(),
            deadline: None,
        };
        Self { state: Arc::new(state), call }
    }

    pub(crate) fn of_call(state: Arc<S>, call: Call) -> Self {
        Self { state, call }
    }

    /// What the last good `configure` returned when this call began.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Name of the plugin: the instance of the provider that this process is.
    #[must_use]
    pub fn plugin_name(&self) -> &str {
        &self.call.plugin
    }

    /// The server, with the rights that the plugin has.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.call.client
    }

    /// The log of this call: lines made inside of it belong together in the server's log.
    ///
    /// A handler is inside of it already. Take it along to a task of your own:
    /// `tokio::spawn(work.instrument(context.log().clone()))`.
    #[must_use]
    pub fn log(&self) -> &Span {
        &self.call.log
    }

    /// Turns when the call should end: the plugin is stopping, or the deadline has passed.
    ///
    /// The handler's future is dropped then at its next await; this is for tasks and threads that it has started.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        &self.call.cancelled
    }

    /// When the call will be cancelled; `None` if it may take as long as it likes.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.call.deadline
    }
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), call: self.call.clone() }
    }
}

impl<S> fmt::Debug for Context<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The state may hold secrets, so it is not shown.
        f.debug_struct("Context")
            .field("plugin", &self.call.plugin)
            .field("deadline", &self.call.deadline)
            .finish_non_exhaustive()
    }
}
