//! The document that describes a bundle: what it is for, what it demands, and each thing in it.
//!
//! ```
//! use drp_content::{Bundle, DocumentFormat, document};
//! let mut bundle = Bundle::default();
//! bundle.meta.set("Name", "blinkers");
//! bundle.meta.set("Version", "v1.0.0");
//! assert!(document(&bundle, DocumentFormat::Markdown).starts_with("# blinkers\n"));
//! ```

mod block;
mod describe;
mod markdown;
mod rst;

use std::str::FromStr;

use thiserror::Error;

use crate::Bundle;

/// The language of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentFormat {
    /// Markdown, as GitHub has it.
    #[default]
    Markdown,
    /// reStructuredText, which is what `Documentation` in bundles is written in.
    Rst,
}

/// No name of a [`DocumentFormat`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no format of documents: `md` or `rst` is")]
pub struct ParseDocumentFormatError(String);

impl FromStr for DocumentFormat {
    type Err = ParseDocumentFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "md" => Ok(Self::Markdown),
            "rst" => Ok(Self::Rst),
            other => Err(ParseDocumentFormatError(other.to_owned())),
        }
    }
}

/// Describes a bundle. Equal bundles have equal documents.
///
/// Defaults of secure params and the values that profiles and stages set are not in it: they may be secret.
#[must_use]
pub fn document(bundle: &Bundle, format: DocumentFormat) -> String {
    let blocks = describe::describe(bundle);
    match format {
        DocumentFormat::Markdown => markdown::render(&blocks),
        DocumentFormat::Rst => rst::render(&blocks),
    }
}
