//! A file as an answer: whole or a part of it, with its sum where that is known.

use std::{
    io::{self, Seek, SeekFrom},
    ops::RangeInclusive,
    sync::Arc,
};

use axum::{body::Body, response::Response};
use bytes::BytesMut;
use drp_core::Error;
use futures_util::stream;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE},
};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};
use tokio::io::AsyncReadExt;

use super::{
    conditional,
    reply::{self, Fail},
    request::STREAM,
};
use crate::files::{FileError, Files, OpenFile};

const CHUNK_BYTES: usize = 64 << 10;
const SUM: &str = "x-drp-sha256sum";

/// When the sum of a file is looked for, if it is not known. That costs a whole reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    /// Where the answer cannot do without.
    IfNeeded,
    /// Always: there are few such files, and their sums are remembered.
    Always,
}

/// What of a file is wanted.
pub(super) struct Wanted<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) sum: Sum,
}

/// Sends the file that `open` opens. `missing` is the answer where there is none.
pub(super) async fn send(
    files: &Arc<Files>,
    wanted: Wanted<'_>,
    missing: Error,
    open: impl FnOnce(&Files) -> Result<OpenFile, FileError> + Send + 'static,
) -> Result<Response, Fail> {
    let needs_sum = wanted.sum == Sum::Always || conditional::needs_tag(wanted.method, wanted.headers);
    let opened = blocking(files, move |files| {
        let file = open(files)?;
        let sum = files.known_sum(&file);
        Ok((file, sum))
    });
    let Ok((mut file, mut sum)) = opened.await else { return Err(missing.into()) };
    if needs_sum && sum.is_none() {
        let _turn = files.summing().acquire().await;
        let summed = blocking(files, move |files| Ok((Some(files.sum(&mut file)?), file)));
        let Ok(summed) = summed.await else { return Err(missing.into()) };
        (sum, file) = summed;
    }
    let unreadable = {
        let (model, key) = (missing.model.clone(), missing.key.clone());
        move |error: io::Error| Error::new(500, "GET", format!("cannot read the file: {error}")).about(&model, &key)
    };
    let tag = sum.as_ref().and_then(|sum| HeaderValue::try_from(format!("\"SHA256:{sum}\"")).ok());
    let size = file.size;
    let mut response = match part(wanted.method, wanted.headers, tag.as_ref(), size) {
        Part::Whole => content(file, 0, size, wanted.method).map_err(unreadable)?,
        Part::Range(range) => {
            let (first, last) = range.into_inner();
            let mut response = content(file, first, last - first + 1, wanted.method).map_err(unreadable)?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert(&mut response, CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
            response
        }
        Part::None => {
            let text = format!("Invalid range: the file has {size} bytes");
            let error = Error::new(416, "GET", text).about(&missing.model, &missing.key);
            let mut response = reply::error(&error);
            insert(&mut response, CONTENT_RANGE, format!("bytes */{size}"));
            response
        }
    };
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let (Some(tag), Some(sum)) = (tag, sum) {
        response.headers_mut().insert(ETAG, tag);
        insert(&mut response, SUM, sum);
    }
    Ok(response)
}

/// Which bytes of a file are sent.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Range(RangeInclusive<u64>),
    /// None of those that were asked for exist.
    None,
}

/// Several ranges at once, and ranges of something that has changed, are answered with the whole file.
fn part(method: &Method, headers: &HeaderMap, tag: Option<&HeaderValue>, size: u64) -> Part {
    let Some(range) = headers.get(RANGE).filter(|_| *method == Method::GET) else { return Part::Whole };
    if headers.get(IF_RANGE).is_some_and(|condition| Some(condition) != tag) {
        return Part::Whole;
    }
    let Ok(range) = range.to_str() else { return Part::Whole };
    match parse_range_header(range).and_then(|ranges| ranges.validate(size)) {
        Ok(ranges) => match ranges.as_slice() {
            [range] => Part::Range(range.clone()),
            _ => Part::Whole,
        },
        Err(RangeUnsatisfiableError::Unsatisfiable) => Part::None,
        Err(_) => Part::Whole,
    }
}

/// `length` bytes of a file from `first` on, in chunks. It ends at the length that is announced even if the file grows.
fn content(mut file: OpenFile, first: u64, length: u64, method: &Method) -> io::Result<Response> {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(STREAM));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    if method != Method::HEAD {
        file.file.seek(SeekFrom::Start(first))?;
        let reader = tokio::fs::File::from_std(file.file).take(length);
        *response.body_mut() = Body::from_stream(stream::try_unfold(reader, |mut reader| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            let read = reader.read_buf(&mut chunk).await?;
            Ok::<_, io::Error>((read > 0).then(|| (chunk.freeze(), reader)))
        }));
    }
    Ok(response)
}

fn insert(response: &mut Response, name: impl http::header::IntoHeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Does disk work where it may take its time.
pub(super) async fn blocking<T: Send + 'static>(
    files: &Arc<Files>,
    work: impl FnOnce(&Arc<Files>) -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let files = Arc::clone(files);
    let done = tokio::task::spawn_blocking(move || work(&files)).await;
    done.map_err(|error| FileError::Io(io::Error::other(error)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_answered_only_where_it_means_something() {
        let check = |range: &'static str, condition: Option<&'static str>, size: u64, expected: Part| {
            let mut headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
            if let Some(condition) = condition {
                headers.insert(IF_RANGE, HeaderValue::from_static(condition));
            }
            let tag = HeaderValue::from_static("\"SHA256:a\"");
            assert_eq!(part(&Method::GET, &headers, Some(&tag), size), expected, "{range}");
            assert_eq!(part(&Method::HEAD, &headers, Some(&tag), size), Part::Whole);
        };
        check("bytes=0-3", None, 10, Part::Range(0..=3));
        check("bytes=4-", None, 10, Part::Range(4..=9));
        check("bytes=-3", None, 10, Part::Range(7..=9));
        check("bytes=8-20", None, 10, Part::Range(8..=9));
        check("bytes=10-", None, 10, Part::None);
        check("bytes=0-", None, 0, Part::None);
        check("bytes=-0", None, 10, Part::None);
        check("bytes=0-1,4-5", None, 10, Part::Whole);
        check("bytes=3-1", None, 10, Part::Whole);
        check("lines=0-3", None, 10, Part::Whole);
        check("cow", None, 10, Part::Whole);
        check("bytes=0-3", Some("\"SHA256:a\""), 10, Part::Range(0..=3));
        check("bytes=0-3", Some("\"SHA256:b\""), 10, Part::Whole);
        check("bytes=0-3", Some("Tue, 24 Nov 2026 12:00:00 GMT"), 10, Part::Whole);
    }
}
