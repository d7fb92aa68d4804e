//! Contexts for handlers that a test calls.

use std::time::Duration;

use drp_client::{Client, Config, Credentials};
use drp_plugin::Context;

use crate::TestHost;

/// A context for calling a handler as the plain function that it is. There is no server behind it: whatever the
/// handler asks its client fails at once. [`TestHost::context`] has one.
///
/// ```
/// use drp_plugin::{Context, Machine, NoParams, Result};
///
/// struct Rack {
///     rows: u32,
/// }
///
/// async fn rows(context: Context<Rack>, machine: Machine, _params: NoParams) -> Result<String> {
///     Ok(format!("{} is in one of {} rows", machine.name, context.state().rows))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let machine = Machine { name: "web1".to_owned(), ..Machine::default() };
/// let said = rows(drp_test::context(Rack { rows: 4 }), machine, NoParams {}).await.unwrap();
/// assert_eq!(said, "web1 is in one of 4 rows");
/// # }
/// ```
#[must_use]
pub fn context<S>(state: S) -> Context<S> {
    // Nobody can listen there without being asked to.
    let mut server = Config::new("http://127.0.0.1:1", Credentials::Token("none".into()));
    server.request_time = Duration::from_millis(100);
    let client = Client::new(server).unwrap_or_else(|error| panic!("cannot make a client: {error}"));
    Context::new("test", state, client)
}

impl TestHost {
    /// A context for calling a handler as the plain function that it is, with this host as its server.
    pub fn context<S>(&self, state: S) -> Context<S> {
        Context::new(self.plugin_name(), state, self.client().clone())
    }
}
