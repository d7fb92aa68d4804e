//! The actions that plugins offer on objects and on the system.

use drp_core::{AvailableAction, Params, Raw};

use crate::{BuildRequestError, Client, ClientError, Request};

/// The actions on one object, or on the system. Made by [`Objects::actions`](crate::Objects::actions) and
/// [`Client::system_actions`]. On jobs these are what `drpcli` calls plugin actions.
#[derive(Clone, Debug)]
pub struct ObjectActions {
    client: Client,
    of: Of,
    plugin: Option<String>,
}

#[derive(Clone, Debug)]
enum Of {
    Object { prefix: String, key: String },
    System,
}

impl Client {
    /// The actions on the system. Nothing is sent yet.
    #[must_use]
    pub fn system_actions(&self) -> ObjectActions {
        ObjectActions { client: self.clone(), of: Of::System, plugin: None }
    }
}

impl ObjectActions {
    pub(crate) fn of_object(client: Client, prefix: &str, key: &str) -> Self {
        let of = Of::Object { prefix: prefix.to_owned(), key: key.to_owned() };
        Self { client, of, plugin: None }
    }

    /// Those of this plugin only. Else a server takes the first one that offers an action.
    #[must_use]
    pub fn plugin(self, name: impl Into<String>) -> Self {
        Self { plugin: Some(name.into()), ..self }
    }

    /// The actions that can be run now: those whose required params are there.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list(&self) -> Result<Vec<AvailableAction>, ClientError> {
        let request = match &self.of {
            Of::Object { prefix, key } => Request::actions(prefix, key),
            Of::System => Request::system_actions(),
        };
        self.client.send(self.with_plugin(request)?).await
    }

    /// One action. That it does not exist, or cannot be run now, is an error.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, command: &str) -> Result<AvailableAction, ClientError> {
        let request = match &self.of {
            Of::Object { prefix, key } => Request::action(prefix, key, command),
            Of::System => Request::system_action(command),
        };
        self.client.send(self.with_plugin(request)?).await
    }

    /// Runs an action and gives its result. It ends with [`Config::request_time`](crate::Config), also where the
    /// action goes on; see [`Client::with_request_time`].
    ///
    /// # Errors
    /// As [`Client::send`]; what the plugin answers in place of a result is in [`ClientError::wire`].
    pub async fn run(&self, command: &str, params: &Params) -> Result<Raw, ClientError> {
        let request = match &self.of {
            Of::Object { prefix, key } => Request::run_action(prefix, key, command, params),
            Of::System => Request::run_system_action(command, params),
        };
        self.client.send(self.with_plugin(request)?).await
    }

    fn with_plugin(&self, request: Result<Request, BuildRequestError>) -> Result<Request, BuildRequestError> {
        let request = request?;
        Ok(match &self.plugin {
            Some(plugin) => request.query("plugin", plugin),
            None => request,
        })
    }
}
