//! The websockets of the API.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use crate::transcript::Transcript;

/// Frames that wait for one websocket before the sender waits too.
const WAITING_MAX: usize = 256;

/// All websockets that there are and were.
#[derive(Default)]
pub(crate) struct Events {
    sockets: Mutex<Vec<Socket>>,
    tasks: Mutex<JoinSet<()>>,
    opened: AtomicUsize,
}

struct Socket {
    orders: mpsc::Sender<Order>,
    task: AbortHandle,
    registered: Registered,
    is_stalled: bool,
}

/// Selectors in the order of their registration; one that was registered twice is there twice.
type Registered = Arc<Mutex<Vec<String>>>;

enum Order {
    Send(Message),
    /// Read and send no more, and close nothing.
    Stall,
}

impl Events {
    /// How many websockets there ever were.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// The selectors of each websocket that is open and was not told to stall.
    pub(crate) fn registered(&self) -> Vec<Vec<String>> {
        let sockets = self.sockets();
        let open = sockets.iter().filter(|socket| !socket.is_stalled && !socket.orders.is_closed());
        open.map(|socket| socket.registered.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// Cuts all connections, without a word.
    pub(crate) fn cut(&self) {
        self.sockets().drain(..).for_each(|socket| socket.task.abort());
    }

    /// Lets all websockets fall silent; those that are opened later are not concerned.
    pub(crate) fn stall(&self) {
        for socket in self.sockets().iter_mut() {
            socket.is_stalled = true;
            // One with so much before it to send is not far from stalled.
            let _ = socket.orders.try_send(Order::Stall);
        }
    }

    /// Sends an event to those that registered for it.
    pub(crate) async fn emit(&self, type_: &str, action: &str, key: &str, object: &Value) {
        let time = Timestamp::now().to_string();
        let event = json!({ "Time": time, "Type": type_, "Action": action, "Key": key, "Object": object,
            "Original": null, "Principal": "" });
        let wants = |selectors: &Registered| {
            let selectors = selectors.lock().unwrap_or_else(PoisonError::into_inner);
            selectors.iter().any(|selector| matches(selector, type_, action, key))
        };
        let receivers: Vec<mpsc::Sender<Order>> = {
            let sockets = self.sockets();
            let wanted = sockets.iter().filter(|socket| !socket.is_stalled && wants(&socket.registered));
            wanted.map(|socket| socket.orders.clone()).collect()
        };
        for receiver in receivers {
            let _ = receiver.send(Order::Send(Message::text(event.to_string()))).await;
        }
    }

    /// Sends a frame to all.
    pub(crate) async fn send_raw(&self, message: &Message) {
        let receivers: Vec<_> = self.sockets().iter().map(|socket| socket.orders.clone()).collect();
        for receiver in receivers {
            let _ = receiver.send(Order::Send(message.clone())).await;
        }
    }

    /// Serves a connection that became a websocket.
    pub(super) fn serve(&self, upgrade: hyper::upgrade::OnUpgrade, transcript: Transcript) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let (orders, queue) = mpsc::channel(WAITING_MAX);
        let registered = Registered::default();
        let told = Arc::clone(&registered);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tasks.spawn(async move {
            if let Ok(upgraded) = upgrade.await {
                speak(upgraded, queue, &told, &transcript).await;
            }
        });
        self.sockets().push(Socket { orders, task, registered, is_stalled: false });
    }

    fn sockets(&self) -> MutexGuard<'_, Vec<Socket>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn speak(
    upgraded: Upgraded,
    mut orders: mpsc::Receiver<Order>,
    registered: &Registered,
    transcript: &Transcript,
) {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    loop {
        tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                transcript.add("websocket", &text);
                let Some((verb, selector)) = text.split_once(' ') else { continue };
                {
                    let mut registered = registered.lock().unwrap_or_else(PoisonError::into_inner);
                    match verb {
                        "register" => registered.push(selector.to_owned()),
                        "deregister" => registered.retain(|registered| registered != selector),
                        _ => continue,
                    }
                }
                let time = Timestamp::now().to_string();
                let echo = json!({ "Time": time, "Type": "websocket", "Action": verb, "Key": selector, "Object": null });
                if socket.send(Message::text(echo.to_string())).await.is_err() {
                    return;
                }
            }
            order = orders.recv() => match order {
                Some(Order::Send(message)) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                Some(Order::Stall) => std::future::pending().await,
                None => return,
            }
        }
    }
}

/// Whether an event is meant by a selector: each part is `*` or a list of words.
fn matches(selector: &str, type_: &str, action: &str, key: &str) -> bool {
    let parts: Vec<&str> = selector.splitn(3, '.').collect();
    let is_meant = |(part, word): (&&str, &str)| *part == "*" || part.split(',').any(|wanted| wanted == word);
    parts.len() == 3 && parts.iter().zip([type_, action, key]).all(is_meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_mean_what_servers_take_them_for() {
        let check = |selector: &str, is_meant| {
            assert_eq!(matches(selector, "machines", "update", "a.b"), is_meant, "{selector}");
        };
        check("*.*.*", true);
        check("machines.update.*", true);
        check("jobs,machines.update,save.a.b", true);
        check("machines.update.a", false);
        check("machines.create.*", false);
        check("machines.*", false);
    }
}
