//! The macros of `drp-plugin`, which re-exports them.

mod content;
mod files;

use std::{env, path::Path};

use proc_macro::{Span, TokenStream, TokenTree};

/// Bundles a directory of content while the provider is compiled.
///
/// The path is a text relative to the package. Use it by way of `drp_plugin::content!`.
#[proc_macro]
pub fn content(input: TokenStream) -> TokenStream {
    expand(&input, content::directory, content::expand)
}

/// Embeds a directory of files while the provider is compiled.
///
/// The path is a text relative to the package. Use it by way of `drp_plugin::files!`.
#[proc_macro]
pub fn files(input: TokenStream) -> TokenStream {
    expand(&input, files::directory, files::expand)
}

/// Reads the directory that is named, and gives the code for what is in it.
fn expand(
    input: &TokenStream,
    directory: fn(&str) -> Result<&str, String>,
    code: fn(&Path, &str) -> Result<String, String>,
) -> TokenStream {
    let span = input.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let expanded = directory(&input.to_string())
        .and_then(|directory| code(Path::new(&package), directory))
        .unwrap_or_else(|error| format!("::core::compile_error!({error:?})"));
    let tokens: TokenStream = expanded.parse().expect("a block or a call of a macro");
    // An error is shown where the directory is named.
    tokens.into_iter().map(|token| with_span(token, span)).collect()
}

fn with_span(mut token: TokenTree, span: Span) -> TokenTree {
    token.set_span(span);
    token
}
