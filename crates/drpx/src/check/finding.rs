//! What a check finds in a provider, in the form of what a check of content finds.

use drp_content::check;
pub(super) use drp_content::check::Severity;
use serde::Serialize;

macro_rules! codes {
    ($( $(#[doc = $doc:literal])* $severity:ident $code:ident = $text:literal, )*) => {
        /// What a finding is about. Each has a name that stays, and a severity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Code {
            $( $(#[doc = $doc])* $code, )*
        }

        impl Code {
            /// All of them.
            #[cfg(test)]
            const ALL: &[Self] = &[$( Self::$code, )*];

            pub(super) const fn name(self) -> &'static str {
                match self { $( Self::$code => $text, )* }
            }

            pub(super) const fn severity(self) -> Severity {
                match self { $( Self::$code => Severity::$severity, )* }
            }
        }
    };
}

codes! {
    /// `define` does not end well, or prints no definition.
    Error Define = "define",
    /// `define` prints more than the definition.
    Error DefineNoise = "define-noise",
    /// `define` writes to its standard error.
    Warning DefineStderr = "define-stderr",
    /// `define` takes long.
    Warning DefineSlow = "define-slow",
    /// `define` says something else the second time.
    Warning DefineVaries = "define-varies",
    /// `define` needs a server or an environment, or says something else without.
    Warning DefineNeeds = "define-needs",
    /// The definition is for another protocol.
    Error PluginVersion = "plugin-version",
    /// A name breaks the rules.
    Error Name = "name",
    /// The content is no bundle.
    Error Content = "content",
    /// What the content demands of other content cannot be read.
    Warning Prerequisites = "prerequisites",
    /// A server refuses it for a reason that has no code of its own.
    Error Refused = "refused",
    /// The version is not a semantic one.
    Warning Version = "version",
    /// The executable has another name than the provider.
    Warning ExecutableName = "executable-name",
    /// It starts by itself and cannot be configured by itself.
    Warning AutoStartParams = "auto-start-params",
    /// It has events posted to it the old way.
    Warning HasPublish = "has-publish",
    /// An action has no name.
    Warning UnnamedAction = "unnamed-action",
    /// An action is declared twice.
    Warning DuplicateAction = "duplicate-action",
    /// An action is on objects of a type that is not known.
    Warning UnknownModel = "unknown-model",
    /// A param is both required and optional, or named twice.
    Warning ParamTwice = "param-twice",
    /// A param is named that no content declares.
    Warning UndeclaredParam = "undeclared-param",
    /// A param is declared and nothing uses it.
    Warning UnusedParam = "unused-param",
    /// The provider has no description.
    Warning Undescribed = "undescribed",
    /// The provider has no documentation.
    Warning Undocumented = "undocumented",
    /// `unpack` does not end well.
    Error Unpack = "unpack",
    /// `unpack` leaves something else the second time or elsewhere.
    Warning UnpackVaries = "unpack-varies",
    /// `unpack` writes into files that are there.
    Warning UnpackOverwrites = "unpack-overwrites",
    /// `unpack` writes through a link to a file outside of its directory.
    Warning UnpackLinks = "unpack-links",
    /// What is unpacked may be changed by anybody, or gives somebody's rights to anybody.
    Warning UnpackMode = "unpack-mode",
}

/// Something that is wrong with a provider, or doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Name of the executable.
    pub(crate) file: String,
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    /// What it is about: `provider`, `actions/TYPE/NAME`, `files/PATH`, or `SECTION/KEY` of an object of the content.
    pub(crate) object: String,
    /// The field of the object, as a JSON Pointer; empty for the object as a whole.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) problem: String,
    /// What was expected; may be empty.
    pub(crate) expected: String,
    /// What to do about it; may be empty.
    pub(crate) remedy: String,
}

impl Finding {
    /// A finding about an object.
    pub(super) fn new(code: Code, object: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            severity: code.severity(),
            code: code.name(),
            object: object.into(),
            field: String::new(),
            problem: problem.into(),
            expected: String::new(),
            remedy: String::new(),
        }
    }

    /// A finding about the provider as a whole.
    pub(super) fn of_provider(code: Code, problem: impl Into<String>) -> Self {
        Self::new(code, "provider", problem)
    }

    pub(super) fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), ..self }
    }

    pub(super) fn help(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

/// What was found in the content. Its lines are those of a text that nobody has, so they are left out.
impl From<check::Finding> for Finding {
    fn from(found: check::Finding) -> Self {
        let check::Finding { severity, code, object, field, problem, expected, remedy, .. } = found;
        let object = if object.is_empty() { "content".to_owned() } else { object };
        Self { file: String::new(), severity, code: code.name(), object, field, problem, expected, remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_all_codes_and_no_others() {
        let page = include_str!("../../../../docs/provider-check.md");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), Code::ALL.len());
        for (row, code) in rows.iter().zip(Code::ALL) {
            assert!(row.starts_with(&format!("| `{}` | {} |", code.name(), code.severity())), "{row}");
        }
    }
}
