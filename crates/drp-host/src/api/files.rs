//! `/files`: the static file space, written and read in streams.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use drp_core::{Error, limits};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{io::AsyncWriteExt, time};
use tokio_util::sync::CancellationToken;

use super::{
    blob::{self, Sum, blocking},
    reply::{self, Fail, Reply},
    request::{At, Call, Query, require_stream},
};
use crate::{
    auth::hex,
    files::{FileError, FileName, Files, UnpackError, Upload, Wanted},
    shared::Shared,
};

const FILES: &str = "files";
/// Longest silence within an upload.
const PAUSE_MAX: Duration = limits::HEADER_TIME;

/// `GET /files?path=&all=`: the names in a folder, or also in those below.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call, query: Query) -> Reply {
    let path = query.get("path").unwrap_or("/").to_owned();
    if !call.by.allows(FILES, "list", "") {
        return reply::json(StatusCode::OK, &[(); 0]);
    }
    let missing = || call.not_found(FILES, &path);
    let name = FileName::parse(&path).ok_or_else(missing)?;
    let all = query.is("all");
    let names =
        blocking(&shared.files, move |files| if all { files.list_all(&name) } else { files.list(&name).map(Some) });
    let too_many = || {
        let text =
            format!("the folder has more than {} names below it: list one of its folders", limits::FILES_LISTED_MAX);
        call.error(400, text).about(FILES, &path)
    };
    reply::json(StatusCode::OK, &names.await.map_err(|_| missing())?.ok_or_else(too_many)?)
}

/// `GET` and `HEAD /files/PATH`.
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    call: Call,
    headers: HeaderMap,
    At(path): At<String>,
) -> Result<Response, Fail> {
    let name = FileName::parse(&path).ok_or_else(|| no_file(FILES, &path))?;
    let missing = no_file(FILES, &name.to_string());
    if !call.by.allows(FILES, "get", path.trim_start_matches('/')) {
        return Err(missing.into());
    }
    send(&shared.files, name, &call.method, &headers, missing).await
}

/// `GET` and `HEAD` outside of the API: the same files, for everybody, as providers' assets are meant to be.
pub(super) async fn get_public(
    State(files): State<Arc<Files>>,
    method: Method,
    headers: HeaderMap,
    At(path): At<String>,
) -> Result<Response, Fail> {
    let name = FileName::parse(&path).ok_or_else(|| no_file(FILES, &path))?;
    let missing = no_file(FILES, &name.to_string());
    send(&files, name, &method, &headers, missing).await
}

/// `POST /files/PATH?explode=`: writes a file, and replaces the one that was there; an archive may be unpacked beside it.
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(path): At<String>,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    call.require(FILES, "post", path.trim_start_matches('/'))?;
    require_stream(&headers).map_err(|text| call.error(400, text).about(FILES, &path))?;
    let invalid = || call.error(400, "Invalid file name").about(FILES, &path);
    let name = FileName::parse(&path).filter(|name| name.split().is_some()).ok_or_else(invalid)?;
    if path.ends_with('/') {
        return Err(call.error(403, "Cannot upload a directory").about(FILES, &name.to_string()).into());
    }
    let received = receive(&shared.files, &name, body).await.map_err(|error| error.wire(FILES, &name))?;
    let size = received.size;
    if query.is("explode") {
        explode(&shared.files, &name, received, call).await?;
    } else {
        received.finish(&shared.files).await.map_err(|error| error.wire(FILES, &name))?;
    }
    reply::json(StatusCode::CREATED, &json!({ "Path": name.to_string(), "Size": size }))
}

/// Unpacks an archive beside itself. It ends early when the request does.
async fn explode(files: &Arc<Files>, name: &FileName, received: Received, call: Call) -> Result<(), Error> {
    let busy = |_| Error::new(503, "POST", "The server is stopping");
    let _turn = files.unpacking().acquire().await.map_err(busy)?;
    let given_up = CancellationToken::new();
    let _ends_with_request = given_up.clone().drop_guard();
    let archive = name.clone();
    let work = move || {
        // As if each of them were posted alone.
        let may_write = |name: &FileName| {
            let is_seen = name.parts().first().is_some_and(|first| call.by.sees(FILES, first));
            is_seen && call.by.allows(FILES, "post", name.to_string().trim_start_matches('/'))
        };
        let wanted = Wanted { archive: &archive, may_write: &may_write, given_up: &given_up };
        received.upload.explode(Some(received.sum), &wanted)
    };
    let unpacked = tokio::task::spawn_blocking(work).await;
    let unpacked = unpacked.map_err(|error| ReceiveError::from(std::io::Error::other(error)).wire(FILES, name))?;
    unpacked.map_err(|error| not_unpacked(&error, name))
}

fn not_unpacked(error: &UnpackError, name: &FileName) -> Error {
    let code = match error {
        UnpackError::NoArchive | UnpackError::Unreadable(_) | UnpackError::Entry { .. } => 400,
        UnpackError::Forbidden(_) => 403,
        UnpackError::TooMuch { .. } => 413,
        UnpackError::GivenUp => 503,
        UnpackError::File(FileError::InTheWay) => 409,
        UnpackError::File(FileError::Full) => 507,
        UnpackError::File(_) => 500,
    };
    let base = name.split().map_or("", |(_, base)| base);
    Error::new(code, "POST", format!("Failed to unpack {base}: {error}")).about(FILES, &name.to_string())
}

/// `DELETE /files/PATH`: removes a file or an empty folder.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(path): At<String>,
) -> Result<Response, Fail> {
    call.require(FILES, "delete", path.trim_start_matches('/'))?;
    let unable = |key: &str| call.error(404, "Unable to delete").about(FILES, key);
    let name = FileName::parse(&path).ok_or_else(|| unable(&path))?;
    let key = name.to_string();
    blocking(&shared.files, move |files| files.remove(&name)).await.map_err(|_| unable(&key))?;
    Ok(reply::no_content())
}

pub(super) fn no_file(space: &str, key: &str) -> Error {
    Error::new(404, "GET", "Not a regular file").about(space, key)
}

/// Sends a file of a space; `missing` is the answer where there is none.
pub(super) async fn send(
    files: &Arc<Files>,
    name: FileName,
    method: &Method,
    headers: &HeaderMap,
    missing: Error,
) -> Result<Response, Fail> {
    let wanted = blob::Wanted { method, headers, sum: Sum::IfNeeded };
    blob::send(files, wanted, missing, move |files| files.read(&name)).await
}

/// Why an upload did not come to its end.
pub(super) enum ReceiveError {
    Short(String),
    Slow,
    Long,
    File(FileError),
}

impl<T: Into<FileError>> From<T> for ReceiveError {
    fn from(error: T) -> Self {
        Self::File(error.into())
    }
}

impl ReceiveError {
    pub(super) fn wire(self, space: &str, name: &FileName) -> Error {
        let base = name.split().map_or("", |(_, base)| base);
        let (code, text) = match self {
            Self::Short(cause) => (400, format!("Failed to upload entire file {base}: {cause}")),
            Self::Slow => (408, format!("Failed to upload {base} in time")),
            Self::Long => (413, format!("{base} has more than {} bytes", limits::FILE_BYTES_MAX)),
            Self::File(FileError::Uploading) => (409, "File already uploading".to_owned()),
            Self::File(FileError::InTheWay) => (409, format!("Failed to ensure final directory for {base} exists")),
            Self::File(FileError::Full) => (507, format!("Failed to upload {base}: the disk takes no more")),
            Self::File(FileError::Missing | FileError::Io(_)) => (500, format!("Failed to upload {base}")),
        };
        Error::new(code, "POST", text).about(space, &name.to_string())
    }
}

/// A file that is there as a whole, but not yet in its place.
pub(super) struct Received {
    upload: Upload,
    pub(super) size: u64,
    sum: String,
}

impl Received {
    /// Puts it in its place.
    pub(super) async fn finish(self, files: &Arc<Files>) -> Result<(), ReceiveError> {
        Ok(blocking(files, move |_| self.upload.finish(Some(self.sum))).await?)
    }
}

/// Writes a body to a file.
pub(super) async fn receive(files: &Arc<Files>, name: &FileName, mut body: Body) -> Result<Received, ReceiveError> {
    let begin = name.clone();
    let upload = blocking(files, move |files| files.upload(begin)).await?;
    let mut file = tokio::fs::File::from_std(upload.file()?);
    let mut hasher = Sha256::new();
    let mut size = 0;
    loop {
        let frame = match time::timeout(PAUSE_MAX, body.frame()).await {
            Ok(None) => break,
            Ok(Some(frame)) => frame.map_err(|error| ReceiveError::Short(error.to_string()))?,
            Err(_) => return Err(ReceiveError::Slow),
        };
        if let Ok(data) = frame.into_data() {
            size += data.len() as u64;
            if size > limits::FILE_BYTES_MAX {
                return Err(ReceiveError::Long);
            }
            hasher.update(&data);
            file.write_all(&data).await?;
        }
    }
    file.flush().await?;
    Ok(Received { upload, size, sum: hex(&hasher.finalize()) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;

    #[test]
    fn a_full_disk_is_507_whatever_was_written() {
        let name = FileName::parse("a/b").unwrap();
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().write(b"x").unwrap_err();
        let uploaded = ReceiveError::from(full()).wire("files", &name);
        let unpacked = not_unpacked(&FileError::from(full()).into(), &name);
        for error in [uploaded, unpacked] {
            assert_eq!((error.status(), error.key.as_str()), (507, "/a/b"));
            assert!(error.messages.concat().contains("the disk takes no more"));
        }
    }
}
