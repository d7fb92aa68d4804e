//! Every limit on what comes from outside, in one place. Sizes are bytes unless the name says otherwise.

use std::time::Duration;

/// Body of a request to a plugin or to the host's object API, and the output of `define`.
pub const BODY_BYTES_MAX: usize = 64 << 20;
/// A file, iso or provider upload; these are streamed.
pub const FILE_BYTES_MAX: u64 = 32 << 30;
/// One websocket message from a client.
pub const WS_MESSAGE_FROM_CLIENT_BYTES_MAX: usize = 1 << 20;
/// One websocket message to a client.
pub const WS_MESSAGE_TO_CLIENT_BYTES_MAX: usize = 64 << 20;
/// Levels that JSON may nest.
pub const JSON_DEPTH_MAX: usize = 128;
/// All headers of one request.
pub const HEADER_BYTES_MAX: usize = 64 << 10;
/// One log line's message; longer ones are cut and marked.
pub const LOG_LINE_BYTES_MAX: usize = 32 << 10;
/// Log lines a provider holds for its host.
pub const LOG_QUEUE_LINES_MAX: usize = 4096;
/// Bytes of log lines a provider holds for its host.
pub const LOG_QUEUE_BYTES_MAX: usize = 8 << 20;
/// Events waiting for one subscriber of a host or client.
pub const SUBSCRIBER_EVENTS_MAX: usize = 1024;
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
/// Length of a unix socket's path that every supported system accepts, without its closing NUL.
pub const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Time a provider has for `define`.
pub const DEFINE_TIME: Duration = Duration::from_secs(30);
/// Time a provider has for `unpack`.
pub const UNPACK_TIME: Duration = Duration::from_secs(300);
/// Time from starting a plugin to its `READY!`.
pub const READY_TIME: Duration = Duration::from_secs(30);
/// Time a plugin has to answer config.
pub const CONFIG_TIME: Duration = Duration::from_secs(300);
/// Time a plugin has to answer stop and exit.
pub const STOP_TIME: Duration = Duration::from_secs(60);
/// Time from SIGTERM to SIGKILL.
pub const KILL_GRACE_TIME: Duration = Duration::from_secs(5);
/// Time a stopping provider gives the requests in flight.
pub const DRAIN_TIME: Duration = Duration::from_secs(20);
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
/// Time a peer has to send the headers of a request.
pub const HEADER_TIME: Duration = Duration::from_secs(30);
