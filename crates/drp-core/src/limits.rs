//! Every limit on what comes from outside, in one place. Sizes are bytes unless the name says otherwise.

use std::time::Duration;

/// Body of a request to a plugin or to the host's object API, and the output of `define`.
pub const BODY_BYTES_MAX: usize = 64 << 20;
/// A body that needs no room among the large ones.
pub const SMALL_BODY_BYTES_MAX: usize = 1 << 20;
/// Larger bodies that a host holds in memory at the same time; others wait.
pub const LARGE_BODIES_MAX: usize = 8;
/// A file, iso or provider upload; these are streamed.
pub const FILE_BYTES_MAX: u64 = 32 << 30;
/// Names that a list of a folder and all below it may have.
pub const FILES_LISTED_MAX: usize = 100_000;
/// Files, folders and links that an uploaded archive may unpack to. Their bytes are those of [`FILE_BYTES_MAX`].
pub const UNPACKED_ENTRIES_MAX: u64 = 100_000;
/// How many times larger than the archive that may be which is unpacked from it.
pub const UNPACKED_RATIO_MAX: u64 = 200;
/// Bytes that a small archive may unpack to whatever the ratio.
pub const UNPACKED_BYTES_ALWAYS: u64 = 64 << 20;
/// What an archive's reader has to hold in memory at once: a list of entries, or one entry's names.
pub const UNPACKED_LIST_BYTES_MAX: u64 = 16 << 20;
/// Files whose sums are made at the same time.
pub const SUMMING_MAX: usize = 4;
/// Archives that are unpacked at the same time.
pub const UNPACKING_MAX: usize = 2;
/// One websocket message from a client.
pub const WS_MESSAGE_FROM_CLIENT_BYTES_MAX: usize = 1 << 20;
/// One websocket message to a client.
pub const WS_MESSAGE_TO_CLIENT_BYTES_MAX: usize = 64 << 20;
/// What is kept of each output stream of a child process; the rest is read and dropped.
pub const CHILD_OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Time of a child process, unless its caller says otherwise.
pub const CHILD_TIME: Duration = Duration::from_secs(60);
/// Time that a child process gets between SIGTERM and SIGKILL.
pub const CHILD_TERM_TIME: Duration = Duration::from_secs(2);
/// Levels that JSON may nest.
pub const JSON_DEPTH_MAX: usize = 128;
/// Bytes that one patch may move about within a document, however often it moves the same ones: what takes a second or
/// two. What shifts in an array counts too.
pub const PATCH_MOVED_BYTES_MAX: u64 = 2 << 30;
/// Values in one YAML document.
pub const YAML_NODES_MAX: usize = 2_000_000;
/// Values that the anchors and aliases of one YAML document may repeat.
pub const YAML_REPEATED_NODES_MAX: usize = 100_000;
/// Bytes of text that the anchors and aliases of one YAML document may repeat.
pub const YAML_REPEATED_BYTES_MAX: usize = 8 << 20;
/// The text of one JSON Schema.
pub const SCHEMA_BYTES_MAX: usize = 1 << 20;
/// All headers of one request.
pub const HEADER_BYTES_MAX: usize = 64 << 10;
/// One log line's message; longer ones are cut and marked.
pub const LOG_LINE_BYTES_MAX: usize = 32 << 10;
/// Lines for the log of a job that wait in a provider to be appended.
pub const JOB_LOG_WAITING_BYTES_MAX: usize = 1 << 20;
/// Service, principal and file name of one log line, each; longer ones are cut and marked.
pub const LOG_NAME_BYTES_MAX: usize = 1 << 10;
/// Lines of its own log that a host keeps for whoever asks.
pub const LOG_LINES_KEPT_MAX: usize = 1000;
/// Log lines a provider holds for its host.
pub const LOG_QUEUE_LINES_MAX: usize = 4096;
/// Bytes of log lines a provider holds for its host.
pub const LOG_QUEUE_BYTES_MAX: usize = 8 << 20;
/// Events waiting for one subscriber of a host or client.
pub const SUBSCRIBER_EVENTS_MAX: usize = 1024;
/// Bytes of events waiting for one subscriber of a host or client.
pub const SUBSCRIBER_EVENT_BYTES_MAX: usize = 64 << 20;
/// Events waiting for the handlers of a provider.
pub const HANDLER_EVENTS_MAX: usize = 10_000;
/// Bytes of events waiting for the handlers of a provider.
pub const HANDLER_EVENT_BYTES_MAX: usize = 64 << 20;
/// Connections that one client address may hold.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
/// Websockets of a host in all.
pub const WEBSOCKETS_MAX: usize = 10_000;
/// Selectors that one websocket may register.
pub const SELECTORS_PER_WEBSOCKET_MAX: usize = 1024;
/// Requests that wait at the same time for a change of an object.
pub const LONG_POLLS_MAX: usize = 4096;
/// Websockets that one client address may hold, beside its connections.
pub const WEBSOCKETS_PER_ADDRESS_MAX: usize = 1024;
/// Jobs that a host keeps.
pub const JOBS_MAX: usize = 10_000;
/// Files in the directory of one bundle.
pub const CONTENT_FILES_MAX: usize = 100_000;
/// Bundles in a host's directory of content.
pub const CONTENT_BUNDLES_MAX: usize = 1000;
/// A certificate chain, a private key or a password in a file.
pub const SECRET_FILE_BYTES_MAX: u64 = 1 << 20;
/// The log of one job.
pub const JOB_LOG_BYTES_MAX: u64 = 64 << 20;
/// Files and folders of one backup.
pub const BACKUP_ENTRIES_MAX: usize = 1_000_000;
/// What one backup unpacks to. A file in it may have [`FILE_BYTES_MAX`].
pub const BACKUP_BYTES_MAX: u64 = 4 << 40;
/// The list of what is in a backup, and the part of one that says what it is.
pub const BACKUP_MANIFEST_BYTES_MAX: u64 = 256 << 20;
/// One part of a store in a backup: the largest value, escaped, and its names.
pub const BACKUP_STORE_PART_BYTES_MAX: u64 = 160 << 20;
/// The path of a file in a backup.
pub const BACKUP_PATH_BYTES_MAX: usize = 4096;
/// Units of talk (about a byte each) that one plugin may use up at once; see [`PLUGIN_TALK_RATE`].
pub const PLUGIN_TALK_BURST: usize = 16 << 20;
/// Units of talk that a plugin gets back each second. Its output, its log lines and its other calls to the host cost
/// some, at least so many that it cannot keep its host from others.
pub const PLUGIN_TALK_RATE: usize = 2 << 20;
/// The name of one file, as file systems have it.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Length of a unix socket's path that every supported system accepts, without its closing NUL.
pub const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Time that the receiver of a long list has for each piece of it, some 100 KiB: its store keeps what is changed
/// meanwhile.
pub const LIST_PAUSE_TIME: Duration = Duration::from_secs(60);
/// Longest time for which the receiver of a backup may take nothing of it.
pub const BACKUP_PAUSE_TIME: Duration = Duration::from_secs(30);
/// Time a provider has for `define`.
pub const DEFINE_TIME: Duration = Duration::from_secs(30);
/// Time a provider has for `unpack`.
pub const UNPACK_TIME: Duration = Duration::from_secs(300);
/// Time from starting a plugin to its `READY!`.
pub const READY_TIME: Duration = Duration::from_secs(30);
/// Time a plugin has to answer config.
pub const CONFIG_TIME: Duration = Duration::from_secs(300);
/// Time until a plugin begins its answer to a client's request that is handed through, and longest silence within it.
pub const PROXY_TIME: Duration = Duration::from_secs(300);
/// Time a plugin has to answer an event that is posted to it.
pub const PUBLISH_TIME: Duration = Duration::from_secs(10);
/// Time a plugin has to answer stop and exit.
pub const STOP_TIME: Duration = Duration::from_secs(60);
/// Time from SIGTERM to SIGKILL.
pub const KILL_GRACE_TIME: Duration = Duration::from_secs(5);
/// Time a stopping provider gives the requests in flight.
pub const DRAIN_TIME: Duration = Duration::from_secs(20);
/// Time for which handlers may block all threads of a provider before it says so, and between two looks.
pub const BLOCKED_TIME: Duration = Duration::from_secs(2);
/// Time in which a provider whose parent died notices it.
pub const PARENT_CHECK_TIME: Duration = Duration::from_secs(2);
/// First wait before a crashed plugin is started again; doubles up to [`RESTART_WAIT_MAX`].
pub const RESTART_WAIT_MIN: Duration = Duration::from_secs(1);
/// Longest wait before a crashed plugin is started again.
pub const RESTART_WAIT_MAX: Duration = Duration::from_secs(60);
/// Time a restarted plugin must live before its PluginErrors are cleared.
pub const HEALTHY_TIME: Duration = Duration::from_secs(10);
/// Time for one request of the client, unless the caller sets another.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);
/// Time to connect, TLS handshake included.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Time in which the rest of a request is read that is answered already, so that its sender sees the answer.
pub const UNREAD_BODY_TIME: Duration = Duration::from_secs(5);
/// Time a peer has to send the headers of a request.
pub const HEADER_TIME: Duration = Duration::from_secs(30);
/// Time that a connection may be idle between two requests. Go clients keep theirs for 90 s.
pub const IDLE_TIME: Duration = Duration::from_secs(120);
/// Time in which a peer has to take something of an answer.
pub const STALL_TIME: Duration = Duration::from_secs(60);
/// Longest wait for a change of an object within one request.
pub const LONG_POLL_TIME: Duration = Duration::from_secs(600);

/// Life that the client asks for when it renews a token, as `drpcli` does.
pub const TOKEN_TIME: Duration = Duration::from_secs(7200);
/// Life of a token that was asked for without a word about it (`api.md` §2.2).
pub const TOKEN_TIME_UNASKED: Duration = Duration::from_secs(3600);
/// Time in which a token that is still good must be renewed; else the call that noticed goes on with the old one.
pub const TOKEN_RENEW_TIME: Duration = Duration::from_secs(5);
/// Time after which a token is to be renewed once more when that failed.
pub const TOKEN_RENEW_PAUSE: Duration = Duration::from_secs(30);
/// Time in which one of several servers must answer before the next is asked.
pub const ENDPOINT_PROBE_TIME: Duration = Duration::from_secs(10);
/// A file with a person's settings.
pub const SETTINGS_FILE_BYTES_MAX: u64 = 64 << 10;
/// Beginning of an answer that cannot be read, as far as an error repeats it.
pub const ERROR_EXCERPT_BYTES_MAX: usize = 160;
/// Text of an answer that is no error object, as far as an error repeats it.
pub const ERROR_TEXT_BYTES_MAX: usize = 4 << 10;
/// Tries of one request of the client, the first included.
pub const REQUEST_TRIES_MAX: u32 = 4;
/// First wait before a request is tried again; doubles up to [`RETRY_WAIT_MAX`].
pub const RETRY_WAIT_MIN: Duration = Duration::from_millis(100);
/// Longest wait before a request is tried again.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(2);
/// Longest `Retry-After` that the client waits for; it reports longer ones at once.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// Time for one call of a provider's HTTP client with its repetitions, unless its author says otherwise.
pub const HTTP_CALL_TIME: Duration = Duration::from_secs(30);
/// Body of an answer to a provider's HTTP client, unpacked, unless its author says otherwise.
pub const HTTP_BODY_BYTES_MAX: usize = 8 << 20;
/// What a provider's HTTP client reads of a body that comes with an error's status.
pub const HTTP_REFUSAL_BYTES_MAX: usize = 64 << 10;
/// What an error of a provider's HTTP client repeats of such a body.
pub const HTTP_REFUSAL_EXCERPT_BYTES_MAX: usize = 1 << 10;
/// Redirects that a provider's HTTP client follows in one try.
pub const HTTP_REDIRECTS_MAX: usize = 5;
/// Objects of one page, of those that the client fetches of a list page by page.
pub const PAGE_OBJECTS: u64 = 100;
/// Objects that such a page may be made to have.
pub const PAGE_OBJECTS_MAX: u64 = 1000;
/// Time in which a param update must get through against other writers.
pub const UPDATE_TIME: Duration = Duration::from_secs(60);
/// First wait of an update that lost against another writer; doubles up to [`UPDATE_WAIT_MAX`].
pub const UPDATE_WAIT_MIN: Duration = Duration::from_millis(8);
/// Tries again of an update that was refused with 409 for no reason that says that somebody else was faster.
pub const UPDATE_UNEXPLAINED_TRIES_MAX: u32 = 5;
/// Longest wait of an update that lost against another writer.
pub const UPDATE_WAIT_MAX: Duration = Duration::from_millis(500);
/// Time between two pings of a websocket client.
pub const WS_PING_TIME: Duration = Duration::from_secs(10);
/// Silence after which a websocket client takes its connection for dead.
pub const WS_SILENCE_TIME: Duration = Duration::from_secs(30);
/// Time a server has to echo the registration of a selector.
pub const WS_ECHO_TIME: Duration = Duration::from_secs(10);
/// First wait before a lost websocket is opened again; doubles up to [`RECONNECT_WAIT_MAX`].
pub const RECONNECT_WAIT_MIN: Duration = Duration::from_millis(250);
/// Longest wait before a lost websocket is opened again.
pub const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(30);
/// Bytes of one body in a recording; of a longer one there are the length and the sum.
pub const TRACE_BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of all bodies in a recording; what comes later is counted and not kept.
pub const TRACE_BYTES_MAX: usize = 64 << 20;
/// Exchanges and events in a recording; what comes later is counted and not kept.
pub const TRACE_ENTRIES_MAX: usize = 100_000;
/// A recording as a file: escapes make bodies longer.
pub const TRACE_FILE_BYTES_MAX: u64 = 256 << 20;
/// Texts that a recording masks; what comes later takes the place of the oldest.
pub const TRACE_SECRETS_MAX: usize = 10_000;
