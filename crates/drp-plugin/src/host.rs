//! What a plugin can ask of the host that runs it.

use std::{fmt, path::Path, sync::Arc};

use bytes::Bytes;
use drp_core::{Error as WireError, Event, RawModel, limits};
use tokio::sync::Mutex;

use crate::{Error, Result, callback::Callback};

/// The host, over the socket FROM.
#[derive(Clone)]
pub(crate) struct Host(Arc<Mutex<Callback>>);

/// What the host is asked, by the last part of its path.
enum Question<'a> {
    Post(&'a str, Bytes),
    Get(&'a str),
}

impl Host {
    pub(crate) fn at(socket: &Path) -> Self {
        Self(Arc::new(Mutex::new(Callback::new(socket))))
    }

    pub(crate) async fn publish(&self, event: &Event) -> Result<()> {
        let body = serde_json::to_vec(event)?;
        self.ask("publish the event", Question::Post("publish", body.into())).await.map(drop)
    }

    pub(crate) async fn leaving(&self, reason: &WireError) -> Result<()> {
        let body = serde_json::to_vec(reason)?;
        self.ask("leave", Question::Post("leaving", body.into())).await.map(drop)
    }

    pub(crate) async fn objects(&self, prefix: &str) -> Result<Vec<RawModel>> {
        if prefix.is_empty() || prefix.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)) {
            return Err(Error::bad_request(format!("`{prefix}` is no object type")));
        }
        let body = self.ask("list objects", Question::Get(&format!("objects/{prefix}"))).await?;
        serde_json::from_slice(&body).map_err(|error| Error::from(error).context("the host's list of objects"))
    }

    /// One exchange, with a time limit.
    async fn ask(&self, doing: &str, question: Question<'_>) -> Result<Bytes> {
        let mut callback = self.0.lock().await;
        let exchange = async {
            match question {
                Question::Post(what, body) => callback.post(what, body).await,
                Question::Get(what) => callback.get(what).await,
            }
        };
        let answer = match tokio::time::timeout(limits::REQUEST_TIME, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                callback.disconnect();
                return Err(Error::from(error)
                    .context(format!("cannot {doing}: the host does not answer"))
                    .with_code(502));
            }
            Err(_) => {
                callback.disconnect();
                let limit = limits::REQUEST_TIME;
                return Err(Error::new(504, format!("cannot {doing}: the host did not answer within {limit:?}")));
            }
        };
        if answer.status < 400 {
            return Ok(answer.body);
        }
        let said = serde_json::from_slice::<WireError>(&answer.body).map(|error| error.to_string()).unwrap_or_default();
        Err(Error::new(answer.status, format!("cannot {doing}: the host answered {} {said}", answer.status)))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
