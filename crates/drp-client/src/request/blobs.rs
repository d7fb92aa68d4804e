//! Calls whose bodies are streams: files, isos, executables of plugin providers, job logs.

use http::Method;

use super::{BuildRequestError, Request};

/// Calls on files and isos. `root` is `files` or `isos`.
impl Request {
    /// The names in a folder of files, or of all isos. The folder of files goes into [`query`](Self::query) as `path`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn blobs(root: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[root])
    }

    /// A file, to be [downloaded](crate::Client::download).
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn blob(root: &str, path: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[root, path.trim_start_matches('/')])
    }

    /// Whether there is such a file; its sum and size are in the headers of the answer.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn blob_exists(root: &str, path: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::HEAD, &[root, path.trim_start_matches('/')])
    }

    /// Writes a file, to be sent with [`Client::upload`](crate::Client::upload).
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn write_blob(root: &str, path: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &[root, path.trim_start_matches('/')])
    }

    /// Removes a file or an empty folder.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn delete_blob(root: &str, path: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::DELETE, &[root, path.trim_start_matches('/')])
    }
}

/// Calls on executables of plugin providers.
impl Request {
    /// Brings the executable of a plugin provider, to be sent with [`Client::upload`](crate::Client::upload).
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn upload_provider(name: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &["plugin_providers", name])
    }

    /// The executable of a plugin provider, to be [downloaded](crate::Client::download).
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn provider_binary(name: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["plugin_providers", name, "binary"])
    }
}

/// Calls on jobs that other objects do not have.
impl Request {
    /// The rendered scripts of a job. The operating system may be named with `query("os", name)`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn job_scripts(uuid: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["jobs", uuid, "actions"])
    }

    /// The log of a job, to be [downloaded](crate::Client::download).
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn job_log(uuid: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["jobs", uuid, "log"])
    }

    /// Adds to the log of a job, to be sent with [`Client::upload`](crate::Client::upload).
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn append_job_log(uuid: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::PUT, &["jobs", uuid, "log"])
    }

    /// Removes the jobs that are more than shall be kept; which those are goes into [`query`](Self::query).
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn purge_jobs() -> Result<Self, BuildRequestError> {
        Self::new(Method::DELETE, &["jobs"])
    }
}
