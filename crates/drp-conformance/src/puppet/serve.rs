//! `listen`: the two sockets.

use std::{
    fs,
    io::{self, Write},
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use drp_core::{contract, limits};
use http::{Method, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::AsyncWriteExt,
    net::{UnixListener, UnixStream},
};

use super::definition;

/// How often it looks whether its host is still there.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
/// How long a call to the host may take.
const CALL_TIME: Duration = Duration::from_secs(10);

struct Puppet {
    name: String,
    from: PathBuf,
    /// The configuration that it was told last.
    config: Mutex<Value>,
}

/// An answer: its status and its JSON.
type Answer = (u16, String);

pub(super) fn listen(name: &str, to: &Path, from: &Path) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(name, to, from))
}

async fn serve(name: &str, to: &Path, from: &Path) -> io::Result<()> {
    let _ = fs::remove_file(to);
    let listener = UnixListener::bind(to)?;
    writeln!(io::stdout(), "{}", contract::READY)?;
    let puppet = Arc::new(Puppet { name: name.to_owned(), from: from.to_owned(), config: Mutex::default() });
    let parent = parent_id();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let puppet = Arc::clone(&puppet);
                tokio::spawn(async move {
                    let service = service_fn(|request| puppet.answer(request));
                    // Who breaks off has no answer.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            () = tokio::time::sleep(LOOK_PAUSE) => if parent_id() != parent { return Ok(()) },
        }
    }
}

impl Puppet {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, http::Error> {
        let is_post = request.method() == Method::POST;
        let path = request.uri().path().to_owned();
        let body = Limited::new(request.into_body(), limits::BODY_BYTES_MAX).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let (status, text) = match path.as_str() {
            contract::CONFIG_PATH if is_post => self.configure(&body),
            contract::ACTION_PATH if is_post => self.act(&body).await,
            contract::STOP_PATH if is_post => self.stop().await,
            _ => error(404, &self.name, "Not Found"),
        };
        let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
        response.body(Full::new(Bytes::from(text)))
    }

    fn configure(&self, body: &[u8]) -> Answer {
        let config: Value = serde_json::from_slice(body).unwrap_or_default();
        let refuse = config[definition::param(&self.name, "refuse")].as_u64();
        if let Some(code) = refuse.and_then(|code| u16::try_from(code).ok()) {
            return error(code, &self.name, "refused as it was told");
        }
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        (200, json!({ "Model": "", "Key": "", "Type": "", "Messages": null, "Code": 200 }).to_string())
    }

    async fn act(&self, body: &[u8]) -> Answer {
        let action: Value = serde_json::from_slice(body).unwrap_or_default();
        let params = &action["Params"];
        match action["Command"].as_str().unwrap_or_default() {
            // As it came: no number is touched.
            "echo" | "choosy" => match serde_json::from_slice::<Box<RawValue>>(body) {
                Ok(raw) => (200, raw.get().to_owned()),
                Err(bad) => error(400, &self.name, &bad.to_string()),
            },
            "fail" => {
                let code = params["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
                error(code, &self.name, "failed as it was told")
            }
            "told" => (200, self.told().to_string()),
            "log" => {
                let line = json!({ "Group": 1, "Seq": 1, "Time": jiff::Timestamp::now().to_string(),
                    "Service": self.name, "Level": "error", "File": "", "Line": 0, "Message": params["message"],
                    "Data": [], "IgnorePublish": false });
                self.call("/log", &line).await
            }
            "publish" => self.call("/publish", &params["event"]).await,
            "leave" => {
                let left = json!({ "Model": "", "Key": "", "Type": "", "Messages": [], "Code": params["code"] });
                self.call("/leaving", &left).await
            }
            "crash" => std::process::exit(3),
            _ => error(404, &self.name, "no such action"),
        }
    }

    /// What it was told: its configuration, and its environment.
    fn told(&self) -> Value {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        json!({
            "Config": config,
            "RS_ENDPOINT": variable("RS_ENDPOINT"),
            "RS_FILESERVER": variable("RS_FILESERVER"),
            "RS_TOKEN": variable("RS_TOKEN"),
        })
    }

    /// Says so, and ends.
    async fn stop(&self) -> Answer {
        let key = self.config.lock().unwrap_or_else(PoisonError::into_inner)["Name"].clone();
        let event = json!({ "Time": jiff::Timestamp::now().to_string(), "Type": self.name, "Action": "stopped",
            "Key": key, "Object": null });
        self.call("/publish", &event).await;
        // Once the answer is out.
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            std::process::exit(0)
        });
        (200, json!({ "Messages": null, "Code": 200 }).to_string())
    }

    /// Posts to the host, and answers how that went.
    async fn call(&self, what: &str, body: &Value) -> Answer {
        match tokio::time::timeout(CALL_TIME, self.post(what, body)).await {
            Ok(Ok(status)) => (200, json!({ "Status": status }).to_string()),
            Ok(Err(bad)) => error(500, &self.name, &bad.to_string()),
            Err(_) => error(500, &self.name, "the host does not answer"),
        }
    }

    async fn post(&self, what: &str, body: &Value) -> io::Result<u16> {
        let mut stream = UnixStream::connect(&self.from).await?;
        let body = body.to_string();
        let head = format!(
            "POST {}{what} HTTP/1.1\r\nHost: unix\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            contract::CALLBACK_PREFIX,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await?;
        let mut answer = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
    }
}

/// An error object of the provider.
fn error(code: u16, name: &str, message: &str) -> Answer {
    let object = json!({ "Model": "conformance", "Key": name, "Type": "puppet", "Messages": [message], "Code": code });
    (code, object.to_string())
}
