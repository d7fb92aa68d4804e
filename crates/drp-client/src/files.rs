//! Files and isos of the server.

use serde::Deserialize;

use crate::{BadAnswer, Client, ClientError, Download, Request, Upload, answer, download::sum_in, upload::compare};

/// The static files of a server, or its isos. Made by [`Client::files`] and [`Client::isos`].
///
/// Isos are all in one folder.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    root: &'static str,
}

/// What a server knows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its size, where the server says so.
    pub bytes: Option<u64>,
    /// Its SHA-256 sum in lower-case digits, where the server says so.
    pub sha256: Option<String>,
}

/// A file that a server has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Uploaded {
    /// Where it is.
    #[serde(rename = "Path", alias = "path")]
    pub path: String,
    /// Its size in bytes.
    #[serde(rename = "Size", alias = "size")]
    pub bytes: u64,
    /// The SHA-256 sum of what was sent, in lower-case digits.
    #[serde(skip)]
    pub sha256: String,
}

impl Client {
    /// The static files of the server.
    #[must_use]
    pub fn files(&self) -> Files {
        Files { client: self.clone(), root: "files" }
    }

    /// The isos of the server.
    #[must_use]
    pub fn isos(&self) -> Files {
        Files { client: self.clone(), root: "isos" }
    }
}

impl Files {
    /// The names in a folder; those of folders end with `/`. The folder of everything is `""`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, ClientError> {
        self.client.send(self.names(folder)?).await
    }

    /// The names in a folder and in all below it.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list_all(&self, folder: &str) -> Result<Vec<String>, ClientError> {
        self.client.send(self.names(folder)?.query("all", "true")).await
    }

    /// What the server knows of a file, or `None` where there is none.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn info(&self, path: &str) -> Result<Option<FileInfo>, ClientError> {
        let headers = match self.client.exchange(&Request::blob_exists(self.root, path)?).await {
            Ok(answer) => answer.headers,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        Ok(Some(FileInfo { bytes: length.and_then(|text| text.parse().ok()), sha256: sum_in(&headers) }))
    }

    /// Writes a file, in place of the one that may be there; folders on the way are made. Then it asks for the sum of
    /// what is there, where the server tells it, and compares.
    ///
    /// # Errors
    /// As [`Client::upload`]; the server has got something else.
    pub async fn upload(&self, path: &str, upload: Upload) -> Result<Uploaded, ClientError> {
        let uploaded = send(&self.client, Request::write_blob(self.root, path)?, upload).await?;
        let request = Request::blob_exists(self.root, path)?;
        let doing = request.to_string();
        match self.client.exchange(&request).await {
            Ok(answer) => compare(sum_in(&answer.headers), &uploaded.sha256)
                .map(|()| uploaded)
                .map_err(|kind| ClientError::new(doing, kind)),
            // Servers before v4 tell nothing.
            Err(error) if error.is_not_found() => Ok(uploaded),
            Err(error) => Err(error),
        }
    }

    /// Writes an archive, and has the server unpack it beside itself.
    ///
    /// # Errors
    /// As [`Client::upload`].
    pub async fn upload_and_explode(&self, path: &str, upload: Upload) -> Result<Uploaded, ClientError> {
        let request = Request::write_blob(self.root, path)?.query("explode", "true");
        send(&self.client, request, upload).await
    }

    /// Begins to receive a file, to be [saved](Download::save) or read piece by piece.
    ///
    /// # Errors
    /// As [`Client::download`].
    pub async fn download(&self, path: &str) -> Result<Download, ClientError> {
        self.client.download(Request::blob(self.root, path)?).await
    }

    /// Removes a file or an empty folder.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.client.send_only(Request::delete_blob(self.root, path)?).await
    }

    fn names(&self, folder: &str) -> Result<Request, ClientError> {
        let request = Request::blobs(self.root)?;
        Ok(if folder.is_empty() { request } else { request.query("path", folder) })
    }
}

/// Sends a file and gives what the server says it has got, if that is all of it.
pub(crate) async fn send(client: &Client, request: Request, upload: Upload) -> Result<Uploaded, ClientError> {
    let doing = request.to_string();
    let failed = |kind| ClientError::new(doing.clone(), kind);
    let sent = client.send_upload(request, upload).await?;
    let uploaded: Uploaded = answer::decode(&sent.answer.body).map_err(failed)?;
    if uploaded.bytes != sent.bytes {
        return Err(failed(BadAnswer::Size { expected: sent.bytes, found: uploaded.bytes }.into()));
    }
    Ok(Uploaded { sha256: sent.sha256, ..uploaded })
}
