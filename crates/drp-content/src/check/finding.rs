//! What a check finds.

use std::{fmt, path::PathBuf};

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A server or the bundler would refuse it.
    Error,
    /// It loads, and is probably not what its author meant.
    Warning,
}

macro_rules! codes {
    ($( $(#[doc = $doc:literal])* $severity:ident $code:ident = $text:literal, )*) => {
        /// What kind of thing a finding is about. Each has a short name that stays, and a severity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $( $(#[doc = $doc])* $code, )*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$code, )*];

            /// The name of this code, as it is printed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$code => $text, )* }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $( Self::$code => Severity::$severity, )* }
            }
        }
    };
}

codes! {
    /// A file or directory cannot be read.
    Error Unreadable = "unreadable",
    /// A text is not YAML or JSON.
    Error Syntax = "syntax",
    /// A line of YAML is indented with a tab.
    Error Tab = "tab",
    /// A file is of no kind that its section takes.
    Error Kind = "kind",
    /// A file does not hold an object, or is no bundle.
    Error Shape = "shape",
    /// A value is of the wrong type.
    Error Type = "type",
    /// The name of an object is missing or breaks the rules.
    Error Name = "name",
    /// The server's own validation of the object's type fails.
    Error Invalid = "invalid",
    /// An entry of `Templates` is not complete.
    Error Template = "template",
    /// The schema of a param is none.
    Error Schema = "schema",
    /// The default of a param does not satisfy its schema.
    Error Default = "default",
    /// An object stands under another key than its own.
    Error Key = "key",
    /// Two files hold an object with the same key.
    Error Duplicate = "duplicate",
    /// The bundle's version or what it demands cannot be read, or its name is empty.
    Error Meta = "meta",
    /// The bundle has no name of its own.
    Warning Unnamed = "unnamed",
    /// A key that nothing reads.
    Warning UnknownField = "unknown-field",
    /// A file or directory that the bundler passes over, and that looks like content.
    Warning Ignored = "ignored",
    /// A section whose name is almost that of a built-in type.
    Warning Section = "section",
    /// A file's name does not tell the key of the object in it.
    Warning FileName = "file-name",
    /// YAML after the end of the first document.
    Warning Documents = "documents",
    /// The same key stands twice in a map; the last one counts.
    Warning DuplicateKey = "duplicate-key",
    /// YAML 1.1 reads a plain text as something else.
    Warning Scalar = "scalar",
    /// Something is named that is neither in the bundle nor in its prerequisites.
    Warning Reference = "reference",
    /// A prerequisite that was given to the check has the wrong version.
    Warning Prerequisite = "prerequisite",
    /// A param that nothing in the bundle uses.
    Warning UnusedParam = "unused-param",
    /// A param that must be set and is not documented.
    Warning UndocumentedParam = "undocumented-param",
    /// A param that seems to be a secret and is not `Secure`.
    Warning PlainSecret = "plain-secret",
    /// A secret whose value is in the bundle for all to read.
    Warning OpenSecret = "open-secret",
    /// The actions of a template do not add up.
    Warning TemplateSyntax = "template-syntax",
    /// A description is missing.
    Warning Undescribed = "undescribed",
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Something that is wrong or doubtful in a bundle, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The file or directory.
    pub file: PathBuf,
    /// The line in it, from 1, where there is one to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The character in the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing it is.
    pub code: Code,
    /// The object it is about, as `section/key`; empty where it is about none.
    pub object: String,
    /// The field of the object, as a JSON Pointer; empty for the object as a whole.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What was expected; may be empty.
    pub expected: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

/// `FILE:LINE:COLUMN: SEVERITY[CODE]: PROBLEM`, and a line each for what was expected and what to do.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.place(), self.severity, self.code, self.problem)?;
        if !self.expected.is_empty() {
            write!(f, "\n  expected: {}", self.expected)?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n  help: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl Finding {
    /// `FILE:LINE:COLUMN`, as far as they are known.
    #[must_use]
    pub fn place(&self) -> String {
        let number = |number: Option<u32>| number.map_or_else(String::new, |number| format!(":{number}"));
        format!("{}{}{}", self.file.display(), number(self.line), number(self.column))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a check says of something before it is known where that is.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Code,
    pub(super) problem: String,
    expected: String,
    remedy: String,
}

/// Begins a finding.
pub(super) fn say(code: Code, problem: impl Into<String>) -> Said {
    Said { code, problem: problem.into(), expected: String::new(), remedy: String::new() }
}

impl Said {
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(super) fn help(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The finding, in this file, at this line and column.
    pub(super) fn at(self, file: impl Into<PathBuf>, position: Option<(u32, u32)>) -> Finding {
        Finding {
            file: file.into(),
            line: position.map(|position| position.0),
            column: position.map(|position| position.1),
            severity: self.code.severity(),
            code: self.code,
            object: String::new(),
            field: String::new(),
            problem: self.problem,
            expected: self.expected,
            remedy: self.remedy,
        }
    }
}
