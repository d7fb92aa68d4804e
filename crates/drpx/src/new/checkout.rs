//! The checkout of drpx whose crates a new provider depends on.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where this command was built, in the checkout.
const BUILT_IN: &str = env!("CARGO_MANIFEST_DIR");

/// A checkout that is there.
#[derive(Debug)]
pub(super) struct Checkout {
    path: String,
    lock: Option<String>,
}

impl Checkout {
    /// The checkout that the user names, or else the one that this command was built from.
    ///
    /// # Errors
    /// It is not there, is none, or has a path that no manifest can hold.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, String> {
        let built_in = Path::new(BUILT_IN).ancestors().nth(2).unwrap_or(Path::new(BUILT_IN));
        let directory = named.unwrap_or(built_in);
        let Some(path) = is_checkout(directory) else {
            let shown = directory.display();
            return Err(match named {
                Some(_) => format!("`{shown}` is no checkout of drpx: there is no crates/drp-plugin in it"),
                None => format!(
                    "the checkout that this drpx was built from, `{shown}`, is not there any more\n\
                     name another one: drpx new NAME --path CHECKOUT"
                ),
            });
        };
        let text = path.to_str().filter(|path| !path.chars().any(char::is_control));
        let text = text.ok_or_else(|| format!("a Cargo.toml cannot name the path `{}`", path.display()))?;
        let lock = fs::read_to_string(path.join("Cargo.lock")).ok();
        Ok(Self { path: text.to_owned(), lock })
    }

    /// Its path, as it stands within the quotes of a TOML text.
    pub(super) fn in_toml(&self) -> String {
        self.path.replace('\\', "\\\\").replace('"', "\\\"")
    }

    /// Its path, for people.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The versions of all dependencies that the checkout was tested with.
    pub(super) fn lock(&self) -> Option<&str> {
        self.lock.as_deref()
    }
}

/// The whole path of a directory that is a checkout.
fn is_checkout(directory: &Path) -> Option<PathBuf> {
    let path = directory.canonicalize().ok()?;
    path.join("crates/drp-plugin/Cargo.toml").is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_the_one_this_was_built_from_unless_another_is_named() {
        let own = Checkout::find(None).unwrap();
        assert!(Path::new(own.path()).join("crates/drpx/src/new/checkout.rs").is_file());
        assert!(own.lock().unwrap().contains("name = \"drp-plugin\""));

        let other = tempfile::tempdir().unwrap();
        let error = Checkout::find(Some(other.path())).unwrap_err();
        assert!(error.contains("is no checkout of drpx"), "{error}");
        let odd = other.path().join("a \"b\" c");
        fs::create_dir_all(odd.join("crates/drp-plugin")).unwrap();
        fs::write(odd.join("crates/drp-plugin/Cargo.toml"), "").unwrap();
        let found = Checkout::find(Some(&odd)).unwrap();
        assert!(found.in_toml().ends_with(r#"/a \"b\" c"#), "{}", found.in_toml());
        assert_eq!(found.lock(), None);
    }
}
