//! Paths of the provider's own below `/plugin-apis/web-endpoint` of the server's API. Whoever asks has been let in by
//! the server. `/health` and `/metrics` are there in every plugin.

use std::{
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use drp_plugin::{Context, EndpointRequest, EndpointResponse, Error, NoParams, Provider, Result};
use serde::{Deserialize, Serialize};

/// Notes that are kept at most.
const NOTES_MAX: usize = 100;

#[derive(Default)]
struct Board(Mutex<Vec<Note>>);

#[derive(Clone, Deserialize, Serialize)]
struct Note {
    text: String,
    #[serde(default)]
    author: String,
}

async fn answer(context: Context<Board>, request: EndpointRequest) -> Result<EndpointResponse> {
    let notes = &context.state().0;
    match (request.method().as_str(), request.uri().path()) {
        ("GET", "/notes") => json(200, &*notes.lock().unwrap_or_else(PoisonError::into_inner)),
        ("POST", "/notes") => {
            let note: Note = serde_json::from_slice(request.body())
                .map_err(|error| Error::from(error).with_code(400).context("expected a note"))?;
            let asks = request.headers().get("x-drp-principal").and_then(|value| value.to_str().ok());
            let note = Note { author: asks.unwrap_or("somebody").to_owned(), ..note };
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            if notes.len() == NOTES_MAX {
                return Err(Error::new(507, format!("the board holds {NOTES_MAX} notes; take some off")));
            }
            notes.push(note.clone());
            json(201, &note)
        }
        (method, path) => Err(Error::new(404, format!("there is no {method} {path}; there is /notes"))),
    }
}

fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Result<EndpointResponse> {
    let mut response = EndpointResponse::new(serde_json::to_vec(body)?.into());
    *response.status_mut() = status.try_into()?;
    Ok(response)
}

fn provider() -> Provider<Board> {
    Provider::new("web-endpoint", "v1.0.0")
        .about("Shows paths of a plugin's own in the server's API")
        .configure(async |_: Context<()>, NoParams {}| Ok(Board::default()))
        .endpoint(answer)
}

fn main() -> ExitCode {
    provider().run()
}
