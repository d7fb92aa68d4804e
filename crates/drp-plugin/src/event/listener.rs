//! What is registered with the server, and changing it while events come.

use drp_client::{ClientError, EventStream};
use drp_core::Selector;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

/// The configurations' end of the event stream.
pub(crate) struct Listener {
    registered: Vec<Selector>,
    changes: mpsc::Sender<Change>,
}

/// Other selectors for the stream.
pub(crate) struct Change {
    selectors: Vec<Selector>,
    done: oneshot::Sender<Result<(), ClientError>>,
    /// Ends when the new state is in place, or is not going to be.
    settled: oneshot::Receiver<()>,
}

/// Events wait for as long as this lives: it is for the state that goes with the new selectors to be put in place.
pub(crate) struct Settling {
    _settled: oneshot::Sender<()>,
}

impl Listener {
    pub(crate) fn new(registered: Vec<Selector>) -> (Self, mpsc::Receiver<Change>) {
        let (changes, receiver) = mpsc::channel(1);
        (Self { registered, changes }, receiver)
    }

    /// Registers other selectors, if they are others.
    ///
    /// # Errors
    /// The server did not confirm them.
    pub(crate) async fn change(&mut self, selectors: Vec<Selector>) -> Result<Option<Settling>, ClientError> {
        if self.registered == selectors {
            return Ok(None);
        }
        let (done, answer) = oneshot::channel();
        let (settled, settling) = oneshot::channel();
        let change = Change { selectors: selectors.clone(), done, settled: settling };
        // Nobody takes it when the plugin stops; then it does not matter any more.
        if self.changes.send(change).await.is_err() {
            return Ok(None);
        }
        if let Ok(answer) = answer.await {
            answer?;
            self.registered = selectors;
        }
        Ok(Some(Settling { _settled: settled }))
    }
}

impl Change {
    pub(super) async fn carry_out(self, stream: &mut EventStream) {
        let before = stream.selectors().to_vec();
        let changed = stream.set_selectors(self.selectors).await;
        if changed.is_err() {
            // The old state stays, and wants the events that it had. A server that has just not confirmed a change is not
            // waited for: asking is enough.
            let _ = stream.set_selectors(before).now_or_never();
        }
        let _ = self.done.send(changed);
        let _ = self.settled.await;
    }
}
