//! The files of a new crate, from the texts in `templates`.

use clap::ValueEnum;

use super::{NewFile, checkout::Checkout};

/// What a new provider begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Actions, and params to configure them.
    Basic,
    /// Handlers of events, and an action that tells what they saw.
    Events,
    /// Objects and files, without any behaviour.
    Content,
}

/// A text of the templates: where it goes, and what is in it.
type Text = (&'static str, &'static str);

const IGNORE: Text = (".gitignore", include_str!("../../templates/gitignore"));
/// The only file in which the checkout stands as TOML has it.
const MANIFEST: &str = "Cargo.toml";

const BASIC: [Text; 4] = [
    (MANIFEST, include_str!("../../templates/basic/Cargo.toml.in")),
    ("README.md", include_str!("../../templates/basic/README.md")),
    ("src/main.rs", include_str!("../../templates/basic/main.rs")),
    ("src/tests.rs", include_str!("../../templates/basic/tests.rs")),
];

const EVENTS: [Text; 4] = [
    (MANIFEST, include_str!("../../templates/events/Cargo.toml.in")),
    ("README.md", include_str!("../../templates/events/README.md")),
    ("src/main.rs", include_str!("../../templates/events/main.rs")),
    ("src/tests.rs", include_str!("../../templates/events/tests.rs")),
];

const CONTENT: [Text; 9] = [
    (MANIFEST, include_str!("../../templates/content/Cargo.toml.in")),
    ("README.md", include_str!("../../templates/content/README.md")),
    ("build.rs", include_str!("../../templates/content/build.rs")),
    ("content/params/@NAME@.message.yaml", include_str!("../../templates/content/content/params/message.yaml")),
    ("content/stages/@NAME@-hello.yaml", include_str!("../../templates/content/content/stages/hello.yaml")),
    ("content/tasks/@NAME@-hello.yaml", include_str!("../../templates/content/content/tasks/hello.yaml")),
    ("files/hello.sh", include_str!("../../templates/content/files/hello.sh")),
    ("src/main.rs", include_str!("../../templates/content/main.rs")),
    ("src/tests.rs", include_str!("../../templates/content/tests.rs")),
];

impl Kind {
    fn texts(self) -> &'static [Text] {
        match self {
            Self::Basic => &BASIC,
            Self::Events => &EVENTS,
            Self::Content => &CONTENT,
        }
    }
}

/// All files of the crate `name`.
pub(super) fn files(kind: Kind, name: &str, checkout: &Checkout) -> Vec<NewFile> {
    let fill = |&(path, text): &Text| {
        let checkout = if path == MANIFEST { checkout.in_toml() } else { checkout.path().to_owned() };
        let text = text.replace("@NAME@", name).replace("@RUST@", env!("CARGO_PKG_RUST_VERSION"));
        // Last: a path may hold anything.
        (path.replace("@NAME@", name), text.replace("@CHECKOUT@", &checkout))
    };
    let mut files: Vec<NewFile> = kind.texts().iter().chain([&IGNORE]).map(fill).collect();
    // The first build takes what is not needed out of it. Without it a new crate would be the first to meet the newest
    // version of everything.
    files.extend(checkout.lock().map(|lock| ("Cargo.lock".to_owned(), lock.to_owned())));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_unfilled() {
        let checkout = Checkout::find(None).unwrap();
        for kind in Kind::value_variants() {
            for (path, text) in files(*kind, "some-name", &checkout) {
                assert!(!text.contains('@') || path == "Cargo.lock", "{path}: {text}");
            }
        }
    }
}
