//! Receiving an executable: as the whole body, or as the part `file` of a form.

use std::{sync::Arc, time::Duration};

use axum::{
    body::BodyDataStream,
    extract::{FromRequest, Multipart, Request, multipart::Field},
};
use bytes::Bytes;
use drp_core::{Error, limits};
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio::{io::AsyncWriteExt, time};

use super::{
    super::request::{Call, STREAM},
    API_ERROR, require_create,
};
use crate::{
    disk,
    providers::{Providers, Upload, UploadError},
};

/// Longest silence within an upload.
const PAUSE_MAX: Duration = limits::HEADER_TIME;
const FORM: &str = "multipart/form-data";
/// The part of a form that is the executable.
const FORM_FIELD: &str = "file";

/// An executable that is there as a whole.
pub(super) struct Received {
    pub(super) upload: Upload,
    pub(super) size: u64,
}

/// Where the executable comes from.
enum Source<'a> {
    Body(BodyDataStream),
    Field(Box<Field<'a>>),
}

impl Source<'_> {
    async fn next(&mut self) -> Option<Result<Bytes, String>> {
        match self {
            Self::Body(stream) => stream.next().await.map(|chunk| chunk.map_err(|error| error.to_string())),
            Self::Field(field) => field.chunk().await.map_err(|error| error.body_text()).transpose(),
        }
    }
}

/// Receives the executable of a request for `name`, or for the name that its form has.
pub(super) async fn receive(
    providers: &Arc<Providers>,
    call: &Call,
    name: &str,
    request: Request,
) -> Result<Received, Error> {
    let [content_type, expected] = [CONTENT_TYPE, CONTENT_LENGTH].map(|header| {
        request.headers().get(header).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    });
    let expected = expected.parse::<u64>().ok();
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        STREAM => {
            let body = request.into_body().into_data_stream();
            write(providers, name, Source::Body(body), expected).await
        }
        FORM => {
            let mut form = Multipart::from_request(request, &()).await.map_err(|error| no_part(&error.body_text()))?;
            loop {
                let field = time::timeout(PAUSE_MAX, form.next_field()).await.map_err(|_| late(name))?;
                let field = field.map_err(|error| no_part(&error.body_text()))?;
                let field = field.ok_or_else(|| no_part("there is none"))?;
                if field.name() == Some(FORM_FIELD) {
                    let file = field.file_name().unwrap_or_default();
                    let base = file.rsplit(['/', '\\']).next().unwrap_or_default();
                    let name = if base.is_empty() { name.to_owned() } else { base.to_owned() };
                    require_create(call, &name)?;
                    return write(providers, &name, Source::Field(Box::new(field)), None).await;
                }
            }
        }
        _ => {
            let text = format!("upload: plugin_provider {name} must have content-type {STREAM} or {FORM}");
            Err(Error::new(415, API_ERROR, text))
        }
    }
}

async fn write(
    providers: &Arc<Providers>,
    name: &str,
    mut source: Source<'_>,
    expected: Option<u64>,
) -> Result<Received, Error> {
    let too_long = || {
        let text = format!("upload: {name} has more than {} bytes", limits::FILE_BYTES_MAX);
        Error::new(413, API_ERROR, text)
    };
    if expected.is_some_and(|bytes| bytes > limits::FILE_BYTES_MAX) {
        return Err(too_long());
    }
    let begun = {
        let (providers, name) = (Arc::clone(providers), name.to_owned());
        tokio::task::spawn_blocking(move || providers.begin_upload(&name)).await
    };
    let upload = begun.map_err(|error| unable(name, &error))?.map_err(|error| refused(&error))?;
    let mut file = tokio::fs::File::from_std(upload.file().map_err(|error| unable(name, &error))?);
    let mut size = 0;
    while let Some(chunk) = time::timeout(PAUSE_MAX, source.next()).await.map_err(|_| late(name))? {
        let chunk = chunk.map_err(|cause| short(name, expected, size, &cause))?;
        size += chunk.len() as u64;
        if size > limits::FILE_BYTES_MAX {
            return Err(too_long());
        }
        file.write_all(&chunk).await.map_err(|error| not_written(name, &error))?;
    }
    file.flush().await.map_err(|error| not_written(name, &error))?;
    match expected {
        Some(bytes) if bytes != size => Err(short(name, expected, size, "")),
        _ if size == 0 => Err(Error::new(400, API_ERROR, format!("upload: Missing body for plugin_provider {name}"))),
        _ => Ok(Received { upload, size }),
    }
}

fn no_part(cause: &str) -> Error {
    Error::new(400, API_ERROR, format!("upload: Failed to find multipart file: {cause}"))
}

fn late(name: &str) -> Error {
    Error::new(408, API_ERROR, format!("upload: {name} did not come in time"))
}

fn short(name: &str, expected: Option<u64>, size: u64, cause: &str) -> Error {
    let cause = match expected {
        Some(expected) => format!("{expected} bytes expected, {size} bytes received"),
        None => cause.to_owned(),
    };
    Error::new(400, API_ERROR, format!("upload: Failed to upload entire file {name}: {cause}"))
}

fn unable(name: &str, cause: &dyn std::fmt::Display) -> Error {
    Error::new(409, API_ERROR, format!("upload: Unable to upload {name}: {cause}"))
}

fn not_written(name: &str, error: &std::io::Error) -> Error {
    Error::new(507, API_ERROR, format!("upload: Failed to upload {name}: {error}"))
}

fn refused(error: &UploadError) -> Error {
    let (code, type_) = match error {
        UploadError::Name(_) => (400, API_ERROR),
        UploadError::Part(_, source) | UploadError::Directory(source) if disk::takes_no_more(source) => {
            (507, API_ERROR)
        }
        UploadError::Busy(_) | UploadError::Part(..) => (409, API_ERROR),
        UploadError::Directory(_) => (409, "API_ERROR"),
    };
    Error::new(code, type_, format!("upload: {error}"))
}
