//! What is checked: a stable code for each rule, with where the rule comes from and what to do about it.

use std::{fmt, str::FromStr};

macro_rules! codes {
    ($( $phase:ident = $phase_name:literal {
        $( $code:ident = $name:literal, $rule:literal, $source:literal, $remedy:literal; )*
    } )*) => {
        /// A part of a provider's life that is judged by itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Phase {
            $( #[doc = concat!("The phase `", $phase_name, "`.")] $phase, )*
        }

        impl Phase {
            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$phase => $phase_name, )* }
            }
        }

        /// A rule, by a name that stays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $( $( #[doc = $rule] $code, )* )*
        }

        impl Code {
            /// All of them, in the order in which they are reported.
            pub const ALL: &[Self] = &[$( $( Self::$code, )* )*];

            /// Its name, such as `define-json`.
            pub const fn name(self) -> &'static str {
                match self { $( $( Self::$code => $name, )* )* }
            }

            /// The rule in one line.
            pub const fn rule(self) -> &'static str {
                match self { $( $( Self::$code => $rule, )* )* }
            }

            /// Where the rule comes from.
            pub const fn source(self) -> &'static str {
                match self { $( $( Self::$code => $source, )* )* }
            }

            /// What the author of a provider does about it.
            pub const fn remedy(self) -> &'static str {
                match self { $( $( Self::$code => $remedy, )* )* }
            }

            /// The part of a provider's life that it is about.
            pub const fn phase(self) -> Phase {
                match self { $( $( Self::$code => Phase::$phase, )* )* }
            }
        }
    };
}

codes! {
    Define = "define" {
        DefineEnds = "define-ends", "`define` ends in time", "host.md 18 #3",
            "print the definition and end; wait for nothing";
        DefineExit = "define-exit", "`define` exits with 0", "host.md 4.2",
            "exit with 0 once the definition is printed; what goes wrong belongs on stderr";
        DefineJson = "define-json", "`define` prints one JSON object of at most 64 MiB and 128 levels", "host.md 4.2, decisions (limits)",
            "print the definition as one JSON object";
        DefineAlone = "define-alone", "nothing but the definition is on stdout", "host.md 4.2",
            "print nothing else on stdout; logs belong on stderr, or better nowhere";
        DefineStderr = "define-stderr", "`define` writes nothing to stderr", "plugins-in-the-wild 3",
            "stay silent: older servers take stderr for a part of the definition and refuse it";
        DefineSpeed = "define-speed", "`define` takes less than 2 s", "plugins-in-the-wild 3",
            "do nothing in `define` but print: the server waits";
        DefineStdin = "define-stdin", "`define` reads no input", "host.md 4.2",
            "do not read stdin: nobody writes to it";
        DefineVersion = "define-version", "PluginVersion is 4", "seed, host.md 1",
            "build against version 4 of the protocol";
        DefineName = "define-name", "Name is that of the executable", "host.md 4.3",
            "call the executable as the provider is called";
        DefineTypes = "define-types", "the fields have their types", "seed, host.md 4.3",
            "print texts as texts, lists as lists; null counts as empty";
        DefineActions = "define-actions", "actions and params have names, and no action is there twice", "seed, host.md 10.1",
            "give every action a Command, every param a name, and declare each action once";
        DefineContent = "define-content", "Content is a content bundle, or empty", "host.md 4.4",
            "put YAML or JSON with `meta` and `sections` there";
        DefineCatalog = "define-catalog", "with RS_TOKEN=catalog the same definition comes, and no server is called", "host.md 4.2",
            "skip everything that needs a server when RS_TOKEN is catalog";
        DefineBare = "define-bare", "`define` needs no environment", "host.md 4.1",
            "do not rely on variables in `define`";
        DefineSame = "define-same", "`define` says the same every time", "host.md 18 #12",
            "make the definition out of what was built in, without times and random values";
        DefineSecrets = "define-secrets", "`define` shows no token", "decisions, plugins-in-the-wild 6",
            "print no environment";
        DefineFiles = "define-files", "`define` leaves no files", "host.md 4.1",
            "write nothing in `define`";
    }
    Unpack = "unpack" {
        UnpackEnds = "unpack-ends", "`unpack` ends in time", "host.md 18 #3",
            "write the files and end";
        UnpackExit = "unpack-exit", "`unpack DIR` exits with 0", "host.md 4.1",
            "exit with 0 if all files are written; a provider without files writes none";
        UnpackSame = "unpack-same", "`unpack` leaves the same files and modes each time", "seed, csi-test",
            "write whole files with their modes, also over those that are there";
        UnpackModes = "unpack-modes", "nothing unpacked may be changed by everybody or runs as somebody else", "host.md 2.2",
            "unpack without write permission for others and without setuid";
        UnpackInside = "unpack-inside", "`unpack` writes into its directory only, and no links that lead out", "host.md 4.1, 2.3",
            "write below the given directory, and unpack files instead of links";
        UnpackLinks = "unpack-links", "a link in the place of a file is not followed", "decisions, differences",
            "write beside the file and rename over it";
        UnpackRefused = "unpack-refused", "a directory that cannot be made is an error, and leaves nothing", "host.md 18 #34",
            "exit with something else than 0 if a file cannot be written";
        UnpackKilled = "unpack-killed", "after a kill in the middle another `unpack` makes everything whole", "host.md 18 #39",
            "write over what is there, and remove what was left by half";
        UnpackArgument = "unpack-argument", "`unpack` without a directory is an error without a stack trace", "plugins-in-the-wild 4 #10",
            "check the arguments; tell how to call it and exit with 1";
        UnpackSecrets = "unpack-secrets", "`unpack` shows no token", "decisions",
            "print no environment";
    }
    Listen = "listen" {
        ListenReady = "listen-ready", "`listen TO FROM` prints `READY!` in time and stays", "seed, host.md 7.2",
            "listen on TO first, then print READY! as a line of its own, and serve";
        ListenNoise = "listen-noise", "`READY!` is the first line on stdout", "host.md 7.2",
            "print nothing before; log to the callback socket";
        ListenSocket = "listen-socket", "at `READY!` the socket accepts", "seed, host.md 7.2",
            "bind the socket before you print READY!";
        ListenMode = "listen-mode", "the socket is for its owner only", "host.md 18 #37",
            "bind under umask 077: whoever connects can run every action";
        ListenStale = "listen-stale", "a socket that was left in the place is replaced", "host.md 7.1",
            "remove a socket file before you bind";
        ListenLongPath = "listen-long-path", "a path too long for a socket is an error at once", "plugins-in-the-wild 3",
            "say that the path is too long and exit with 1";
        ListenArguments = "listen-arguments", "`listen` without its two arguments is an error without a stack trace", "decisions, vectors/wire/plugin-cli.json",
            "print Failed, say why on stderr and exit with 1";
        ListenTwo = "listen-two", "two plugins of a provider run side by side", "host.md 1",
            "share no files, ports or names between processes";
        ListenPaths = "listen-paths", "socket paths of 100 bytes work", "host.md 7.1",
            "take the paths as they are given";
    }
    Config = "config" {
        ConfigGood = "config-good", "a good configuration is answered with 200 in time", "seed, host.md 8",
            "answer 200; what it lacks is given with --param and --secret";
        ConfigType = "config-type", "answers are application/json", "host.md 7.3",
            "set Content-Type to application/json";
        ConfigForbidden = "config-forbidden", "a configuration is not refused with 403", "host.md 8, plugins-in-the-wild 3",
            "never hand the 403 of somebody else through: it removes the whole provider";
        ConfigErrorPlain = "config-error-plain", "a refusal is one plain error object", "decisions, plugins-in-the-wild 4 #6",
            "answer the error itself, not its text within another error";
        ConfigErrorCode = "config-error-code", "the Code of a refusal is its status, and at least 400", "host.md 7.3, plugins-in-the-wild 4 #5",
            "give every error a code from 400 to 599";
        ConfigErrorSecrets = "config-error-secrets", "a refusal shows no secrets", "decisions, plugins-in-the-wild 6",
            "name the param at fault, never its value";
        ConfigMissing = "config-missing", "a configuration without a required param is refused", "host.md 6.2",
            "check the params, and name the one that is missing";
        ConfigNull = "config-null", "null for a required param is refused", "plugins-in-the-wild 5",
            "check the params, and name the one at fault";
        ConfigTypes = "config-types", "a param of the wrong type is refused", "plugins-in-the-wild 5",
            "check the types; say what was expected and what came";
        ConfigExtra = "config-extra", "params that nobody declared are ignored", "host.md 8",
            "ignore unknown keys: servers send more than was asked for";
        ConfigHuge = "config-huge", "a configuration of 60 or 70 MiB is answered, and the plugin lives on", "decisions (limits)",
            "bound what is read, and refuse the rest with 413";
        ConfigMalformed = "config-malformed", "bodies that are no JSON object are refused with 4xx", "host.md 7.3, decisions",
            "answer 400 to what cannot be read";
        ConfigTrailing = "config-trailing", "text behind the JSON is refused", "decisions",
            "read the body to its end";
        ConfigSecrets = "config-secrets", "no secret of a configuration is logged or printed", "plugins-in-the-wild 4 #12",
            "do not log the configuration";
        ConfigArgv = "config-argv", "no secret is in the arguments of a child process", "plugins-in-the-wild 5",
            "hand secrets over by a file, the environment or a pipe";
        ConfigKeeps = "config-keeps", "after a configuration that was refused the one before serves", "decisions, plugins-in-the-wild 7",
            "put the new configuration in place when it is known to be good";
        ConfigAgain = "config-again", "50 configurations leave descriptors, threads and memory as they were", "host.md 8",
            "close what the configuration before had opened";
        ConfigRace = "config-race", "8 configurations at once are all answered, and the plugin serves", "plugins-in-the-wild 4 #16",
            "let one configuration win; refuse those it overtook with 409";
    }
    Serve = "serve" {
        ServeAlive = "serve-alive", "a configured plugin stays alive", "host.md 9.2",
            "do not exit until told to stop";
        ServeStdout = "serve-stdout", "nothing is printed after `READY!`", "plugins-in-the-wild 3, 6",
            "log to the callback socket: a pipe that nobody reads blocks";
        ServeQuiet = "serve-quiet", "an idle plugin does not flood its host", "host.md 11.5, 18 #5",
            "log what happens, not that nothing does";
        ServeCallbacks = "serve-callbacks", "what is posted to the host is what the contract says", "seed, host.md 12",
            "post log lines, events and reasons as JSON objects with their content type";
        ServeConnections = "serve-connections", "an idle plugin holds few connections to its host", "decisions (limits)",
            "keep one connection and use it again";
        ServeLeaves = "serve-leaves", "a plugin does not leave on its own", "host.md 12",
            "post to leaving only if the plugin cannot go on";
        ServeZombies = "serve-zombies", "ended child processes are waited for", "plugins-in-the-wild 5",
            "wait for every child process";
    }
    Action = "action" {
        ActionUnknown = "action-unknown", "an unknown command is answered with 404", "plugins-in-the-wild 5",
            "answer 404 to what is no action of yours";
        ActionGood = "action-good", "each action that was named is answered with 2xx and JSON", "seed, host.md 10.4",
            "see the exchange; params and model are given with --action NAME=JSON";
        ActionRepeat = "action-repeat", "an action that is repeated ends as the first time", "plugins-in-the-wild 6, csi-test",
            "make actions idempotent: on is on, also if it was on";
        ActionMissing = "action-missing", "an action without a required param is refused with 4xx", "plugins-in-the-wild 4 #13",
            "check the params before you use them";
        ActionTypes = "action-types", "a param of the wrong type is refused with 4xx", "plugins-in-the-wild 4 #13",
            "check the types; say what was expected and what came";
        ActionNull = "action-null", "a null body or null Params never ends in 5xx", "host.md 18 #25, plugins-in-the-wild 4 #13",
            "take null for empty, and refuse what is missing with 4xx";
        ActionModel = "action-model", "a Model that is no object never ends in 5xx", "plugins-in-the-wild 5",
            "look at the Model before you use it; refuse with 400";
        ActionNumbers = "action-numbers", "numbers come back exactly as they were given", "decisions, plugins-in-the-wild 4 #11",
            "hand untyped values on as JSON text";
        ActionEarly = "action-early", "before its configuration a plugin runs no action", "decisions",
            "answer 409 until there is a configuration";
    }
    Publish = "publish" {
        PublishAbsent = "publish-absent", "without HasPublish events are answered with 404", "seed, host.md 11.3",
            "set HasPublish, or do not serve the path";
        PublishAnswers = "publish-answers", "an event is answered in time", "host.md 11.3, decisions (limits)",
            "queue the event and answer: others wait for it";
        PublishAccepts = "publish-accepts", "an event is answered with 2xx", "host.md 11.3",
            "take events that you do not care for";
        PublishEcho = "publish-echo", "an event does not make more events", "plugins-in-the-wild 3",
            "log with IgnorePublish and post no event for each event";
        PublishMalformed = "publish-malformed", "an event that cannot be read is refused with 4xx", "host.md 7.3",
            "answer 400 to what cannot be read";
    }
    Events = "events" {
        EventsSelectors = "events-selectors", "selectors have three parts, and each is registered once", "host.md 8, api.md 13.3",
            "register TYPE.ACTION.KEY";
        EventsReconnect = "events-reconnect", "a websocket that was cut is opened and registered again within 15 s", "plugins-in-the-wild 4 #2",
            "supervise the connection: open it again and register again";
        EventsReconfigure = "events-reconfigure", "another configuration leaves one websocket with the selectors", "host.md 16",
            "close the stream of the configuration before";
        EventsStall = "events-stall", "a websocket that says nothing is taken for lost within 60 s", "plugins-in-the-wild 4 #2",
            "ping, and open another if no answer comes";
        EventsFlood = "events-flood", "20,000 events at once leave actions answered and memory bounded", "plugins-in-the-wild 4 #3",
            "bound the queue of events, and count what is dropped";
        EventsGarbage = "events-garbage", "frames that are no events end nothing", "plugins-in-the-wild 4 #4",
            "log a frame that cannot be read and go on";
        EventsPublish = "events-publish", "lines that are logged for an event carry IgnorePublish", "plugins-in-the-wild 3",
            "set IgnorePublish on lines that an event causes: they become events again";
    }
    Gone = "gone" {
        GoneCallback = "gone-callback", "without its host's socket a plugin answers, and its memory stays", "plugins-in-the-wild 4 #1",
            "bound the log queue, and do not log that logging failed";
        GoneStalled = "gone-stalled", "a host that does not answer log lines holds no action up", "host.md 7.1, 18 #3",
            "log from a queue, not from the action";
        GoneApi = "gone-api", "without the server's API a configuration is answered, and the plugin lives on", "host.md 7.1",
            "limit the time of calls to the server";
    }
    Stop = "stop" {
        StopAnswered = "stop-answered", "stop is answered with 2xx before the end", "plugins-in-the-wild 4 #7",
            "write the answer, then exit";
        StopEnds = "stop-ends", "a plugin ends after stop", "host.md 9.1",
            "exit once the answer is out";
        StopExit = "stop-exit", "the exit status after stop is 0", "decisions",
            "exit with 0";
        StopSocket = "stop-socket", "the socket is removed", "decisions",
            "remove the socket file at the end";
        StopLeftovers = "stop-leftovers", "no child process stays behind or holds the output", "host.md 9.1, plugins-in-the-wild 3",
            "end child processes, and give them output of their own";
        StopInFlight = "stop-in-flight", "an action in flight is answered when stop comes", "plugins-in-the-wild 4 #7",
            "refuse new work, and wait for what is under way";
        StopEarly = "stop-early", "stop works before the configuration", "host.md 9.1",
            "let stop depend on nothing";
        SigtermEnds = "sigterm-ends", "a plugin ends at SIGTERM", "decisions",
            "take SIGTERM as stop";
        SigtermClean = "sigterm-clean", "SIGTERM ends as stop does: exit status 0, socket removed", "plugins-in-the-wild 4 #8",
            "take SIGTERM as stop";
        ParentDeath = "parent-death", "a plugin whose host died ends within 15 s", "plugins-in-the-wild 4 #9, decisions",
            "look whether the parent is there when the callback socket refuses";
    }
    Http = "http" {
        HttpPath = "http-path", "unknown paths are answered with 404 and an error object", "host.md 7.3",
            "answer 404";
        HttpMethod = "http-method", "other methods than POST are answered with 404 and an error object", "host.md 7.3",
            "answer 404";
        HttpType = "http-type", "a body of another content type is refused with 400", "host.md 7.3",
            "answer 400";
        HttpGarbage = "http-garbage", "what is no HTTP harms nobody else", "decisions (limits)",
            "close the connection";
        HttpHalf = "http-half", "half requests hold nobody else up", "decisions (limits)",
            "limit the time of a request's head, and serve connections beside each other";
        HttpSlow = "http-slow", "slow requests hold nobody else up", "decisions (limits)",
            "serve connections beside each other";
        HttpHeader = "http-header", "a header of 4 MiB is refused, and the plugin lives on", "decisions (limits)",
            "limit the head of a request";
        HttpIdle = "http-idle", "200 idle connections hold nobody else up", "decisions (limits)",
            "serve connections beside each other";
        HttpParallel = "http-parallel", "100 requests at once are all answered", "host.md 7.3",
            "serve requests beside each other";
    }
    Paths = "paths" {
        PathsUnpack = "paths-unpack", "long directories with blanks and other letters are unpacked to", "host.md 7.1",
            "take the path as it is given";
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no check of this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no check `{0}`; docs/conformance.md lists them")]
pub struct UnknownCodeError(String);

impl FromStr for Code {
    type Err = UnknownCodeError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|code| code.name() == name).ok_or_else(|| UnknownCodeError(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_names_and_each_is_there_once() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(code.name().parse::<Code>().unwrap(), *code);
            assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        }
        assert!("define".parse::<Code>().is_err());
    }

    #[test]
    fn the_page_lists_all_codes_with_their_rules_and_no_others() {
        let page = include_str!("../../../docs/conformance.md");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let wanted =
            |code: &Code| format!("| `{}` | {} | {} | {} |", code.name(), code.rule(), code.source(), code.remedy());
        assert_eq!(rows, Code::ALL.iter().map(wanted).collect::<Vec<_>>());
    }
}
