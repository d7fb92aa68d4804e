//! The server itself: what it is, and what there is once only.

use std::collections::BTreeMap;

use drp_core::{Event, Index, Info, Interface, Line, Params, Raw, Whoami};

use crate::{Client, ClientError, Request};

impl Client {
    /// What the server tells about itself: its version, features, id and more.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn info(&self) -> Result<Info, ClientError> {
        self.send(Request::info()?).await
    }

    /// The prefixes of all object types that can be stored.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn object_types(&self) -> Result<Vec<String>, ClientError> {
        self.send(Request::object_types()?).await
    }

    /// The indexes of all types, by prefix and name.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn indexes(&self) -> Result<BTreeMap<String, BTreeMap<String, Index>>, ClientError> {
        self.send(Request::indexes()?).await
    }

    /// The indexes of a type, by name.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn indexes_of(&self, prefix: &str) -> Result<BTreeMap<String, Index>, ClientError> {
        self.send(Request::indexes_of(prefix)?).await
    }

    /// One index of a type; where there is none, one of no type.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn index(&self, prefix: &str, name: &str) -> Result<Index, ClientError> {
        self.send(Request::index(prefix, name)?).await
    }

    /// All preferences.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn prefs(&self) -> Result<BTreeMap<String, String>, ClientError> {
        self.send(Request::prefs()?).await
    }

    /// Sets some preferences, or none of them if one cannot be, and gives them all.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn set_prefs(&self, prefs: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ClientError> {
        self.send(Request::set_prefs(prefs)?).await
    }

    /// The network interfaces of the server.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn interfaces(&self) -> Result<Vec<Interface>, ClientError> {
        self.send(Request::list("interfaces")?).await
    }

    /// One network interface of the server.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn interface(&self, name: &str) -> Result<Interface, ClientError> {
        self.send(Request::get("interfaces", name)?).await
    }

    /// The lines of the server's log that it keeps, the oldest first.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn logs(&self) -> Result<Vec<Line>, ClientError> {
        self.send(Request::logs()?).await
    }

    /// Publishes an event as it is.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn post_event(&self, event: &Event) -> Result<(), ClientError> {
        self.send_only(Request::post_event(event)?).await
    }

    /// Runs a system action and gives its result; see [`ObjectActions::run`](crate::ObjectActions::run).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn run_system_action(&self, command: &str, params: &Params) -> Result<Raw, ClientError> {
        self.system_actions().run(command, params).await
    }

    /// Which machine it is that knows this of itself. What it is comes back in the result.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn whoami(&self, known: &Whoami) -> Result<Whoami, ClientError> {
        self.send(Request::whoami(known)?).await
    }
}
