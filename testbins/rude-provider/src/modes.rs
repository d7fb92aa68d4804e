//! The repertoire.

/// What stands before the mode in the name of the file.
const PREFIX: &str = "rude-";

/// Every mode with what it does. The part before the first `-` is the phase in which it does it.
pub(crate) const MODES: &[(&str, &str)] = &[
    ("define-garbage", "prints something that is no JSON"),
    ("define-empty", "prints nothing and exits with 0"),
    ("define-huge", "prints 100 MB"),
    ("define-endless", "never ends, and has a helper that never ends"),
    ("define-refused", "says why on stderr and exits with 1"),
    ("define-trailing", "prints a good definition and lines behind it"),
    ("define-noisy", "logs on stderr before, and prints a good definition"),
    ("define-version", "is of protocol version 2"),
    ("define-misnamed", "calls itself by another name than its file"),
    ("define-content", "brings content that is no bundle"),
    ("define-deep", "nests its JSON 100,000 deep"),
    ("define-secrets", "prints its environment on stdout and stderr"),
    ("define-binary", "prints bytes that are no UTF-8"),
    ("define-wrong-types", "gives numbers for texts and texts for lists"),
    ("define-many", "offers 20,000 actions"),
    ("unpack-refused", "says why on stderr and exits with 3"),
    ("unpack-endless", "never ends, and has a helper that never ends"),
    ("unpack-link", "writes links that lead out of its directory"),
    ("unpack-flood", "writes on stdout and stderr without end"),
    ("unpack-secrets", "prints its environment on stderr and exits with 1"),
    ("listen-exit", "says why on stderr and exits with 7 before READY!"),
    ("listen-failed", "prints Failed and stays"),
    ("listen-silent", "never prints READY!"),
    ("listen-deaf", "prints READY! without a socket, and stays"),
    ("listen-ready-exit", "prints READY! and exits with 4"),
    ("listen-long-line", "writes lines of 10 MB on stdout and stderr before READY!"),
    ("listen-binary", "writes bytes that are no UTF-8 on stdout and stderr before READY!"),
    ("listen-flood", "writes on stdout without end, never READY!"),
    ("config-silent", "never answers the config"),
    ("config-garbage", "answers the config with 200 and no JSON"),
    ("config-huge", "answers the config with 100 MB"),
    ("config-error", "refuses the config with an error object"),
    ("config-error-in-error", "refuses the config as Go plugins do: the error is a text in another error"),
    ("config-code-0", "refuses the config with an error whose code is 0"),
    ("config-forbidden", "answers the config with 403: its provider is not allowed here"),
    ("config-torn", "ends within its answer to the config"),
    ("config-type", "answers the config well, as text/html"),
    ("config-slow", "answers the config byte by byte"),
    ("config-crash", "says why on stderr and exits with 5 instead of an answer"),
    ("config-secrets", "refuses the config with an error that shows all params and the environment"),
    ("publish-slow", "takes 200 ms for each event"),
    ("publish-silent", "never answers an event"),
    ("publish-error", "refuses every event"),
    ("publish-echo", "posts an event for each event"),
    ("publish-print", "prints each event"),
    ("stop-silent", "never answers the stop, and stays"),
    ("stop-refuse", "refuses to stop, and stays"),
    ("stop-ignore", "answers the stop well, and stays"),
    ("stop-exit", "exits at once instead of an answer"),
    ("stop-stubborn", "never answers the stop, and ignores SIGTERM"),
    ("serve-flood", "writes on stdout and stderr without end"),
    ("serve-fork", "has children that hold its output and outlive it"),
    ("serve-daemon", "has a child that left its process group and holds its output"),
    ("serve-zombies", "has 20 children that ended and that it does not wait for"),
    ("serve-crash", "exits with 9 at a random moment within 300 ms"),
    ("serve-log-flood", "posts lines to the log without end, over four connections"),
    ("serve-event-flood", "posts events without end, over four connections"),
    ("serve-bad-callbacks", "posts what is no log line, no event and no reason"),
    ("serve-huge-callbacks", "posts bodies of 100 MB"),
    ("serve-connections", "opens 1,000 connections to the callback socket and holds them"),
    ("serve-half-callbacks", "opens connections to the callback socket, and sends half a request on each"),
    ("serve-leave", "says that it leaves"),
    ("serve-leave-forbidden", "says that it leaves because its provider is not allowed here"),
];

/// Shapes of the provider that are no misbehaviour but that tests need.
const SHAPES: &[(&str, &str)] = &[
    ("rude-auto", "AutoStart; brings no content"),
    ("rude-needy", "wants the param rude/needed"),
    ("rude-publish-*", "HasPublish"),
    ("any other name", "is a good provider"),
];

/// The mode that a file name asks for; empty where it asks for none.
pub(crate) fn of_name(name: &str) -> &'static str {
    name.strip_prefix(PREFIX).map(find).unwrap_or_default()
}

/// A mode by its name; empty where there is none.
pub(crate) fn find(name: &str) -> &'static str {
    MODES.iter().find(|(mode, _)| *mode == name).map(|(mode, _)| *mode).unwrap_or_default()
}

pub(crate) fn help() -> String {
    let mut text = "A plugin provider that misbehaves on command, for tests of hosts.\n\n\
        Usage: rude-MODE define | unpack DIR | listen TO-PLUGIN FROM-PLUGIN\n\n\
        The mode is in the name of the file (copy or link it as rude-MODE). From the config on, the plugin's param\n\
        rude/mode says another one. An action called like the end of a config mode (garbage, torn, ...) is answered\n\
        that way by every provider.\n\nModes:\n"
        .to_owned();
    let line = |(name, what): &(&str, &str)| format!("  {name:<24} {what}\n");
    text.extend(MODES.iter().map(line));
    text.push_str("\nShapes:\n");
    text.extend(SHAPES.iter().map(line));
    text
}
