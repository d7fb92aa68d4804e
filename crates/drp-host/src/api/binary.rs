//! `GET` and `HEAD /plugin_providers/NAME/binary`: the executable of a provider.

use std::{fs::File, sync::Arc};

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{
    blob::{self, Sum, Wanted},
    reply::Fail,
    request::{At, Call},
};
use crate::{files::OpenFile, shared::Shared};

const PROVIDERS: &str = "plugin_providers";

pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    call: Call,
    headers: HeaderMap,
    At(name): At<String>,
) -> Result<Response, Fail> {
    let missing = || call.not_found(PROVIDERS, &name);
    let found = shared.providers.executable(&name).filter(|_| call.by.allows(PROVIDERS, "get", &name));
    let path = found.ok_or_else(missing)?;
    let wanted = Wanted { method: &call.method, headers: &headers, sum: Sum::Always };
    blob::send(&shared.files, wanted, missing(), move |_| OpenFile::new(File::open(&path)?)).await
}
