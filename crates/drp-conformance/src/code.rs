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

            /// What the author of the provider, or of the server, does about it.
            pub const fn remedy(self) -> &'static str {
                match self { $( $( Self::$code => $remedy, )* )* }
            }

            /// The part of a provider's life, or of a server, that it is about.
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
    HostAuth = "host-auth" {
        HostAuthNone = "host-auth-none", "without credentials the answer is 401", "api.md 2.1",
            "answer 401 where there is no, or no readable, Authorization";
        HostAuthWrong = "host-auth-wrong", "wrong credentials are answered with 401 or 403, and an error object or nothing", "api.md 2.1",
            "tell wrong passwords, unknown users and unreadable tokens the same";
        HostAuthToken = "host-auth-token", "a user gets tokens, with `Token` and `Info`, and they work as Bearer", "api.md 2.2",
            "serve GET /users/NAME/token";
        HostAuthTtl = "host-auth-ttl", "a token ends after its ttl", "api.md 2.2",
            "check the end of a token at each request";
        HostAuthTtlBad = "host-auth-ttl-bad", "a ttl that is no time is refused with 400", "api.md 2.2",
            "check the ttl before a token is made";
        HostAuthQuery = "host-auth-query", "`?token=` works where there is no Authorization", "api.md 2.1",
            "read the token from the query";
        HostAuthPassword = "host-auth-password", "a new password ends the old one and its tokens, and no hash is shown", "api.md 2.2, 4.2",
            "change the user's secret with the password";
        HostAuthClaims = "host-auth-claims", "without claims an object is 404, a list is empty, and a change is 403 of Type AUTH", "api.md 2.3",
            "hide what may not be seen, and deny by default";
        HostAuthGone = "host-auth-gone", "the password and the tokens of a deleted user no longer work", "host.md 18 #43",
            "look for the user at each request";
    }
    HostApi = "host-api" {
        HostInfo = "host-info", "/info says who the server is and what it can", "api.md 15",
            "fill arch, os, version, id, ports, stats and features";
        HostType = "host-type", "good answers are application/json, also those without a body", "api.md 3.1",
            "set Content-Type on every answer below 400: clients refuse others";
        HostRoute = "host-route", "unknown paths are answered with 404 and `No route`", "api.md 3.3",
            "answer an error object to every path";
        HostMissing = "host-missing", "what is not there is answered with 404, `Not Found`, and Type, Model and Key", "api.md 3.3",
            "fill all fields of the error object: clients show them";
        HostJson = "host-json", "what is no JSON is refused with 400", "api.md 3.1",
            "answer 400 and the reader's text";
        HostContentType = "host-content-type", "a body of another content type is refused, and makes nothing", "api.md 3.1",
            "look at Content-Type before the body";
        HostWrongShape = "host-wrong-shape", "JSON of the wrong shape is refused with 4xx and an error object", "host.md 18 #25, #45",
            "check what is read; a mistake of the asker is no 500";
        HostLogs = "host-logs", "/logs is a list of lines", "api.md 14",
            "keep the last lines with Time, Service, Level and Message";
    }
    HostObjects = "host-objects" {
        HostCreate = "host-create", "a create is answered with 201 and the object, filled", "api.md 3.2, 4.2",
            "answer the object as it is stored, with lists and maps that are not null";
        HostConflict = "host-conflict", "what is there is not made again: 409, `already exists`", "api.md 3.3",
            "refuse a create whose key is there";
        HostEmptyKey = "host-empty-key", "an object without a key is refused: 400, `Empty key not allowed`", "api.md 3.3",
            "check the key first";
        HostName = "host-name", "bad names are refused: 422, ``Invalid Name `X` ``", "api.md 3.3, 4.1",
            "check names by the rule";
        HostRead = "host-read", "objects are found by key and by unique index, HEAD has no body", "api.md 4.2",
            "take INDEX:VALUE for a key";
        HostPut = "host-put", "PUT replaces the whole object", "api.md 4.2",
            "keep nothing of the object before";
        HostPutKey = "host-put-key", "PUT of another key is refused with 400", "api.md 3.3",
            "compare the key of the body with that of the path";
        HostPatch = "host-patch", "PATCH changes what RFC 6902 says, with escapes", "api.md 4.2, 4.4",
            "apply the operations in order";
        HostPatchTest = "host-patch-test", "a PATCH that fails is 409 of Type PATCH, and changes nothing", "api.md 3.3, 4.4",
            "apply to a copy: clients lock by test operations";
        HostDelete = "host-delete", "DELETE answers 200 with the object, and then 404", "api.md 4.2",
            "answer the object that was removed";
        HostMeta = "host-meta", "/meta shows and patches the Meta of an object", "api.md 5",
            "serve GET and PATCH of /meta/TYPE/KEY";
        HostBundled = "host-bundled", "what content brings is read-only, carries its bundle, and goes with it", "api.md 3.3, 8",
            "set ReadOnly and Bundle, and refuse changes with 4xx";
        HostFiles = "host-files", "files come back as they went up", "api.md 12",
            "store bytes as they are";
    }
    HostParams = "host-params" {
        HostParamUnset = "host-param-unset", "a param that is not set is 200 and `null`", "api.md 5",
            "answer null, not 404: plugins rely on it";
        HostParamSet = "host-param-set", "a param is set by POST, read by GET and removed by DELETE", "api.md 5",
            "serve …/params/KEY, where KEY may have slashes";
        HostParamAll = "host-param-all", "all params are replaced by POST and changed by PATCH", "api.md 5",
            "serve …/params";
        HostParamAggregate = "host-param-aggregate", "aggregate=true: own params first, then profiles in order", "api.md 5",
            "look through the profiles in their order";
        HostParamDefault = "host-param-default", "aggregate=true of one param falls back to its default", "api.md 5",
            "answer the schema's default, and only there";
        HostParamSchema = "host-param-schema", "a value that does not fit its schema is refused with 4xx, and changes nothing", "api.md 5, 21",
            "check values against the Param before they are stored";
        HostParamSecure = "host-param-secure", "a secure param is shown sealed unless decode=true asks for it", "api.md 5",
            "store and show what the client sealed";
        HostParamNumbers = "host-param-numbers", "numbers come back exactly as they were given", "decisions",
            "keep numbers as text, never as floats";
    }
    HostLists = "host-lists" {
        HostListFilters = "host-list-filters", "filters choose: operators, repeated keys, several keys", "api.md 4.3",
            "add up values of one key, and narrow by different keys";
        HostListOrder = "host-list-order", "lists are sorted by key, or by `sort`, and reversed by `reverse`", "api.md 4.2, 4.3",
            "sort every list";
        HostListPage = "host-list-page", "offset and limit cut, and the headers count", "api.md 3.5, 4.3",
            "set X-DRP-LIST-COUNT and X-DRP-LIST-TOTAL-COUNT";
        HostListHead = "host-list-head", "HEAD of a list counts as GET does", "api.md 3.5, 19",
            "set X-DRP-LIST-FILTER-COUNT too: without it a client crashes";
        HostListSlim = "host-list-slim", "slim empties Params and Meta, and sets Partial", "api.md 4.3",
            "reduce objects, and say so";
        HostListBad = "host-list-bad", "bad filters are refused with 406 and their texts", "api.md 3.3, 4.3",
            "refuse filters that are unknown, and negative pages";
    }
    HostEvents = "host-events" {
        HostEventsAuth = "host-events-auth", "a websocket without good credentials is refused by a status", "api.md 13.3",
            "check who asks before the upgrade";
        HostEventsEcho = "host-events-echo", "every register and deregister is echoed once, in order", "api.md 13.3",
            "echo each command, also one that changes nothing: plugins wait for it";
        HostEventsObjects = "host-events-objects", "create, updates with their Original, and delete come in order", "api.md 13.1, host.md 11",
            "publish a change once it is made, with the object and what it was";
        HostEventsParams = "host-events-params", "setting a param is an update of its object", "api.md 13.1",
            "publish changes of params and meta as updates";
        HostEventsSelectors = "host-events-selectors", "selectors choose by type, action and key, and keys may have dots", "api.md 13.3",
            "split a selector at the first two dots";
        HostEventsOnce = "host-events-once", "an event comes once however many selectors match, until they are deregistered", "api.md 13.3",
            "match each event once per websocket";
        HostEventsMalformed = "host-events-malformed", "commands that are none harm no other websocket and no request", "api.md 13.3, host.md 18 #31",
            "check a selector when it is registered";
        HostEventsPost = "host-events-post", "a posted event is answered with 204, and comes as it is", "api.md 13.2",
            "publish what was posted, with its Time and Object";
        HostEventsSecrets = "host-events-secrets", "events of users show neither hash nor secret", "host.md 18 #27",
            "leave out what is not shown by GET either";
    }
    HostProviders = "host-providers" {
        HostUpload = "host-upload", "an upload is answered with 201, path and size, and is a provider with an event", "api.md 9, host.md 4.4",
            "run define, and fill Provider into each action at once";
        HostUploadBad = "host-upload-bad", "what is no provider is refused with 4xx, and is not there", "api.md 9, host.md 18 #10",
            "run define before anything is put in place";
        HostProviderContent = "host-provider-content", "a provider's content is a read-only layer of its name and version", "host.md 4.4, 5.3",
            "load Content as a layer of Type plugin";
        HostProviderFiles = "host-provider-files", "what a provider unpacks is under files/plugin_providers/NAME", "host.md 4.4, api.md 12",
            "run unpack when a provider is taken";
        HostProviderTypes = "host-provider-types", "a provider's StoreObjects are types, whose fields are checked", "host.md 14, api.md 7",
            "route the types, and check declared fields";
        HostProviderBinary = "host-provider-binary", "a provider's executable can be read back", "api.md 9",
            "serve GET /plugin_providers/NAME/binary";
        HostProviderGone = "host-provider-gone", "a removed provider takes content, types and plugins' actions along, and its plugins say so", "host.md 5.2",
            "stop its plugins, and write `Missing Plugin Provider: NAME` into their errors";
        HostProviderForbidden = "host-provider-forbidden", "403 from a configuration removes the provider", "host.md 6.5, 8",
            "take 403 for `this provider is not allowed here`";
    }
    HostPlugins = "host-plugins" {
        HostPluginConfig = "host-plugin-config", "a configuration has Name, the plugin's params, defaults, and secrets opened", "host.md 8, 20",
            "send {params} and {resolved params} and {Name}, and store none of that";
        HostPluginConfiged = "host-plugin-configed", "plugins.configed and plugins.stopped are published", "host.md 6.7",
            "publish them when it is so";
        HostPluginMissing = "host-plugin-missing", "a missing required param is in PluginErrors until it is there", "host.md 6.2, 6.6",
            "write `Missing required parameter: NAME`, and start once the params change";
        HostPluginRefused = "host-plugin-refused", "a refused configuration is in PluginErrors, and its actions do not run", "host.md 6.5, 6.6",
            "keep the text of the plugin's error";
        HostPluginProvider = "host-plugin-provider", "a plugin of a provider that is not there says so", "api.md 10, host.md 6.4",
            "write `Missing Plugin Provider: NAME`";
        HostPluginChanged = "host-plugin-changed", "other params are another configuration", "host.md 6.3",
            "stop and start a plugin when its params change";
        HostPluginToken = "host-plugin-token", "a plugin's URLs and token work, until it is gone", "host.md 4.1, 15, 18 #29",
            "make a token for each instance, and revoke it at stop";
        HostPluginLog = "host-plugin-log", "a plugin's log line is answered with 204, and is an event and in /logs", "host.md 12, 11.5",
            "add what is posted to /log";
        HostPluginPublish = "host-plugin-publish", "a plugin's event is answered with 200, and comes as it is", "host.md 12",
            "publish what is posted to /publish";
        HostPluginStop = "host-plugin-stop", "a plugin that is removed is told to stop, and is heard meanwhile", "host.md 7.1, 9.1",
            "post stop, and serve the callback socket until the process has ended";
        HostPluginLeave = "host-plugin-leave", "a plugin that leaves is stopped, and its provider stays", "host.md 12",
            "stop it, and do not start it again";
        HostPluginCrash = "host-plugin-crash", "a crash is an error for who waits, and the plugin serves again or says why not", "host.md 9.2, 18 #4",
            "wait for the process, and start it again";
    }
    HostActions = "host-actions" {
        HostActionList = "host-action-list", "actions are listed by command while their required params are there", "api.md 6, host.md 10.2",
            "list what could run now";
        HostActionRun = "host-action-run", "an action gets the whole object, its plugin, its command and the caller's params", "host.md 10.3, 10.4",
            "send the object as it is stored";
        HostActionParams = "host-action-params", "params come from the caller, the object, its profiles and the default, in this order", "host.md 10.3",
            "look up what the caller does not give";
        HostActionSecure = "host-action-secure", "secrets are opened for the plugin, and neither passed by callers nor shown in events", "host.md 10.3, 18 #26, #27",
            "open each one, and publish a copy without it";
        HostActionEmpty = "host-action-empty", "an empty or null body is an empty object", "api.md 3.1, 21",
            "take nothing for {}";
        HostActionNumbers = "host-action-numbers", "numbers reach the plugin and come back exactly as they were given", "decisions",
            "keep numbers as text, never as floats";
        HostActionUnknown = "host-action-unknown", "unknown actions, plugins and objects are refused with the right status and text", "api.md 6",
            "answer 404 to GET and 400 to POST of an unknown command";
        HostActionWrong = "host-action-wrong", "missing and wrong params are refused with 400 of Type INVOKE", "api.md 6, host.md 10.3",
            "check the params before the plugin is called";
        HostActionError = "host-action-error", "the plugin's error object is passed on unchanged, with its code", "api.md 6, host.md 10.4",
            "hand the body through; a 403 of an action removes nobody";
        HostActionEvent = "host-action-event", "a run is an event of the object's type, with the action as Object", "host.md 11.4",
            "publish it before the plugin is called";
    }
    HostWire = "host-wire" {
        HostDeep = "host-deep", "JSON of 100,000 levels is refused with 4xx, and others are served", "decisions (limits)",
            "limit the depth of JSON";
        HostHuge = "host-huge", "an object of 80 MiB is refused, and others are served", "decisions (limits), host.md 18 #46",
            "limit what is read of a body";
        HostHeader = "host-header", "a header of 2 MiB is refused, and others are served", "decisions (limits)",
            "limit the head of a request";
        HostShort = "host-short", "a body that breaks off makes nothing", "host.md 18 #44",
            "compare the body with its Content-Length";
        HostSlow = "host-slow", "50 slow clients hold nobody else up", "decisions (limits)",
            "serve connections beside each other, and limit their time";
        HostGarbage = "host-garbage", "what is no TLS or no HTTP harms nobody else", "decisions (limits)",
            "close the connection";
    }
}

impl Code {
    /// Whether it is a rule for hosts, and not for providers.
    pub fn is_of_hosts(self) -> bool {
        self.phase() >= Phase::HostAuth
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
