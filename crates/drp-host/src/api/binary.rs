//! `GET` and `HEAD /plugin_providers/NAME/binary`: the executable of a provider.

use std::{fs::File, sync::Arc};

use axum::{extract::State, response::Response};

use super::{
    files::{blob, blocking},
    reply::Fail,
    request::{At, Call},
};
use crate::{files::OpenFile, shared::Shared};

const PROVIDERS: &str = "plugin_providers";

pub(super) async fn get(State(shared): State<Arc<Shared>>, call: Call, At(name): At<String>) -> Result<Response, Fail> {
    let missing = || call.not_found(PROVIDERS, &name);
    let found = shared.providers.executable(&name).filter(|_| call.by.allows(PROVIDERS, "get", &name));
    let path = found.ok_or_else(missing)?;
    let opened = blocking(&shared.files, move |files| {
        let open = || OpenFile::new(File::open(&path)?);
        let file = open()?;
        // Executables are few and their sums remembered, so every answer says which one it is.
        files.sum(open()?)?;
        // That of the file at hand, if another has come in its place meanwhile.
        let sum = files.known_sum(&file);
        Ok((file, sum))
    });
    let (file, sum) = opened.await.map_err(|_| missing())?;
    Ok(blob(file, sum, &call.method))
}
